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
        self._kept: dict[int, tuple[Reduction, int]] = {}  # by columns: a frame may turn out narrower than was guessed

    def reduce(self, history: History, series: Series, view: View, x: Axis, columns: int) -> Columns:
        """The whole of `series`, a series of `history`, as `columns` dot columns.

        The newest bucket is taken anew each time: more batches may be put into it.
        """
        buckets = series.whole()
        key = (series.reshaped, x.low, x.high, view.unit, view.smoothing, history.samples_per_epoch)
        if series is not self._series or key != self._key:
            self._series, self._key = series, key
            self._kept.clear()
        elif columns not in self._kept and len(self._kept) > 1:
            self._kept.clear()  # the size has changed
        reduction, done = self._kept.get(columns) or (Reduction(x, columns, view.smoothing), 0)
        settled = buckets[done:-1]
        reduction.take(settled, history.positions(settled, view.unit))
        self._kept[columns] = reduction, done + len(settled)
        whole = reduction.copy()
        newest = buckets[-1:]
        whole.take(newest, history.positions(newest, view.unit))
        return whole.finish()
