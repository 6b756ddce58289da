"""A run's checkpoints: what is written when, and the newest good one to go back to."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import attrs

from mnist_tui.core.events import CheckpointSaved, Rewound, SaveFailed
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.runs import name_of
from mnist_tui.engine.checkpoint import save_checkpoint, save_weights
from mnist_tui.engine.learner import Learner


@attrs.define
class Place:
    """How far a run has come; every checkpoint carries it.

    Attributes:
        step: batches trained; after an undo, those that still count.
        epoch: the one under way, from 1.
        epochs_finished: whole epochs.
        position: images of the epoch seen.
        samples: images of the run seen.
        seconds: training time, without pauses and evaluations.
        branch: how often the run went back.
    """

    step: int = 0
    epoch: int = 1
    epochs_finished: int = 0
    position: int = 0
    samples: int = 0
    seconds: float = 0.0
    branch: int = 0

    def move_to(self, other: Place) -> None:
        """Be where `other` is."""
        for name, value in attrs.asdict(other).items():
            setattr(self, name, value)

    def told_from(self, step: int, edit: int, hyperparameters: Hyperparameters) -> Rewound:
        """The way back to here, on this branch, from batch `step`; `edit` is what was taken back, or 0."""
        return Rewound(
            step,
            self.step,
            self.branch,
            edit,
            hyperparameters,
            self.epoch,
            self.epochs_finished,
            self.samples,
            self.seconds,
        )


@attrs.define
class Standing:
    """What the trainer has to know of its evaluations so far; the newest checkpoint carries it.

    Attributes:
        best: highest accuracy of the run, 0..1, or None.
        best_of_branch: highest since the last way back, which patience looks at.
        without_better: epochs since that one.
        evaluated_step: of the newest evaluation, -1 before any.
        epoch_seconds: training time of the epoch under way.
    """

    best: float | None = None
    best_of_branch: float | None = None
    without_better: int = 0
    evaluated_step: int = -1
    epoch_seconds: float = 0.0


@attrs.frozen
class Destination:
    """Where checkpoints go.

    Attributes:
        folder: the run's.
        autosave: seconds between two.
        facts: what every file carries.
        check: called before each is written; raises where the folder is not ours any more.
    """

    folder: Path
    autosave: float = 60.0
    facts: dict[str, object] = attrs.Factory(dict)
    check: Callable[[], None] = lambda: None


class Keeper:
    """Writes checkpoints of `learner` to `destination`; None writes nothing.

    Attributes:
        newest: the newest checkpoint on this branch, whose weights are finite; None before the first.
        standing: what came of the evaluations so far; every checkpoint carries it.
    """

    def __init__(self, destination: Destination | None, learner: Learner) -> None:
        self._destination = destination
        self._learner = learner
        self.newest: Path | None = None
        self.standing = Standing()

    @property
    def way_on(self) -> str:
        """What became of the run that ends now, and how to go on with it."""
        if self._destination is None or self.newest is None:
            return "the run is not saved"
        if self.newest.name != "last.pt":
            return f"what is left is {self.newest}, go on with --resume {self.newest}"
        return f"the run is saved, go on with --resume {name_of(self._destination.folder)}"

    def save_instead(self, learner: Learner | None) -> None:
        """Save another learner's weights from now on; None: the same as ever."""
        self._learner = learner or self._learner

    def edit_path(self, number: int) -> Path | None:
        """Where the checkpoint before edit `number` goes."""
        return self._destination.folder / "checkpoints" / f"edit-{number:04d}.pt" if self._destination else None

    def edit_files(self) -> list[Path]:
        """The checkpoints before edits that are there, oldest first."""
        return sorted(self._destination.folder.glob("checkpoints/edit-*.pt")) if self._destination else []

    def write(
        self, kind: Literal["last", "best", "edit"], place: Place, path: Path | None = None, **more: object
    ) -> CheckpointSaved | SaveFailed | None:
        """Write one checkpoint; weights that are not finite overwrite nothing."""
        if self._destination is None:
            return None
        folder = self._destination.folder
        path = path or folder / "checkpoints" / f"{kind}.pt"
        if not self._learner.is_finite():
            kept = f"{self.newest} is kept" if self.newest else "there is no earlier checkpoint"
            return SaveFailed(place.step, f"the weights are not finite and are not saved: {kept}")
        model = self._learner.model
        facts = {
            **self._destination.facts,
            "hyperparameters": attrs.asdict(self._learner.hyperparameters),
            "architecture": attrs.asdict(model.architecture),
            **attrs.asdict(place),
            "standing": attrs.asdict(self.standing),
            **more,
        }
        self._destination.check()
        try:
            previous = path.with_name("previous.pt") if kind == "last" else None
            learner = self._learner
            save_checkpoint(path, model, learner.optimizer, facts, previous, learner.average)
            if kind == "last":
                save_weights(folder / "cnn_model.pth", learner.judged)
        except OSError as error:
            reason = str(error.strerror or error)
            if error.errno == errno.ENOSPC:
                reason += f" (it needs {math.ceil(model.parameter_count * 12 / 1e6)} MB)"  # Adam keeps two more of each
            kept = f"{self.newest.name} is as it was" if self.newest else "there is no earlier one"
            return SaveFailed(place.step, f"cannot save {path}: {reason}; {kept}, and training goes on")
        if kind != "best":
            self.newest = path
        return CheckpointSaved(place.step, kind, str(path))
