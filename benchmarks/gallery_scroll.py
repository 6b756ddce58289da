"""Memory of the program from the first test digit to the last: the gallery is scrolled through, page by page, headless.

What is read is the resident set of a process in which the real app runs on the real digits, after the first pages and
after the last. Nothing trains, so nothing else grows.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import tempfile
from pathlib import Path

from benchmarks.measure import report
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import RunSettings, ScreenSettings
from mnist_tui.runner.local import LocalRunner
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.looks import Look
from mnist_tui.tui.session import Session


def resident() -> float:
    """MB of this process (1e6 bytes), what Python could give back left out."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def growth(folder: Path, size: tuple[int, int]) -> tuple[float, float, int]:
    """MB before and after, and the keys it took."""
    runner = LocalRunner(RunSettings(runs_dir=folder, device="cpu"))
    session = Session(runner, Hyperparameters(), look=Look())
    app = MnistApp(session, ScreenSettings())
    async with app.run_test(size=size) as pilot:
        while session.progress.phase != "ready":
            await pilot.pause(0.1)
        await pilot.press("i")
        for _ in range(3):
            await pilot.press("pagedown")
        await pilot.press("home")
        before, keys = resident(), 0
        while session.browser.position < len(session.browser.order) - 1:
            await pilot.press("pagedown")
            keys += 1
        after = resident()
    runner.close()
    session.close()
    return before, after, keys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=36)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before, after, keys = asyncio.run(growth(Path(folder), (flags.columns, flags.rows)))
    report(
        f"memory from the first digit to the 10 000th, {flags.columns}x{flags.rows}, {keys} pages",
        "-",
        "<= 20 MB",
        f"{after - before:.1f} MB, {before:.0f} MB to {after:.0f} MB",
    )
    os._exit(0)


if __name__ == "__main__":
    main()
