"""A grid of characters and styles that knows which of its cells changed, so that these alone are sent."""

from __future__ import annotations

from operator import ne, or_
from typing import TypeVar

(BLANK, RAW, AVERAGE, MARK, LABEL, TEST, BEST, ABANDONED, ABANDONED_LABEL, CURSOR) = range(10)
"""Styles of a cell."""


class Cells:
    """A drawn chart: characters and styles by row, comparable with the drawing before.

    Attributes:
        characters: one list of strings a row.
        styles: one list of style numbers a row.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.characters = [[" "] * columns for _ in range(rows)]
        self.styles = [[BLANK] * columns for _ in range(rows)]

    def put(self, row: int, column: int, text: str, style: int) -> None:
        """Write `text` from a cell on, as far as it fits."""
        if not 0 <= row < len(self.characters):
            return
        characters, styles = self.characters[row], self.styles[row]
        for offset, character in enumerate(text):
            if 0 <= column + offset < len(characters):
                characters[column + offset] = character
                styles[column + offset] = style

    def followed_by(self, other: Cells, column: int) -> Cells:
        """A copy, with the cells of `other`, which is as large, from `column` on."""
        copy = Cells(0, 0)
        copy.characters = _joined(self.characters, other.characters, column)
        copy.styles = _joined(self.styles, other.styles, column)
        return copy

    def changes(self, before: Cells | None) -> list[tuple[int, int, int]]:
        """Stretches (row, first column, end column) that differ from `before`; all rows where the size differs."""
        width = len(self.characters[0]) if self.characters else 0
        if before is None or len(before.characters) != len(self.characters):
            return [(row, 0, width) for row in range(len(self.characters))]
        stretches = []
        for row, (characters, styles) in enumerate(zip(self.characters, self.styles, strict=True)):
            old_characters, old_styles = before.characters[row], before.styles[row]
            if characters == old_characters and styles == old_styles:
                continue
            if len(characters) != len(old_characters):
                stretches.append((row, 0, width))
                continue
            differ = list(map(or_, map(ne, characters, old_characters), map(ne, styles, old_styles)))
            stretches.append((row, differ.index(True), width - differ[::-1].index(True)))
        return stretches


_Cell = TypeVar("_Cell", str, int)


def _joined(mine: list[list[_Cell]], theirs: list[list[_Cell]], column: int) -> list[list[_Cell]]:
    return [own[:column] + other[column:] for own, other in zip(mine, theirs, strict=True)]
