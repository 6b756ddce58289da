"""Digits built into strips: runs of codes from whole-image arithmetic, against a plain build cell by cell.

Both draw the same half blocks of the same digits, in alternated order; the plain one makes a segment of each cell, with
its styles cached. The other glyphs are read without a rival.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import cache, partial

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from benchmarks.measure import alternate, median, report
from mnist_tui.core.dataset import find
from mnist_tui.render.blocks import CELLS, LEVELS, SIDE, Glyphs, Size, draw_sized
from mnist_tui.render.palette import DARK

GLYPHS: tuple[Glyphs, ...] = ("half", "quadrant", "braille", "shade", "ascii")


@cache
def _style(top: int, bottom: int) -> Style:
    return Style(color=DARK.shade(top / (LEVELS - 1)), bgcolor=DARK.shade(bottom / (LEVELS - 1)))


def plain(pixels: bytes, size: Size) -> list[Strip]:
    """A segment a cell, pixels added up one by one."""
    columns, rows = CELLS[size]
    step = SIDE // columns
    strips = []
    for row in range(rows):
        segments = []
        for column in range(columns):
            levels = []
            for y in (2 * row, 2 * row + 1):
                block = [
                    pixels[(y * step + dy) * SIDE + column * step + dx] for dy in range(step) for dx in range(step)
                ]
                levels.append(sum(block) // len(block) * (LEVELS - 1) // 255)
            segments.append(Segment("▀", _style(*levels)))
        strips.append(Strip(segments))
    return strips


def ours(pixels: bytes, size: Size, glyphs: Glyphs = "half") -> list[Strip]:
    return [Strip(line) for line in draw_sized(pixels, DARK, glyphs, size)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60, help="pairs at each size")
    parser.add_argument("--digits", type=int, default=40)
    flags = parser.parse_args()
    test = find("mnist").load_test()

    def milliseconds(draw: Callable[[bytes], list[Strip]], pair: int) -> float:
        """Of digits that were not drawn before."""
        places = [(pair * flags.digits + nth) % len(test) for nth in range(flags.digits)]
        pictures = [bytes(test.digit(place)) for place in places]
        began = time.perf_counter()
        for pixels in pictures:
            draw(pixels)
        return (time.perf_counter() - began) * 1000

    for size in ("half", "full"):
        mine: Callable[[bytes], list[Strip]] = partial(ours, size=size)
        other: Callable[[bytes], list[Strip]] = partial(plain, size=size)
        pairs = list(alternate(flags.pairs, partial(milliseconds, mine), partial(milliseconds, other)))
        middle = median([theirs for _, theirs in pairs]).value
        report(
            f"{flags.digits} digits built into strips, {size} size, half blocks",
            "a plain build cell by cell",
            "<= 8 ms",
            f"{median([mine for mine, _ in pairs]).show('.2f', ' ms')}, the plain build {middle:.1f} ms",
        )
    for glyphs in GLYPHS:
        read = []
        for size in CELLS:
            draw = partial(ours, size=size, glyphs=glyphs)
            times = [milliseconds(draw, pair) for pair in range(flags.pairs)]
            read.append(f"{size} {median(times).value:.2f} ms")
        print(f"{glyphs}: {', '.join(read)}", flush=True)


if __name__ == "__main__":
    main()
