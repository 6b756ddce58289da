"""Both charts redrawn after a million batches against after a thousand: thinning must keep the cost the same.

Two histories with the same shape of curve; every pair draws loss and accuracy of both at one size, in alternated order.
As on the screen, the frame of axes is kept from the drawing before, and what is measured is the curves.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable

from benchmarks.measure import alternate, median, report
from mnist_tui.core.events import BatchesTrained
from mnist_tui.core.history import History
from mnist_tui.render.chart import draw_chart
from mnist_tui.render.view import View

SIZES = ((86, 9), (160, 20))
VIEWS = (View("loss", x_labels=False), View("accuracy"))
CHUNK = 500


def history_of(batches: int, seed: int) -> History:
    """A run of `batches` batches of 64 whose loss falls from 2.3 and whose accuracy rises, both noisy."""
    generator = random.Random(seed)
    history = History()
    for first in range(1, batches + 1, CHUNK):
        steps = range(first, min(first + CHUNK, batches + 1))
        losses, hits = [], []
        for step in steps:
            mean = 0.05 + 2.25 * math.exp(-20 * step / batches)
            losses.append(mean * generator.lognormvariate(0.0, 0.4))
            hits.append(min(64, max(6, round(64 * math.exp(-mean / 2) + generator.gauss(0.0, 1.5)))))
        history.apply(BatchesTrained(first, 1, 64, tuple(losses), tuple(hits), steps[-1] * 64, 0.1))
    return history


def milliseconds(history: History, size: tuple[int, int], repeats: int) -> float:
    """One drawing of the pair of charts, the mean of `repeats`."""
    began = time.perf_counter()
    for _ in range(repeats):
        for view in VIEWS:
            draw_chart(history, view, *size, planned=history.last_step)
    return (time.perf_counter() - began) * 1000 / repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100, help="pairs at each size")
    parser.add_argument("--repeats", type=int, default=3, help="drawings in one measurement")
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--few", type=int, default=1_000)
    flags = parser.parse_args()

    long, short = history_of(flags.many, 0), history_of(flags.few, 1)

    def redraw(history: History, size: tuple[int, int]) -> Callable[[int], float]:
        return lambda _: milliseconds(history, size, flags.repeats)

    for size in SIZES:
        after_many, after_few = redraw(long, size), redraw(short, size)
        for warm in (after_many, after_few):
            warm(-1)
        ratios, times = [], []
        for number, (many, few) in enumerate(alternate(flags.pairs, after_many, after_few), 1):
            ratios.append(many / few)
            times.append((many, few))
            print(f"{size[0]}x{size[1]} pair {number}: {many:.2f} ms, {few:.2f} ms, {ratios[-1]:.2f}x")
        middle = [statistics.median(column) for column in zip(*times, strict=True)]
        report(
            f"both charts redrawn after {flags.many} batches, {size[0]}x{size[1]} cells",
            f"after {flags.few} batches",
            "<= 1.3x",
            f"{median(ratios).show('.2f', 'x')}, {middle[0]:.2f} ms to {middle[1]:.2f} ms",
        )


if __name__ == "__main__":
    main()
