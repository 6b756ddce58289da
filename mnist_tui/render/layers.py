"""Dots in braille cells: two by four a cell; in ASCII one value a cell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from mnist_tui.render.axes import Axis
from mnist_tui.render.cells import Cells

# Bits of the dots of a braille cell (U+2800 + bits): left column top to bottom, then right column.
_LEFT = (0x01, 0x02, 0x04, 0x40)
_RIGHT = (0x08, 0x10, 0x20, 0x80)
_FIRST_BRAILLE = 0x2800
_DOWN_FROM = tuple(tuple(sum(column[dot:]) for dot in range(4)) for column in (_LEFT, _RIGHT))
_UP_TO = tuple(tuple(sum(column[: dot + 1]) for dot in range(4)) for column in (_LEFT, _RIGHT))


Stroke: TypeAlias = tuple[int, int]
"""First and last dot row of a vertical stroke in a dot column, both included."""


def dots_of(values: Sequence[float], y: Axis, dots: int, to_axis: Callable[[float], float] | None) -> list[int | None]:
    """The dot row of each value, counted from the top, at the edge for one outside the limits; None for NaN."""
    last = dots - 1
    scale = last / (y.high - y.low)
    offset = y.high * scale + 0.5
    plotted = values if to_axis is None else [to_axis(value) for value in values]
    return [
        None
        if value != value
        else 0
        if (position := offset - value * scale) < 0  # compared before it is rounded: it may be infinite
        else last
        if position >= dots
        else int(position)
        for value in plotted
    ]


def strokes_between(
    dots: Sequence[int | None], gaps: Collection[int] = (), known: Sequence[Stroke | None] = ()
) -> list[Stroke | None]:
    """A line through the dots of the columns that have one, broken at the columns of `gaps`, as strokes.

    Args:
        dots: one a column.
        gaps: columns across which there is no line.
        known: the strokes of the first columns, up to one that has a dot.
    """
    strokes: list[Stroke | None] = [*known, *[None] * (len(dots) - len(known))]
    last_column = len(known) - 1
    last = dots[last_column] if known else 0
    assert last is not None
    for column in range(len(known), len(dots)):
        dot = dots[column]
        if dot is None:
            if gaps and column in gaps:
                last_column = -1
            continue
        if last_column < 0:
            strokes[column] = (dot, dot)
        else:
            run = column - last_column
            for step in range(1, run + 1):
                here = last + (dot - last) * step // run
                before = last + (dot - last) * (step - 1) // run
                near = here if here == before else before + (1 if here > before else -1)
                strokes[last_column + step] = (near, here)
        last_column, last = column, dot
    return strokes


class Layer:
    """Dots of one colour: a bit mask a cell."""

    def __init__(self, width: int, height: int, ascii_only: bool) -> None:
        self._bits = [[0] * width for _ in range(height)]
        self._ascii = ascii_only

    def line(self, column: int, a: int, b: int) -> None:
        """A vertical stroke in a dot column, both ends included."""
        top, bottom = (a, b) if a <= b else (b, a)
        cell = column // 2
        if self._ascii:
            for row in range(top, bottom + 1):
                self._bits[row][cell] = 1
            return
        down, up = _DOWN_FROM[column & 1], _UP_TO[column & 1]
        first, last = top >> 2, bottom >> 2
        if first == last:
            self._bits[first][cell] |= down[top & 3] & up[bottom & 3]
            return
        self._bits[first][cell] |= down[top & 3]
        for row in range(first + 1, last):
            self._bits[row][cell] |= up[3]
        self._bits[last][cell] |= up[bottom & 3]

    def draw(self, strokes: Sequence[Stroke | None], first: int = 0) -> None:
        """The stroke of each dot column, from column `first` on."""
        for column in range(first, len(strokes)):
            stroke = strokes[column]
            if stroke is not None:
                self.line(column, *stroke)

    def erase(self, first: int) -> None:
        """Take the dots of cell column `first` and of those behind it away."""
        for bits in self._bits:
            bits[first:] = [0] * (len(bits) - first)

    def stamp(self, cells: Cells, style: int, ascii_character: str, first: int = 0) -> None:
        """Write the layer's cells over what is there, from cell column `first` on."""
        for row, bits in enumerate(self._bits):
            if not any(bits[first:] if first else bits):
                continue
            characters, styles = cells.characters[row], cells.styles[row]
            for column in range(first, len(bits)):
                mask = bits[column]
                if mask:
                    characters[column] = ascii_character if self._ascii else chr(_FIRST_BRAILLE + mask)
                    styles[column] = style
