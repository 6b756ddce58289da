"""A new evaluation of all test digits, to a refreshed Inspect screen.

The real app without a terminal, over a runner that says what it is told: the clock begins when the evaluation is in the
inbox and the app looks into it, and ends when the compositor has painted what changed. The wait for the next look,
0.1 s at most, and the terminal's own time come on top. Mistakes alone are shown, so that gallery, large digit, matrix
and search line all change.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from benchmarks.measure import percentile, report
from mnist_tui.tui.screens.inspect import InspectScreen
from tests.tui.scripted import evaluation, make_app, mid_run

SIZES = ((120, 36), (200, 60))
TARGET_MS = 150


async def milliseconds(size: tuple[int, int], times: int) -> list[float]:
    """Each of `times` evaluations, until the screen has nothing left to paint."""
    app, runner = make_app(mid_run())
    events = [evaluation(1300 + number, 2, 30 + number % 50) for number in range(times + 3)]
    taken = []
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.tick()
        await pilot.press("i", "M")
        await pilot.pause()
        assert isinstance(app.screen, InspectScreen)
        for event in events:
            runner.say(event)
            began = time.perf_counter()
            app.tick()
            table = app.session.browser.predictions
            assert table is not None
            assert table.step == event.step
            app.screen._on_timer_update()  # what the screen's own timer calls up to 120 times a second
            app.screen._compositor.render_strips()  # every line, where only those that changed are painted
            taken.append((time.perf_counter() - began) * 1000)
            await pilot.pause()
    return taken[3:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=60)
    flags = parser.parse_args()
    for size in SIZES:
        taken = asyncio.run(milliseconds(size, flags.times))
        report(
            f"a new evaluation to a refreshed Inspect screen, {size[0]}x{size[1]}, p95 of {flags.times}",
            "-",
            f"<= {TARGET_MS} ms",
            f"{percentile(taken, 0.95).show('.1f', ' ms')}, median {percentile(taken, 0.5).value:.1f} ms",
        )


if __name__ == "__main__":
    main()
