"""The curves of a run that are laid over those of others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import attrs

from mnist_tui.core.averages import DEFAULT_SMOOTHING
from mnist_tui.core.history import History
from mnist_tui.core.replay import Replay

CurveKind: TypeAlias = Literal["test accuracy", "test loss", "training loss"]
CURVE_KINDS: tuple[CurveKind, ...] = ("test accuracy", "test loss", "training loss")

Curve: TypeAlias = Sequence[tuple[int, float]]
"""Points as (step, value), in order."""


@attrs.frozen(eq=False)
class Curves:
    """What a run's charts show, without its single batches.

    Attributes:
        test_accuracy, test_loss: one point an evaluation that is in force, 0..1 and nats.
        training_loss: the moving average of the batches, nats; at most `history.CAPACITY` points.
    """

    test_accuracy: Curve = ()
    test_loss: Curve = ()
    training_loss: Curve = ()

    def of(self, kind: CurveKind) -> Curve:
        """One of them."""
        match kind:
            case "test accuracy":
                return self.test_accuracy
            case "test loss":
                return self.test_loss
            case _:
                return self.training_loss


class CurveReader:
    """The curves of the run in `folder`, read on from where the last look ended."""

    def __init__(self, folder: Path) -> None:
        self._replay = Replay(folder)
        self._history = History()
        self._curves = Curves()

    def read(self) -> Curves:
        """The curves as they are now; the same object as before where nothing was added."""
        events = self._replay.read(arrays=False)
        if not events:
            return self._curves
        for event in events:
            self._history.apply(event)
        tests = [test for test in self._history.tests if test.split == "test"]
        self._curves = Curves(
            test_accuracy=[(test.step, test.accuracy) for test in tests],
            test_loss=[(test.step, test.loss) for test in tests],
            training_loss=[(bucket.last, bucket.emas[DEFAULT_SMOOTHING]) for bucket in self._history.loss.whole()],
        )
        return self._curves
