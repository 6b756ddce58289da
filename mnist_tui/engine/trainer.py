"""The training loop: a generator of events that reads its mailbox between two batches.

It knows no screen, no thread and no folder but the one for checkpoints. A caller that stops iterating stops the
training; a test is `list(islice(trainer.run(control), 20))`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

import attrs
import torch
from torch import Tensor

from mnist_tui.core.control import Control, Wishes
from mnist_tui.core.errors import UserError
from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    BatchInspected,
    CheckpointSaved,
    EpochFinished,
    Evaluated,
    EvaluationBegan,
    Event,
    HealthWarned,
    LayersProbed,
    Paused,
    Previewed,
    Resumed,
    RunFinished,
    SaveFailed,
    Status,
    StopScheduled,
)
from mnist_tui.core.health import HealthMonitor
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.schedules import rate_factor
from mnist_tui.engine.augment import as_bytes, augment, augments
from mnist_tui.engine.batches import Batches, permutation
from mnist_tui.engine.editor import Editor
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.finder import find_rate
from mnist_tui.engine.keeper import Destination, Keeper, Place
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.model import CNN
from mnist_tui.engine.probe import describe_batch, probe, snapshot

DRAIN_SECONDS = 0.1  # how long losses may stay on the device before they come down together
DRAIN_BATCHES = 512
PROBE_BATCHES = 200
PROBE_IMAGES = 128
PREVIEWED = 24


@attrs.frozen
class Splits:
    """What is trained on, tested on, and, where some of it is held out, chosen by."""

    train: Batches
    test: Batches
    validation: Batches | None = None


class Diverged(UserError):
    """The loss is not finite, and nobody is there to decide what now."""


class Trainer:
    """One run of one network.

    Args:
        hyperparameters: what the run starts with.
        splits: resident data; all on `device`.
        device: where the network lives.
        destination: where checkpoints go; None writes nothing.
        attended: a loss that is not finite pauses the run; where nobody watches, it ends it with `Diverged`.
    """

    def __init__(
        self,
        hyperparameters: Hyperparameters,
        splits: Splits,
        device: torch.device,
        destination: Destination | None = None,
        *,
        attended: bool = True,
    ) -> None:
        self.splits = splits
        self.device = device
        self.learner = Learner(hyperparameters, device)
        self.place = Place()
        self._autosave = destination.autosave if destination else float("inf")
        self._keeper = Keeper(destination, self.learner)
        self._editor = Editor(self.learner, self.place, self._keeper)
        self._health = HealthMonitor()
        self._attended = attended
        self._losses: list[Tensor] = []
        self._correct: list[Tensor] = []
        self._drained = 0.0
        self._epoch_seconds = 0.0
        self._saved = 0.0
        self._paused = False
        self._retell = False  # something came between that hid the pause
        self._allowance = 0
        self._inspecting = False
        self._stop_after_epoch = False
        self._best: float | None = None
        self._best_of_branch: float | None = None  # patience looks at this: an undo begins anew
        self._without_better = 0
        self._evaluated_step = -1
        self._order: tuple[int, Tensor] | None = None

    @property
    def model(self) -> CNN:
        """The network."""
        return self.learner.model

    @property
    def hyperparameters(self) -> Hyperparameters:
        """What is in force."""
        return self.learner.hyperparameters

    def run(self, control: Control) -> Iterator[Event]:
        """Train until the last epoch is over or `control` wants to stop; the last event is `RunFinished`.

        Raises:
            Diverged: the loss is not finite and the run is not attended.
        """
        for event in self._run(control):
            yield event
            for finding in self._health.heed(event):
                yield finding
                if isinstance(finding, HealthWarned) and finding.ailment == "not finite":
                    self._stop_diverging(control, finding)

    def _stop_diverging(self, control: Control, finding: HealthWarned) -> None:
        if not self._attended:
            rate = self.hyperparameters.learning_rate
            raise Diverged(f"{finding.message}: start again with a lower one, e.g. --learning-rate {rate / 10:g}")
        control.pause()

    def _run(self, control: Control) -> Iterator[Event]:
        began = self._saved = time.monotonic()
        status: Status = "done"
        reason = ""
        self.model.train()
        while self.place.epoch <= self.hyperparameters.epochs:
            yield from self._train_epoch(control)
            if self.place.position < len(self.splits.train) and not control.stopping:
                continue  # an undo took the epochs back that this one belonged to
            if not control.stopping:
                yield EpochFinished(self.place.epoch, self.place.step, self._epoch_seconds)
                self.place.epochs_finished = self.place.epoch
                yield from self._evaluate(control)
            if control.stopping:
                status = "stopped"
                break
            self.place.epoch, self.place.position, self._epoch_seconds = self.place.epoch + 1, 0, 0.0
            yield from self._save()
            branch = self.place.branch
            if control.pending and self._ends():
                yield from self._heed(control)  # epochs may have been added while the last one ran
                if control.stopping:
                    status = "stopped"
                    break
            if self.place.branch != branch:
                continue
            if self._stop_after_epoch:
                status, reason = "stopped", "after the epoch, as asked"
                break
            if self._out_of_patience():
                reason = f"stopped early: {self._without_better} epochs without a better evaluation"
                break
        if control.stopping:
            yield from self._save()
        yield from control.take().heard
        yield RunFinished(status, self.place.step, self.place.epochs_finished, time.monotonic() - began, reason)

    def _ends(self) -> bool:
        """Whether the run is over after the epoch that ended."""
        return self.place.epoch > self.hyperparameters.epochs or self._stop_after_epoch or self._out_of_patience()

    def _out_of_patience(self) -> bool:
        return 0 < self.hyperparameters.patience <= self._without_better

    def _train_epoch(self, control: Control) -> Iterator[Event]:
        train, place = self.splits.train, self.place
        self._drained = time.perf_counter()
        while place.position < len(train):
            if control.pending:
                yield from self._heed(control)
                if control.stopping or (place.epoch > self.hyperparameters.epochs and place.position == 0):
                    return
            hyperparameters = self.hyperparameters
            batch = self._epoch_order()[place.position : place.position + hyperparameters.batch_size]
            images, labels = train.gather(batch)
            if augments(hyperparameters):
                images = augment(images, hyperparameters, place.samples)
            if hyperparameters.schedule != "constant":
                self.learner.learning_rate = hyperparameters.learning_rate * self._rate_factor()
            inspected = self._train_inspected(images, labels) if self._inspecting else None
            if inspected is None:
                self._train_batch(images, labels)
            place.position += len(batch)
            place.samples += len(batch)
            place.step += 1
            probing = place.step % PROBE_BATCHES == 0
            ends = place.position >= len(train)
            next_is_shorter = len(train) - place.position < hyperparameters.batch_size
            if (
                ends
                or probing
                or inspected
                or next_is_shorter
                or len(self._losses) >= DRAIN_BATCHES
                or time.perf_counter() - self._drained >= DRAIN_SECONDS
            ):
                yield from self._drain(len(batch))
                if probing:
                    yield LayersProbed(place.step, probe(self.model, self._probe_images()))
                if inspected:
                    yield attrs.evolve(inspected, step=place.step)
                if time.monotonic() - self._saved >= self._autosave:
                    yield from self._save()

    def _epoch_order(self) -> Tensor:
        """The order of the epoch under way, drawn once."""
        if self._order is None or self._order[0] != self.place.epoch:
            seed, epoch = self.hyperparameters.seed, self.place.epoch
            self._order = (epoch, permutation(seed, epoch, len(self.splits.train), self.device))
        return self._order[1]

    def _rate_factor(self) -> float:
        hyperparameters = self.hyperparameters
        planned = hyperparameters.epochs * len(self.splits.train)
        return rate_factor(hyperparameters.schedule, self.place.samples, planned)

    def _train_batch(self, images: Tensor, labels: Tensor) -> Tensor:
        """Train one batch; results stay on the device. Returns the logits."""
        loss, logits = self.learner.train_batch(images, labels)
        self._losses.append(loss)
        self._correct.append((logits.argmax(1) == labels).sum())
        return logits

    def _train_inspected(self, images: Tensor, labels: Tensor) -> BatchInspected:
        """Train one batch and describe it; its step is that of the caller."""
        self._inspecting = False
        before = snapshot(self.model)
        logits = self._train_batch(images, labels)
        layers = probe(self.model, self._probe_images(), before)
        return describe_batch(self.place.step, images, labels, logits, layers)

    def _probe_images(self) -> Tensor:
        return self.splits.train.slice(0, PROBE_IMAGES)[0]

    def _drain(self, batch_size: int) -> Iterator[Event]:
        """Bring the results of equal batches down to the host, together."""
        if not self._losses:
            return
        losses = tuple(torch.stack(self._losses).tolist())
        correct = tuple(torch.stack(self._correct).tolist())
        self._losses.clear()
        self._correct.clear()
        now = time.perf_counter()
        seconds, self._drained = now - self._drained, now
        place = self.place
        self._epoch_seconds += seconds
        place.seconds += seconds
        first = place.step - len(losses) + 1
        yield BatchesTrained(
            first,
            place.epoch,
            batch_size,
            losses,
            correct,
            place.samples,
            seconds,
            self.learner.learning_rate,
            self.learner.gradient_norm(),
        )

    def _heed(self, control: Control) -> Iterator[Event]:
        """Do what the mailbox asks for; while paused, wait here."""
        yield from self._drain(self.hyperparameters.batch_size)
        while True:
            wishes = control.take()
            yield from wishes.heard
            yield from self._obey(wishes, control)
            yield from self._fulfil(wishes, control)
            if wishes.stop:
                break
            self._allowance += wishes.single_steps
            if not control.paused:
                self._allowance = 0
                if self._paused:
                    self._paused = self._retell = False
                    yield Resumed(self.place.step)
                break
            if self._allowance:
                self._allowance -= 1
                self._inspecting = self._retell = True
                break
            if not self._paused or self._retell:
                self._paused, self._retell = True, False
                yield Paused(self.place.step)
            control.wait()
        self._drained = time.perf_counter()

    def _obey(self, wishes: Wishes, control: Control) -> Iterator[Event]:
        """Edits, and what takes them back, in order."""
        for command in wishes.commands:
            if isinstance(command, dict):
                yield from self._editor.apply(command)
                continue
            branch = self.place.branch
            yield from self._editor.undo() if command == "undo" else self._editor.recover()
            if self.place.branch != branch:
                self._evaluated_step, self._without_better, self._best_of_branch = -1, 0, None
                self._epoch_seconds = 0.0
            if command == "recover" and self.place.branch != branch:
                control.resume()

    def _fulfil(self, wishes: Wishes, control: Control) -> Iterator[Event]:
        if wishes.stop:
            return
        if wishes.stop_after_epoch != self._stop_after_epoch:
            self._stop_after_epoch = wishes.stop_after_epoch
            yield StopScheduled(self.place.step, self.place.epoch if wishes.stop_after_epoch else None)
        if wishes.preview is not None:
            yield preview(self.splits.train, wishes.preview, self._epoch_order()[self.place.position :])
        if not (wishes.evaluate or wishes.save or wishes.find_rate):
            return
        if wishes.evaluate and self._evaluated_step == self.place.step:
            yield Answered(self.place.step, f"the weights after step {self.place.step} are evaluated already")
        elif wishes.evaluate:
            yield from self._evaluate(control)
        if wishes.save:
            yield from self._save()
        if wishes.find_rate:
            size = self.hyperparameters.batch_size
            request = wishes.find_rate
            yield from find_rate(
                self.learner, self.splits.train, self.place.step, size, lambda: not control.wants_rate(request)
            )
        self._retell = True  # a paused run says so again

    def _evaluate(self, control: Control) -> Iterator[Event]:
        """Evaluate the held-out splits with the weights as they are, unless that was just done."""
        place = self.place
        if self._evaluated_step == place.step:
            return
        yield EvaluationBegan(place.step)
        choose_by: Literal["test", "validation"] = "validation" if self.splits.validation else "test"
        for split, batches in (("validation", self.splits.validation), ("test", self.splits.test)):
            if batches is None:
                continue
            result = evaluate(self.model, batches, lambda: control.stopping)
            if result is None:
                return
            name: Literal["test", "validation"] = "test" if split == "test" else "validation"
            logits = result.logits.contiguous().numpy().tobytes()
            yield Evaluated(
                place.step, place.epoch, name, result.loss, result.accuracy, logits, result.seconds, place.branch
            )
            if split == choose_by:
                yield from self._keep_best(result.accuracy, name)
        self._evaluated_step = place.step
        self._drained = time.perf_counter()

    def _keep_best(self, accuracy: float, split: str) -> Iterator[CheckpointSaved | SaveFailed]:
        if self._best_of_branch is not None and accuracy <= self._best_of_branch:
            self._without_better += self.place.position >= len(self.splits.train)  # on request, it is no epoch's
        else:
            self._best_of_branch, self._without_better = accuracy, 0
        if self._best is not None and accuracy <= self._best:
            return
        saved = self._keeper.write("best", self.place, chosen_by=split, accuracy=accuracy)
        if not isinstance(saved, SaveFailed):
            self._best = accuracy
        if saved is not None:
            yield saved

    def _save(self) -> Iterator[CheckpointSaved | SaveFailed]:
        self._saved = time.monotonic()
        saved = self._keeper.write("last", self.place)
        if saved is not None:
            yield saved
        self._drained = time.perf_counter()


def preview(train: Batches, hyperparameters: Hyperparameters, indices: Tensor | None = None) -> Previewed:
    """The first of `indices` (n,) int64 into `train`, as stored and as `hyperparameters` would feed them."""
    if indices is None or len(indices) == 0:
        indices = permutation(hyperparameters.seed, 1, len(train), train.device)
    images, _ = train.gather(indices[:PREVIEWED])
    return Previewed(hyperparameters, as_bytes(images), as_bytes(augment(images, hyperparameters, 0)))
