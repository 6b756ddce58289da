"""The series behind the charts: bounded in memory and in the cost of drawing, however long the run.

A `Series` keeps its newest batches whole and the entire run in at most `CAPACITY` buckets. When the buckets are full,
neighbours merge and every bucket covers twice as many batches; a bucket keeps its smallest and largest value, so
thinning never loses the best or the worst batch.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import attrs

from mnist_tui.core.events import (
    BatchesTrained,
    Evaluated,
    Event,
    HyperparametersApplied,
    RunStarted,
)
from mnist_tui.core.hyperparameters import KNOBS, Value, differences

CAPACITY = 1024
RECENT = 1000
SMOOTHING = 0.95


class Ema:
    """Exponential moving average, free of the bias towards its zero start (Kingma & Ba 2014, section 3)."""

    def __init__(self, smoothing: float = SMOOTHING) -> None:
        self.smoothing = smoothing
        self._mean = 0.0
        self._weight = 0.0

    def add(self, value: float) -> float:
        """Take `value` in and return the average; a value that is not finite changes nothing."""
        if math.isfinite(value):
            self._mean += (1 - self.smoothing) * (value - self._mean)
            self._weight += (1 - self.smoothing) * (1 - self._weight)
        return self.value

    @property
    def value(self) -> float:
        """The average so far; NaN before the first finite value."""
        return self._mean / self._weight if self._weight else math.nan


@attrs.define(slots=True)
class Bucket:
    """Batches `first` … `last` of a series: extremes of the raw values, and the average at its end."""

    first: int
    last: int
    low: float
    high: float
    ema: float


class Series:
    """One value per batch, kept whole for the newest `RECENT` and in buckets for the whole run."""

    def __init__(self, capacity: int = CAPACITY, recent: int = RECENT, smoothing: float = SMOOTHING) -> None:
        self._capacity = capacity
        self._stride = 1
        self._buckets: list[Bucket] = []
        self._recent: deque[Bucket] = deque(maxlen=recent)
        self._ema = Ema(smoothing)
        self.latest = math.nan
        self.last_step = 0

    def __len__(self) -> int:
        return self.last_step

    @property
    def average(self) -> float:
        """The moving average at the newest batch."""
        return self._ema.value

    def extend(self, first_step: int, values: Sequence[float]) -> None:
        """Append the values of batches `first_step`, `first_step + 1`, …

        A value that is not finite leaves a gap: its bucket has `low` = `high` = NaN unless other batches fill it.
        """
        for step, value in enumerate(values, first_step):
            ema = self._ema.add(value)
            raw = value if math.isfinite(value) else math.nan
            self._recent.append(Bucket(step, step, raw, raw, ema))
            self._add(step, raw, ema)
        if values:
            self.latest = values[-1]
            self.last_step = first_step + len(values) - 1

    def _add(self, step: int, raw: float, ema: float) -> None:
        last = self._buckets[-1] if self._buckets else None
        if last is not None and step // self._stride == last.first // self._stride:
            last.last, last.ema = step, ema
            if not raw >= last.low:
                last.low = _least(last.low, raw)
            if not raw <= last.high:
                last.high = _greatest(last.high, raw)
            return
        if len(self._buckets) >= self._capacity:
            self._halve()
            self._add(step, raw, ema)
            return
        self._buckets.append(Bucket(step, step, raw, raw, ema))

    def _halve(self) -> None:
        self._stride *= 2
        merged: list[Bucket] = []
        for bucket in self._buckets:
            last = merged[-1] if merged else None
            if last is not None and last.first // self._stride == bucket.first // self._stride:
                last.last, last.ema = bucket.last, bucket.ema
                last.low, last.high = _least(last.low, bucket.low), _greatest(last.high, bucket.high)
            else:
                merged.append(bucket)
        self._buckets = merged

    def whole(self) -> Sequence[Bucket]:
        """The entire run, at most `CAPACITY` buckets."""
        return self._buckets

    def recent(self, count: int = RECENT) -> Sequence[Bucket]:
        """The newest `count` batches, one bucket each."""
        skip = max(0, len(self._recent) - count)
        return list(self._recent)[skip:]


def _least(a: float, b: float) -> float:
    return b if math.isnan(a) else a if math.isnan(b) else min(a, b)


def _greatest(a: float, b: float) -> float:
    return b if math.isnan(a) else a if math.isnan(b) else max(a, b)


@attrs.frozen
class TestPoint:
    """A whole-split evaluation as a point on the charts."""

    step: int
    loss: float
    accuracy: float
    split: str

    __test__ = False


@attrs.frozen
class Mark:
    """An edit as a labelled line on the charts."""

    step: int
    changes: dict[str, tuple[Value, Value]]

    @property
    def label(self) -> str:
        """Short words: `lr 0.001→0.0005`."""
        return " ".join(
            f"{_SHORT.get(name, KNOBS[name].label)} {KNOBS[name].format(old)}→{KNOBS[name].format(new)}"
            for name, (old, new) in self.changes.items()
        )


class History:
    """Everything the charts of one run show.

    Attributes:
        loss: training loss per batch, nats.
        accuracy: training accuracy per batch, 0..1.
        tests: evaluations in order.
        marks: applied edits in order; edits at one step share a mark.
        revision: grows with every change, so that a view can tell whether it is up to date.
    """

    def __init__(self) -> None:
        self.revision = 0
        self._clear()

    def _clear(self) -> None:
        self.loss = Series()
        self.accuracy = Series()
        self.tests: list[TestPoint] = []
        self.marks: list[Mark] = []

    @property
    def last_step(self) -> int:
        """The newest batch; 0 before the first."""
        return self.loss.last_step

    @property
    def best(self) -> TestPoint | None:
        """The evaluation of the best checkpoint: highest accuracy (of validations, if any), earliest of equals."""
        held_out = [point for point in self.tests if point.split == "validation"]
        return max(held_out or self.tests, key=lambda point: point.accuracy, default=None)

    def apply(self, event: Event) -> None:
        """Take one event in; events that no chart shows change nothing."""
        match event:
            case RunStarted():
                self._clear()
            case BatchesTrained():
                self.loss.extend(event.first_step, event.losses)
                self.accuracy.extend(event.first_step, event.accuracies)
            case Evaluated():
                self.tests.append(TestPoint(event.step, event.loss, event.accuracy, event.split))
            case HyperparametersApplied():
                self._mark(event)
            case _:
                return
        self.revision += 1

    def _mark(self, event: HyperparametersApplied) -> None:
        """Note what an edit changed; edits at one step make one mark, from the first old value to the last new one."""
        before = self.marks.pop().changes if self.marks and self.marks[-1].step == event.step else {}
        changes = dict(before)
        for name, (old, new) in differences(event.old, event.new).items():
            if name != "epochs":
                changes[name] = (before.get(name, (old, new))[0], new)
        changes = {name: values for name, values in changes.items() if values[0] != values[1]}
        if changes:
            self.marks.append(Mark(event.step, changes))


_SHORT = {
    "learning_rate": "lr",
    "batch_size": "batch",
    "weight_decay": "decay",
    "momentum": "mom",
    "dropout": "drop",
}
