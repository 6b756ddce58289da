"""An export of all 60 000 training digits: how long it takes, and how long the screen answers nothing meanwhile.

The real app without a training beside it. A task of its loop wakes every 2 ms; the longest it overslept is the longest
a key would have waited. The first export of a process imports torch and torchvision, and is told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import time

import numpy as np

from benchmarks.measure import median, report
from mnist_tui.core.dataset import find
from mnist_tui.core.query import ALL
from mnist_tui.tui.app import MnistApp
from tests.tui.scripted import make_app, mid_run

SIZE = (120, 36)
WAKE_SECONDS = 0.002


async def longest_sleep(stop: asyncio.Event) -> float:
    """Seconds the loop's task slept at most beyond what it wanted."""
    longest = 0.0
    while not stop.is_set():
        began = time.perf_counter()
        await asyncio.sleep(WAKE_SECONDS)
        longest = max(longest, time.perf_counter() - began - WAKE_SECONDS)
    return longest


async def one_export(app: MnistApp) -> tuple[float, float]:
    """Seconds of an export, and of the longest time that nothing else was done."""
    stop = asyncio.Event()
    watch = asyncio.create_task(longest_sleep(stop))
    await asyncio.sleep(0.1)
    began = time.perf_counter()
    await app.run_action("screen.export")
    while any(worker.is_running for worker in app.workers):
        await asyncio.sleep(WAKE_SECONDS)
    seconds = time.perf_counter() - began
    stop.set()
    return seconds, await watch


async def measure(times: int) -> list[tuple[float, float]]:
    """Of each export."""
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        browser = app.session.browser
        while browser.predictions is None:
            await pilot.pause(0.05)
        digits = find("mnist").load_train()
        browser.add_split("training", digits)
        logits = np.random.default_rng(0).normal(size=(len(digits), 10)).astype(np.float32)
        browser.judge_split("training", browser.predictions.step, 0, logits.tobytes())
        browser.show_split("training")
        browser.ask(ALL)
        await pilot.press("i")
        await pilot.pause(1)
        return [await one_export(app) for _ in range(times)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=9, help="exports")
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.makedirs("runs/x")
        first, *others = asyncio.run(measure(flags.times + 1))
    report("the first export of 60 000 digits, torch and torchvision imported in it", "-", "-", f"{first[0]:.1f} s")
    report("the longest the screen stood still in it", "-", "-", f"{first[1] * 1000:.0f} ms")
    seconds, sleeps = zip(*others, strict=True)
    report("a later export of 60 000 digits", "-", "-", median(seconds).show(".2f", " s"))
    milliseconds = [sleep * 1000 for sleep in sleeps]
    report("the longest the screen stood still in it", "-", "<= 100 ms", median(milliseconds).show(".0f", " ms"))


if __name__ == "__main__":
    main()
