"""The columns of a run that is still trained: buckets that cannot change any more are looked at once.

A drawing of 1000 buckets spends two fifths of its time on them; ten times a second, in the thread of the screen.
"""

from __future__ import annotations

from mnist_tui.core.history import History, Series
from mnist_tui.render.axes import Axis
from mnist_tui.render.columns import Columns, Reduction
from mnist_tui.render.layers import KeptLayer
from mnist_tui.render.view import View


class Growth:
    """What is kept of one chart between two drawings.

    Attributes:
        layers: of the raw values and of their average.
    """

    def __init__(self) -> None:
        self.layers = KeptLayer(), KeptLayer()
        self._series: Series | None = None
        self._key: object = None
        self._reduction: Reduction | None = None
        self._done = 0

    def reduce(self, history: History, series: Series, view: View, x: Axis, columns: int) -> Columns:
        """The whole of `series`, a series of `history`, as `columns` dot columns.

        The newest bucket is taken anew each time: more batches may be put into it.
        """
        buckets = series.whole()
        key = (series.reshaped, x.low, x.high, columns, view.unit, view.smoothing, history.samples_per_epoch)
        if self._reduction is None or series is not self._series or key != self._key or len(buckets) < self._done:
            self._series, self._key, self._done = series, key, 0
            self._reduction = Reduction(x, columns, view.smoothing)
        settled = buckets[self._done : -1]
        self._reduction.take(settled, history.positions(settled, view.unit))
        self._done += len(settled)
        whole = self._reduction.copy()
        newest = buckets[-1:]
        whole.take(newest, history.positions(newest, view.unit))
        return whole.finish()
