"""Edits on a chart: dotted lines with labels where there is room for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs

from mnist_tui.render.axes import Axis
from mnist_tui.render.cells import ABANDONED, ABANDONED_LABEL, LABEL, MARK, Cells


@attrs.frozen
class Line:
    """An edit at `x`; `undone` where it belongs to an abandoned branch."""

    x: float
    label: str
    undone: bool = False


def cell_of(x: float, axis: Axis, width: int) -> int:
    """The cell of a position, in the same rounding as the dots of the curves; outside 0 … `width` - 1 if it is."""
    if axis.high <= axis.low:
        return 0
    return math.floor((x - axis.low) / (axis.high - axis.low) * (2 * width - 1) + 0.5) // 2


def centre_of(cell: int, axis: Axis, width: int) -> float:
    """The position in the middle of a cell."""
    return axis.low + (2 * cell + 0.5) / max(1, 2 * width - 1) * (axis.high - axis.low)


def draw_marks(cells: Cells, width: int, x: Axis, lines: Sequence[Line], ascii_only: bool) -> list[tuple[int, Line]]:
    """Dotted lines where edits took effect, those that were undone below; returns those in sight by column."""
    seen = [(column, line) for line in lines if 0 <= (column := cell_of(line.x, x, width)) < width]
    seen.sort(key=lambda place: (place[1].undone, -place[1].x))
    newest_undone = next((place for place in seen if place[1].undone), None)
    if newest_undone is not None:  # what was just taken back has a label as surely as what was just done
        seen.remove(newest_undone)
        seen.insert(min(1, len(seen)), newest_undone)
    for column, line in reversed(seen):
        for row in range(len(cells.characters)):
            cells.put(row, column, ":" if ascii_only else "┊", ABANDONED if line.undone else MARK)
    return seen


def draw_labels(cells: Cells, seen: Sequence[tuple[int, Line]], labels_low: bool, ascii_only: bool) -> None:
    """Labels above everything, so that they can be read; each right of its line, in the first row where it is free.

    The newest edit and the newest that was undone choose their row first, then those in force.
    """
    width, height = len(cells.characters[0]), len(cells.characters)
    rows = list(range(max(1, height // 2)))
    if labels_low:
        rows = [height - 1 - row for row in rows]
    taken: dict[int, list[tuple[int, int]]] = {row: [] for row in rows}
    for column, line in seen:
        text = f"undone {line.label}" if line.undone else line.label
        text = text.replace("→", ">") if ascii_only else text
        start = column + 1 if column + 1 + len(text) <= width else max(0, column - len(text))
        end = start + len(text)
        free = next((row for row in rows if all(end < left or right < start for left, right in taken[row])), None)
        if free is not None:
            cells.put(free, start, text, ABANDONED_LABEL if line.undone else LABEL)
            taken[free].append((start, end))
