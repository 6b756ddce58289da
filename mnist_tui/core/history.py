"""Everything the charts of one run show: two series, evaluations, edits, and what was undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs

from mnist_tui.core import events
from mnist_tui.core.averages import DEFAULT_SMOOTHING, SMOOTHING, SMOOTHINGS, Ema
from mnist_tui.core.buckets import Bucket, thin
from mnist_tui.core.hyperparameters import KNOBS, differences
from mnist_tui.core.knob import Value
from mnist_tui.core.positions import UNITS, Unit, position_at, positions, step_at
from mnist_tui.core.series import CAPACITY, RECENT, Series

__all__ = [
    "BRANCHES",
    "BRANCH_CAPACITY",
    "CAPACITY",
    "DEFAULT_SMOOTHING",
    "RECENT",
    "SMOOTHING",
    "SMOOTHINGS",
    "UNITS",
    "Branch",
    "Bucket",
    "Ema",
    "History",
    "Mark",
    "Series",
    "TestPoint",
    "Unit",
]

BRANCHES = 8
BRANCH_CAPACITY = 256

_Changes: TypeAlias = dict[str, tuple[Value, Value]]


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
    """An edit as a labelled line on the charts; `edit` is its number, 0 where it has none."""

    step: int
    changes: dict[str, tuple[Value, Value]]
    edit: int = 0

    @property
    def label(self) -> str:
        """Short words: `lr 0.001→0.0005`."""
        return " ".join(
            f"{_SHORT.get(name, KNOBS[name].label)} {KNOBS[name].format(old)}→{KNOBS[name].format(new)}"
            for name, (old, new) in self.changes.items()
        )


@attrs.frozen(repr=False, eq=False)
class Branch:
    """What was trained from batch `to_step` to batch `from_step` and then undone.

    Attributes:
        edit: the number of the edit that was taken back, 0 for a recovery.
        loss, accuracy: at most `BRANCH_CAPACITY` buckets each; the first is of `to_step` itself, where the branch
            leaves the run.
        tests, marks: of these batches.
    """

    from_step: int
    to_step: int
    edit: int
    loss: Sequence[Bucket]
    accuracy: Sequence[Bucket]
    tests: Sequence[TestPoint]
    marks: Sequence[Mark]


class History:
    """Everything the charts of one run show.

    Attributes:
        loss: training loss per batch, nats.
        accuracy: training accuracy per batch, 0..1.
        tests: evaluations in order.
        marks: applied edits in order.
        abandoned: what was undone, oldest first, at most `BRANCHES`.
        samples: images seen in the run.
        seconds: of training.
        samples_per_epoch: images in a pass over the training set; 0 before the first run.
        revision: grows with every change, so that a view can tell whether it is up to date.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.samples_per_epoch = 0
        self._clear()

    def _clear(self) -> None:
        self.loss = Series()
        self.accuracy = Series()
        self.tests: list[TestPoint] = []
        self.marks: list[Mark] = []
        self.abandoned: list[Branch] = []
        self.samples = 0
        self.seconds = 0.0

    def forget(self) -> None:
        """Show nothing, as before the first run."""
        self._clear()
        self.samples_per_epoch = 0
        self.revision += 1

    @property
    def last_step(self) -> int:
        """The newest batch; 0 before the first."""
        return self.loss.last_step

    @property
    def best(self) -> TestPoint | None:
        """The evaluation of the best checkpoint: highest accuracy (of validations, if any), earliest of equals."""
        held_out = [point for point in self.tests if point.split == "validation"]
        return max(held_out or self.tests, key=lambda point: point.accuracy, default=None)

    def positions(self, buckets: Sequence[Bucket], unit: Unit) -> list[float]:
        """The end of each bucket, in `unit`."""
        return positions(buckets, unit, self.samples_per_epoch)

    def x_at(self, step: float, unit: Unit, branch: Branch | None = None) -> float:
        """The end of batch `step` (of an abandoned `branch`), in `unit`; after the newest batch, that of the newest."""
        buckets = self.loss.whole() if branch is None else branch.loss
        return position_at(buckets, step, unit, self.samples_per_epoch)

    def step_at(self, x: float, unit: Unit) -> float:
        """The inverse of `x_at`: the step, not rounded, at `x`."""
        return step_at(self.loss.whole(), x, unit, self.samples_per_epoch)

    def apply(self, event: events.Event) -> None:
        """Take one event in; events that no chart shows change nothing."""
        match event:
            case events.RunStarted():
                self._clear()
                self.samples_per_epoch = event.samples_per_epoch
            case events.BatchesTrained():
                self._train(event)
            case events.Evaluated():
                self.tests.append(TestPoint(event.step, event.loss, event.accuracy, event.split))
            case events.HyperparametersApplied():
                self._mark(event)
            case events.Rewound():
                self._rewind(event)
            case _:
                return
        self.revision += 1

    def _train(self, event: events.BatchesTrained) -> None:
        self.samples = event.samples
        self.seconds += event.seconds
        each = event.seconds / max(1, len(event.losses))
        for series, values in ((self.loss, event.losses), (self.accuracy, event.accuracies)):
            series.extend(event.first_step, values, event.samples, event.batch_size, self.seconds, each)

    def _mark(self, event: events.HyperparametersApplied) -> None:
        """Note what an edit changed.

        Events of one edit (a key that is held) make one mark at the first one's step, from the first old value to the
        last new one; so do events without a number at one step.
        """
        step, before = event.step, _Changes()
        last = self.marks[-1] if self.marks else None
        if last is not None and last.edit == event.edit and (event.edit or last.step == event.step):
            self.marks.pop()
            step, before = last.step, last.changes
        changes = dict(before)
        for name, (old, new) in differences(event.old, event.new).items():
            changes[name] = (before.get(name, (old, new))[0], new)
        changes = {name: values for name, values in changes.items() if values[0] != values[1]}
        if changes:
            self.marks.append(Mark(step, changes, event.edit))

    def _rewind(self, event: events.Rewound) -> None:
        """Set what came after `to_step` aside; an edit before which nothing was trained leaves no branch."""
        step, from_step = event.to_step, self.last_step
        undone = Branch(
            from_step,
            step,
            event.edit,
            _thinned(self.loss.truncate(step, event.samples, event.seconds)),
            _thinned(self.accuracy.truncate(step, event.samples, event.seconds)),
            [test for test in self.tests if test.step > step],
            [mark for mark in self.marks if mark.step > step],
        )
        if from_step > step:
            self.abandoned = [*self.abandoned, undone][-BRANCHES:]
        self.tests = [test for test in self.tests if test.step <= step]
        self.marks = [mark for mark in self.marks if mark.step <= step]
        self.samples, self.seconds = event.samples, event.seconds


def _thinned(buckets: Sequence[Bucket]) -> Sequence[Bucket]:
    """A branch small enough to keep; its first bucket, where it leaves the run, stays as it is."""
    return [*buckets[:1], *thin(buckets[1:], BRANCH_CAPACITY - 1)]


_SHORT = {
    "learning_rate": "lr",
    "schedule": "sched",
    "batch_size": "batch",
    "optimizer": "opt",
    "momentum": "mom",
    "beta2": "beta2",
    "weight_decay": "decay",
    "dropout": "drop",
    "label_smoothing": "smooth",
    "gradient_clip": "clip",
    "rotate": "rot",
}
