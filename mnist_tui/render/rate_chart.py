"""The learning-rate finder's curve: smoothed loss over the logarithm of the rate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from mnist_tui.render.axes import Axis, loss_axis
from mnist_tui.render.chart import Drawing
from mnist_tui.render.columns import Columns
from mnist_tui.render.curves import Point, draw_curves
from mnist_tui.render.frame import LABEL_WIDTH, draw_frame
from mnist_tui.render.marks import Line

LOW, HIGH = -7.0, 1.0  # decades of the x axis
_CLIPPED = 1.6  # times the first loss: above it the curve only explodes


def rate_axis() -> Axis:
    """The x axis, in decades."""
    return Axis(LOW, HIGH, tuple((float(k), f"{10.0**k:g}") for k in range(round(LOW), round(HIGH) + 1)))


def draw_rates(
    rates: Sequence[float],
    losses: Sequence[float],
    cursor: float | None,
    suggestion: float | None,
    width: int,
    height: int,
    ascii_only: bool = False,
) -> Drawing:
    """The curve in `width` x `height` cells, a marked line at the rate `cursor`, a diamond at the suggested one."""
    x = rate_axis()
    highest = min(max(losses, default=1.0), _CLIPPED * losses[0] if losses else 1.0)
    y = loss_axis([], [highest], False, max(2, (height - 2) // 2))
    frame = draw_frame(width, height, x, y, True, ascii_only)
    columns = 2 * max(1, frame.columns or width - LABEL_WIDTH - 1)
    nan = [math.nan] * columns
    points = []
    if suggestion is not None:
        points = [Point(math.log10(suggestion), loss_at(rates, losses, suggestion), True)]
    marks = [] if cursor is None else [Line(math.log10(cursor), f"{cursor:.3g}")]
    cells = draw_curves(
        (frame.columns, frame.rows),
        x,
        y,
        Columns(nan, nan, _spread(rates, losses, columns)),
        None,
        points,
        marks,
        ascii_only=ascii_only,
    )
    return Drawing(frame, cells, x)


def loss_at(rates: Sequence[float], losses: Sequence[float], rate: float) -> float:
    """The loss of the tried rate that is nearest to `rate`; NaN where none was tried."""
    if not rates:
        return math.nan
    nearest = min(range(len(rates)), key=lambda number: abs(math.log(rates[number] / rate)))
    return losses[nearest]


def _spread(rates: Sequence[float], losses: Sequence[float], columns: int) -> list[float]:
    """One loss a dot column, on straight lines between the rates that were tried."""
    spread = [math.nan] * columns
    scale = (columns - 1) / (HIGH - LOW)
    places = [(math.log10(rate) - LOW) * scale for rate in rates]
    for (left, right), (low, high) in zip(_pairs(places), _pairs(losses), strict=True):
        for column in range(max(0, math.ceil(left)), min(columns - 1, math.floor(right)) + 1):
            spread[column] = low + (high - low) * (column - left) / (right - left)
    return spread


def _pairs(values: Sequence[float]) -> list[tuple[float, float]]:
    return list(itertools.pairwise(values))
