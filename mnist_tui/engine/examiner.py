"""Evaluations of a run while it trains: the held-out splits, the best of them, and the patience they use up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from mnist_tui.core.events import CheckpointSaved, Evaluated, EvaluationBegan, Event, SaveFailed
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.keeper import Keeper, Place, Standing
from mnist_tui.engine.learner import Learner

Held = Literal["test", "validation"]


class Examiner:
    """Evaluates `learner` on the test split and, where there is one, the validation split, which then chooses the best.

    Attributes:
        standing: what came of it so far.
    """

    def __init__(self, learner: Learner, test: Batches, validation: Batches | None, keeper: Keeper) -> None:
        self._learner = learner
        self._keeper = keeper
        self._splits: list[tuple[Held, Batches]] = [("validation", validation)] if validation else []
        self._splits.append(("test", test))
        self.standing = Standing()

    def forget_branch(self) -> None:
        """After a way back patience begins anew, and the weights are not those that were evaluated."""
        standing = self.standing
        standing.evaluated_step, standing.without_better, standing.best_of_branch = -1, 0, None

    def evaluate(self, place: Place, cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Evaluate the weights as they are, unless that was just done."""
        if self.standing.evaluated_step == place.step:
            return
        yield EvaluationBegan(place.step)
        for number, (split, batches) in enumerate(self._splits):
            result = evaluate(self._learner.model, batches, cancelled)
            if result is None:
                return
            logits = result.logits.contiguous().numpy().tobytes()
            yield Evaluated(
                place.step, place.epoch, split, result.loss, result.accuracy, logits, result.seconds, place.branch
            )
            if number == 0:
                at_the_end = place.epochs_finished == place.epoch
                yield from self._keep_best(place, result.accuracy, split, at_the_end)
        self.standing.evaluated_step = place.step

    def _keep_best(
        self, place: Place, accuracy: float, split: Held, ends_epoch: bool
    ) -> Iterator[CheckpointSaved | SaveFailed]:
        standing = self.standing
        if standing.best_of_branch is not None and accuracy <= standing.best_of_branch:
            standing.without_better += ends_epoch  # on request, it is no epoch's
        else:
            standing.best_of_branch, standing.without_better = accuracy, 0
        if standing.best is not None and accuracy <= standing.best:
            return
        saved = self._keeper.write("best", place, chosen_by=split, accuracy=accuracy)
        if not isinstance(saved, SaveFailed):
            standing.best = accuracy
        if saved is not None:
            yield saved
