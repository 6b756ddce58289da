"""One evaluation against another of the same digits, in three numbers."""

from __future__ import annotations

import attrs
import numpy as np

from mnist_tui.core.predictions.table import Predictions


@attrs.frozen
class Versus:
    """How many digits are `fixed` (wrong in the other, right now), `broken` (right, now wrong), wrong in `both`."""

    fixed: int
    broken: int
    both: int


def versus(table: Predictions, other: Predictions) -> Versus:
    """Count what became of the mistakes of `other`."""
    return Versus(
        fixed=int(np.count_nonzero(other.wrong & ~table.wrong)),
        broken=int(np.count_nonzero(~other.wrong & table.wrong)),
        both=int(np.count_nonzero(other.wrong & table.wrong)),
    )
