"""A picture as cell codes, and cell codes as runs of segments: what all kinds of glyphs have in common.

A code is a character that stands for all a cell shows. Runs of one code become one segment, made once and kept.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style

Lines = list[list[Segment]]
Cell = tuple[str, Style]

_RUN = re.compile(r"(.)\1*", re.DOTALL)


class Runs(dict[str, Segment]):
    """The segment of each run of equal codes; all runs of one code have the very same style.

    Args:
        draw: the character and the style of a code.
    """

    def __init__(self, draw: Callable[[int], Cell]) -> None:
        super().__init__()
        self._draw = functools.cache(draw)

    def __missing__(self, run: str) -> Segment:
        glyph, style = self._draw(ord(run[0]))
        segment = self[run] = Segment(glyph * len(run), style)
        return segment

    def lines(self, codes: str, columns: int) -> Lines:
        """Lines of `columns` cells."""
        rows = [codes[start : start + columns] for start in range(0, len(codes), columns)]
        return [[self[match[0]] for match in _RUN.finditer(row)] for row in rows]


def joined(line: list[Segment]) -> list[Segment]:
    """A line with neighbours of the very same style made one: what is painted costs by the segment."""
    out = line[:1]
    for segment in line[1:]:
        if segment.style is out[-1].style:
            out[-1] = Segment(out[-1].text + segment.text, segment.style)
        else:
            out.append(segment)
    return out


def codes_of(cells: int, count: int) -> str:
    """`count` lanes of 16 bits as a string of codes; a code is below 0xd800, where characters that are none begin."""
    return cells.to_bytes(2 * count, "little").decode("utf-16-le")


def every(data: bytes, width: int, step: int) -> list[bytes]:
    """The rows 0, `step`, 2 `step` … of a picture as one, the rows 1, `step` + 1 …, and so on."""
    size = width * step
    starts = range(0, len(data), size)
    return [b"".join([data[s + at : s + at + width] for s in starts]) for at in range(0, size, width)]
