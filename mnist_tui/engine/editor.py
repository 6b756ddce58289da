"""Edits of a run while it trains, and the way back: each is preceded by a checkpoint that undoes it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from mnist_tui.core.errors import UserError
from mnist_tui.core.events import Answered, CheckpointSaved, Event, HyperparametersApplied, Rewound, SaveFailed
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters, differences, live_part, with_changes
from mnist_tui.core.knob import Value
from mnist_tui.engine.keeper import Keeper, Place
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.restoring import read_state

HOLD_SECONDS = 1.0  # changes of the same fields no further apart than this are one edit: a key that is held
KEPT = 10
_MOST_EDITS = 10**6  # more are nobody's, but of a damaged record


@attrs.define
class Edit:
    """One edit: number from 1, fields it changed, checkpoint before it, when it last went on, its first batch."""

    number: int
    fields: frozenset[str]
    checkpoint: Path | None
    touched: float
    step: int = 0


class Editor:
    """Applies edits to `learner` and takes them back; `place` is the trainer's, and is moved with them."""

    def __init__(self, learner: Learner, place: Place, keeper: Keeper) -> None:
        self._learner = learner
        self._place = place
        self._keeper = keeper
        self._started_with = learner.hyperparameters
        self._edits: list[Edit] = []
        self._files: list[Path] = []  # of edits that were taken back, too
        self._count = 0
        self._branches = 0

    def apply(self, changes: Mapping[str, Value]) -> Iterator[Event]:
        """Put the live part of `changes` in force from the next batch on, after a checkpoint of how it was."""
        old = self._learner.hyperparameters
        new = with_changes(old, live_part(changes))
        if new == old:
            return
        fields = frozenset(differences(old, new))
        now = time.monotonic()
        edit = self._edits[-1] if self._edits else None
        if edit is not None and edit.fields == fields and now - edit.touched <= HOLD_SECONDS:
            edit.touched = now
        else:
            saved = self._keeper.write("edit", self._place, self._keeper.edit_path(self._count + 1))
            if isinstance(saved, SaveFailed):
                yield saved
            edit = self._begin(fields, Path(saved.path) if isinstance(saved, CheckpointSaved) else None, now)
        self._learner.apply(new)
        yield HyperparametersApplied(self._place.step + 1, old, new, edit.number, edit.checkpoint is not None)

    def _begin(self, fields: frozenset[str], checkpoint: Path | None, now: float) -> Edit:
        self._count += 1
        self._edits.append(Edit(self._count, fields, checkpoint, now))
        if checkpoint is not None:
            self._files.append(checkpoint)
        while len(self._files) > KEPT:
            oldest = self._files.pop(0)
            self._edits = [edit for edit in self._edits if edit.checkpoint != oldest]
            with contextlib.suppress(OSError):  # a folder that became read-only: the file stays
                oldest.unlink(missing_ok=True)
        return self._edits[-1]

    def recall(self, past: Iterable[Event], started_with: Hyperparameters) -> None:
        """Know the edits of a run that is continued: what can still be taken back, and how they were numbered.

        Args:
            past: what was recorded of the run, and what brought it here.
            started_with: what its first batch was trained with.
        """
        self._started_with = started_with
        for event in past:
            match event:
                case HyperparametersApplied() if self._count < event.edit < _MOST_EDITS:
                    self._count = event.edit
                    path = self._keeper.edit_path(event.edit) if event.undoable else None
                    fields = frozenset(differences(event.old, event.new))
                    self._edits.append(Edit(event.edit, fields, path, -math.inf, event.step))
                case Rewound():
                    self._branches = max(self._branches, event.branch)
                    self._edits = [
                        edit for edit in self._edits if edit.number != event.edit and edit.step <= event.to_step + 1
                    ]
                case _:
                    pass
        self._files = self._keeper.edit_files()
        self._edits = [edit for edit in self._edits if edit.checkpoint is None or edit.checkpoint in self._files]

    def undo(self) -> Iterator[Event]:
        """Go back to the state before the last edit."""
        step = self._place.step
        if not self._edits:
            yield Answered(step, "there is no edit to take back" if not self._count else "no earlier edit is kept")
            return
        edit = self._edits[-1]
        if edit.checkpoint is None:
            yield Answered(step, "the last edit cannot be taken back: the checkpoint before it could not be written")
            return
        try:
            yield self._rewind(edit.checkpoint, edit.number)
        except UserError as error:
            yield Answered(step, f"the last edit cannot be taken back: {error}")
            return
        self._edits.pop()

    def recover(self) -> Iterator[Event]:
        """Go back to the newest checkpoint of this branch, or to the start, and halve the learning rate."""
        checkpoint = self._keeper.newest
        try:
            yield self._rewind(checkpoint, 0)
        except UserError as error:
            yield Answered(self._place.step, f"there is no way back: {error}")
            return
        while any(edit.checkpoint == checkpoint for edit in self._edits if checkpoint is not None):
            self._edits.pop()
        while self._edits and self._edits[-1].checkpoint is None:  # came after what is in force now
            self._edits.pop()
        halved = KNOBS["learning_rate"].clamp(self._learner.hyperparameters.learning_rate / 2)
        yield from self.apply({"learning_rate": halved})

    def _rewind(self, checkpoint: Path | None, edit: int) -> Rewound:
        """Put the state of `checkpoint` in force, on a new branch; None is the state before the first batch."""
        from_step = self._place.step
        if checkpoint is None:
            self._learner.reset(self._started_with)
            place = Place()
        else:
            saved = read_state(checkpoint)
            place = saved.place
            self._learner.restore(saved.hyperparameters, saved.content)
        self._branches += 1
        for edit_before in self._edits:
            edit_before.touched = -math.inf  # no key is held across a way back
        self._place.move_to(place)
        self._place.branch = self._branches
        self._keeper.newest = checkpoint
        return self._place.told_from(from_step, edit, self._learner.hyperparameters)
