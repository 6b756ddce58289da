"""How a chart is looked at; apart from the drawing itself, which the first frame does without."""

from __future__ import annotations

import attrs

from mnist_tui.core.averages import DEFAULT_SMOOTHING
from mnist_tui.core.positions import Unit


@attrs.frozen(repr=False)
class View:
    """How a chart is looked at.

    Attributes:
        metric: `loss` or `accuracy`.
        log: logarithmic y axis.
        recent: the newest batches rather than the whole run.
        x_labels: whether the x axis is drawn below.
        ascii_only: characters every terminal has.
        unit: of the x axis.
        smoothing: which of `SMOOTHINGS`.
        zoom: limits of the x axis, in `unit`, instead of those of `recent` or the whole run.
        cursor: where on the x axis a batch is read, in `unit`.
    """

    metric: str
    log: bool = False
    recent: bool = False
    x_labels: bool = True
    ascii_only: bool = False
    unit: Unit = "step"
    smoothing: int = DEFAULT_SMOOTHING
    zoom: tuple[float, float] | None = None
    cursor: float | None = None
