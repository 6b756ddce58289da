"""Where a run stands, in a few figures: kept in `run.json`, so that a list of runs need not read every batch."""

from __future__ import annotations

import math
from typing import Any

import attrs

from mnist_tui.core.events import (
    BatchesTrained,
    EpochFinished,
    Evaluated,
    Event,
    Paused,
    Resumed,
    Rewound,
    RunContinued,
)


@attrs.define
class Tally:
    """The figures of one run, updated by its events.

    Attributes:
        step, epochs: batches trained, epochs finished.
        seconds: of training, without pauses and evaluations.
        loss: of the newest batch, nats; None before the first and where it is not finite.
        test_step: the step of the newest test evaluation that is in force; 0 before the first.
        test_accuracy, test_loss: of that evaluation, 0..1 and nats.
        best_test_accuracy: the highest of all, also of what was undone.
        bytes: how much of `metrics.jsonl` is counted in.
        paused: it waited when the newest event was told.
    """

    step: int = 0
    epochs: int = 0
    seconds: float = 0.0
    loss: float | None = None
    test_step: int = 0
    test_accuracy: float | None = None
    test_loss: float | None = None
    best_test_accuracy: float | None = None
    bytes: int = 0
    paused: bool = False
    _earlier: list[tuple[int, float | None, float | None]] = attrs.field(factory=list, eq=False, repr=False)

    @classmethod
    def from_values(cls, values: object) -> Tally | None:
        """What `as_values` made, or None where `values` are nothing of the kind."""
        if not isinstance(values, dict):
            return None
        known = {name: as_number(values.get(name)) for name in _NAMES}
        counts = [known[name] for name in ("step", "epochs", "seconds", "test_step", "bytes")]
        if any(count is None or count < 0 for count in counts):
            return None
        step, epochs, seconds, test_step, size = (min(count or 0, 2**53) for count in counts)
        return cls(
            step=int(step),
            epochs=int(epochs),
            seconds=seconds,
            loss=known["loss"],
            test_step=int(test_step),
            test_accuracy=known["test_accuracy"],
            test_loss=known["test_loss"],
            best_test_accuracy=known["best_test_accuracy"],
            bytes=int(size),
            paused=values.get("paused") is True,
        )

    def as_values(self) -> dict[str, Any]:
        """The figures as plain values."""
        return {name: getattr(self, name) for name in _NAMES}

    def apply(self, event: Event) -> None:
        """Take one event in."""
        match event:
            case BatchesTrained():
                self.step = event.last_step
                self.seconds += event.seconds
                self.loss = as_number(event.losses[-1]) if event.losses else self.loss
                self.paused = False
            case Paused():
                self.paused = True
            case Resumed() | RunContinued():
                self.paused = False
            case EpochFinished():
                self.epochs = event.epoch
            case Evaluated() if event.split == "test":
                if self.test_step or self.test_accuracy is not None:
                    self._earlier.append((self.test_step, self.test_accuracy, self.test_loss))
                self.test_step = event.step
                self.test_accuracy, self.test_loss = as_number(event.accuracy), as_number(event.loss)
                self.best_test_accuracy = max(self.best_test_accuracy or 0.0, self.test_accuracy or 0.0)
            case Rewound():
                self.step, self.epochs, self.seconds = event.to_step, event.epochs_finished, event.seconds
                while self.test_step > self.step:
                    earlier = self._earlier.pop() if self._earlier else (0, None, None)
                    self.test_step, self.test_accuracy, self.test_loss = earlier
            case _:
                pass


_NAMES = tuple(field.name for field in attrs.fields(Tally) if not field.name.startswith("_"))


def as_number(value: object) -> float | None:
    """A finite number, or None for anything else that a file may hold in its place."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number longer than any float
        return None
