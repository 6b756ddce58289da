"""The columns of a run that is still trained: buckets that cannot change any more are looked at once.

A drawing of 1000 buckets spends two fifths of its time on them; ten times a second, in the thread of the screen.
"""

from __future__ import annotations

import attrs

from mnist_tui.core.history import History, Series
from mnist_tui.render.axes import Axis
from mnist_tui.render.columns import Columns, Reduction
from mnist_tui.render.curves import Kept
from mnist_tui.render.view import View


@attrs.define
class _Stage:
    """How far a reduction to some number of columns has come.

    Attributes:
        settled: of the buckets that cannot change any more.
        done: how many these are.
        stamp: of the columns that it came to with the newest bucket.
        newest: the column of that, which it may have left by now.
    """

    settled: Reduction
    done: int = 0
    stamp: object = None
    newest: int = 0


class Growth:
    """What is kept of one chart between two drawings.

    Attributes:
        drawn: of the curves.
    """

    def __init__(self) -> None:
        self.drawn = Kept()
        self._series: Series | None = None
        self._key: object = None
        self._stages: dict[int, _Stage] = {}  # by columns: a frame may turn out narrower than was guessed

    def reduce(self, history: History, series: Series, view: View, x: Axis, columns: int) -> Columns:
        """The whole of `series`, a series of `history`, as `columns` dot columns.

        The newest bucket is taken anew each time: more batches may be put into it.
        """
        buckets = series.whole()
        key = (series.reshaped, x.low, x.high, view.unit, view.smoothing, history.samples_per_epoch)
        if series is not self._series or key != self._key:
            self._series, self._key = series, key
            self._stages.clear()
        elif columns not in self._stages and len(self._stages) > 1:
            self._stages.clear()  # the size has changed
        stage = self._stages.get(columns)
        if stage is None:
            stage = self._stages[columns] = _Stage(Reduction(x, columns, view.smoothing))
        settled = buckets[stage.done : -1]
        stage.settled.take(settled, history.positions(settled, view.unit))
        stage.done += len(settled)
        whole = stage.settled.copy()
        newest = buckets[-1:]
        whole.take(newest, history.positions(newest, view.unit))
        grown = whole.finish(stage.stamp, stage.newest)
        stage.stamp, stage.newest = grown.stamp, whole.newest
        return grown
