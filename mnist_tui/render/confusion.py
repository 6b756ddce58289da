"""The cells of a confusion matrix: what stands in them, in which colours."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from rich.style import Style

from mnist_tui.render.palette import Palette, mix

MatrixMode: TypeAlias = Literal["counts", "shares", "changes"]


def cell_words(value: float, mode: MatrixMode, width: int, nothing: str) -> str:
    """A value in at most `width` cells: `12`, `98.9` (per cent of a row, given 0..1), `+3`; `nothing` for 0."""
    if not value:
        return nothing
    if mode == "shares":
        return _per_cent(100 * value, width)
    sign = "" if mode == "counts" else "+" if value > 0 else "-"
    return _shortened(abs(round(value)), sign, width)


def _per_cent(percent: float, width: int) -> str:
    exact = f"{percent:.1f}"
    if len(exact) <= width and exact != "100.0":
        return exact
    return "<1" if percent < 0.5 and width < 3 else f"{percent:.0f}"


def _shortened(count: int, sign: str, width: int) -> str:
    """A count, in thousands where it has no room: `1k` for 1131."""
    text = f"{sign}{count}"
    return text if len(text) <= width else f"{sign}{count // 1000}k"


def cell_style(value: float, mode: MatrixMode, diagonal: bool, greatest: float, palette: Palette) -> Style:
    """The colours of a cell: mistakes glow by their number; of changes, the better ones are told from the worse.

    Args:
        value: in the cell.
        mode: what it is.
        diagonal: it counts hits.
        greatest: off the diagonal, in absolute numbers.
        palette: of the theme.
    """
    if not value:
        return Style(color=palette.right if diagonal and mode != "changes" else palette.faint)
    if diagonal and mode != "changes":
        return Style(color=palette.right)
    better = mode == "changes" and (value > 0) == diagonal
    colour = palette.right if better else palette.wrong
    if diagonal:
        return Style(color=colour, bold=True)
    scale = 1000 if mode == "shares" else 1  # so that the logarithm spreads shares as it does counts
    heat = min(1.0, math.log1p(scale * abs(value)) / math.log1p(scale * max(greatest, 1 / scale)))
    back = mix(palette.surface, colour, 0.15 + 0.75 * heat)
    return Style(color=palette.text if heat < 0.6 else palette.background, bgcolor=back, bold=True)
