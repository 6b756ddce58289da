"""How a chart is looked at; apart from the drawing itself, which the first frame does without."""

from __future__ import annotations

import attrs


@attrs.frozen
class View:
    """How a chart is looked at.

    Attributes:
        metric: `loss` or `accuracy`.
        log: logarithmic y axis.
        recent: the newest batches rather than the whole run.
        x_labels: whether the x axis is drawn below.
        ascii_only: characters every terminal has.
    """

    metric: str
    log: bool = False
    recent: bool = False
    x_labels: bool = True
    ascii_only: bool = False
