"""Evaluations of a run while it trains: the held-out splits, the best of them, and the patience they use up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from mnist_tui.core.events import CheckpointSaved, Evaluated, EvaluationBegan, Event, SaveFailed
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.checkpoint import serialise, state_of
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.keeper import Keeper, Place, Standing
from mnist_tui.engine.learner import Learner

Held = Literal["test", "validation"]


class Examiner:
    """Evaluates `learner` on the test split and, where there is one, the validation split, which then chooses the best.

    What comes of it is kept in the keeper's `standing`.
    """

    def __init__(self, learner: Learner, test: Batches, validation: Batches | None, keeper: Keeper) -> None:
        self._learner = learner
        self._keeper = keeper
        self._splits: list[tuple[Held, Batches]] = [("validation", validation)] if validation else []
        self._splits.append(("test", test))

    @property
    def standing(self) -> Standing:
        """What came of it so far."""
        return self._keeper.standing

    def forget_branch(self) -> None:
        """After a way back patience begins anew, and the weights are not those that were evaluated."""
        standing = self.standing
        standing.evaluated_step, standing.without_better, standing.best_of_branch = -1, 0, None

    def evaluate(self, place: Place, cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Evaluate the weights as they are, unless that was just done."""
        if self.standing.evaluated_step == place.step:
            return
        yield EvaluationBegan(place.step)
        chosen = 0.0
        for number, (split, batches) in enumerate(self._splits):
            result = evaluate(self._learner.judged, batches, cancelled)
            if result is None:
                return
            logits = result.logits.contiguous().numpy().tobytes()
            weights = serialise(state_of(self._learner.judged)) if split == "test" else b""
            yield Evaluated(
                place.step,
                place.epoch,
                split,
                result.loss,
                result.accuracy,
                logits,
                result.seconds,
                place.branch,
                weights,
            )
            if number == 0:
                chosen = result.accuracy
                yield from self._keep_best(place, chosen, split)
        self._count(chosen, place.epochs_finished == place.epoch)
        self.standing.evaluated_step = place.step

    def _count(self, accuracy: float, ends_epoch: bool) -> None:
        """Take an evaluation of every split into account for patience; one on request is no epoch's."""
        standing = self.standing
        if standing.best_of_branch is not None and accuracy <= standing.best_of_branch:
            standing.without_better += ends_epoch
        else:
            standing.best_of_branch, standing.without_better = accuracy, 0

    def _keep_best(self, place: Place, accuracy: float, split: Held) -> Iterator[CheckpointSaved | SaveFailed]:
        before = self.standing.best
        if before is not None and accuracy <= before:
            return
        self.standing.best = accuracy
        saved = self._keeper.write("best", place, chosen_by=split, accuracy=accuracy)
        if isinstance(saved, SaveFailed):
            self.standing.best = before
        if saved is not None:
            yield saved
