"""The training loop: a generator of events that reads its mailbox between two batches.

It knows no screen, no thread and no folder but the one for checkpoints. A caller that stops iterating stops the
training; a test is `list(islice(trainer.run(control), 20))`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.core.control import Control, Wishes
from mnist_tui.core.events import (
    BatchesTrained,
    CheckpointSaved,
    EpochFinished,
    Evaluated,
    EvaluationBegan,
    Event,
    HyperparametersApplied,
    Paused,
    Resumed,
    RunFinished,
    SaveFailed,
    Status,
)
from mnist_tui.core.hyperparameters import Hyperparameters, split_edit
from mnist_tui.engine.batches import Batches, permutation
from mnist_tui.engine.checkpoint import save_checkpoint, save_weights
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.model import CNN, Architecture
from mnist_tui.engine.optimizers import apply_live, make_optimizer, make_step

DRAIN_SECONDS = 0.1  # how long losses may stay on the device before they come down together
DRAIN_BATCHES = 512


@attrs.frozen
class Splits:
    """What is trained on, tested on, and, where some of it is held out, chosen by."""

    train: Batches
    test: Batches
    validation: Batches | None = None


@attrs.frozen
class Destination:
    """Where checkpoints go: the run's folder, the seconds between two, and facts that every file carries."""

    folder: Path
    autosave: float = 60.0
    facts: dict[str, object] = attrs.Factory(dict)


class Trainer:
    """One run of one network.

    Args:
        hyperparameters: what the run starts with.
        splits: resident data; all on `device`.
        device: where the network lives.
        destination: where checkpoints go; None writes nothing.
    """

    def __init__(
        self,
        hyperparameters: Hyperparameters,
        splits: Splits,
        device: torch.device,
        destination: Destination | None = None,
    ) -> None:
        self.hyperparameters = hyperparameters
        self.splits = splits
        self.device = device
        self.destination = destination
        torch.manual_seed(hyperparameters.seed)
        sizes = Architecture(hyperparameters.width, 2 * hyperparameters.width, hyperparameters.hidden_units)
        self.model = CNN(sizes, hyperparameters.dropout).settle(device)
        self.optimizer = make_optimizer(self.model.parameters(), hyperparameters)
        self._step = make_step(self.optimizer)
        self._weights = list(self.model.parameters())
        self.step = 0
        self.epoch = 1
        self.epochs_finished = 0
        self.position = 0
        self.samples = 0
        self._losses: list[Tensor] = []
        self._correct: list[Tensor] = []
        self._drained = 0.0
        self._epoch_seconds = 0.0
        self._saved = 0.0
        self._paused = False
        self._allowance = 0
        self._best: tuple[float, int] | None = None
        self._evaluated_step = -1

    def run(self, control: Control) -> Iterator[Event]:
        """Train until the last epoch is over or `control` wants to stop; the last event is `RunFinished`."""
        began = self._saved = time.monotonic()
        status: Status = "done"
        self.model.train()
        while self.epoch <= self.hyperparameters.epochs:
            yield from self._train_epoch(control)
            if not control.stopping:
                yield EpochFinished(self.epoch, self.step, self._epoch_seconds)
                self.epochs_finished = self.epoch
                yield from self._evaluate(control)
            if control.stopping:
                status = "stopped"
                break
            self.epoch, self.position, self._epoch_seconds = self.epoch + 1, 0, 0.0
            yield from self._save()
            yield from self._apply(control.hyperparameters)  # epochs may have been added while the last one ran
        if status == "stopped":
            yield from self._save()
        yield RunFinished(status, self.step, self.epochs_finished, time.monotonic() - began)

    def _train_epoch(self, control: Control) -> Iterator[Event]:
        train = self.splits.train
        order = permutation(self.hyperparameters.seed, self.epoch, len(train), self.device)
        self._drained = time.perf_counter()
        while self.position < len(train):
            if control.pending:
                yield from self._heed(control)
                if control.stopping:
                    return
            batch = order[self.position : self.position + self.hyperparameters.batch_size]
            self._train_batch(*train.gather(batch))
            self.position += len(batch)
            self.samples += len(batch)
            self.step += 1
            ends = self.position >= len(train)
            next_is_shorter = len(train) - self.position < self.hyperparameters.batch_size
            if (
                ends
                or next_is_shorter
                or len(self._losses) >= DRAIN_BATCHES
                or time.perf_counter() - self._drained >= DRAIN_SECONDS
            ):
                yield from self._drain(len(batch))
                if self.destination and time.monotonic() - self._saved >= self.destination.autosave:
                    yield from self._save()

    def _train_batch(self, images: Tensor, labels: Tensor) -> None:
        """Forward, loss, zero_grad, backward, step; results stay on the device."""
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels)
        for weight in self._weights:  # `zero_grad`, without the 0.1 ms of its profiling hooks
            weight.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        self._step()
        self._losses.append(loss.detach())
        self._correct.append((logits.detach().argmax(1) == labels).sum())

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
        self._epoch_seconds += seconds
        first = self.step - len(losses) + 1
        yield BatchesTrained(first, self.epoch, batch_size, losses, correct, self.samples, seconds)

    def _heed(self, control: Control) -> Iterator[Event]:
        """Do what the mailbox asks for; while paused, wait here."""
        yield from self._drain(self.hyperparameters.batch_size)
        while True:
            wishes = control.take()
            yield from self._apply(wishes.hyperparameters)
            yield from self._fulfil(wishes, control)
            if wishes.stop:
                break
            self._allowance += wishes.single_steps
            if not wishes.paused:
                self._allowance = 0
                if self._paused:
                    self._paused = False
                    yield Resumed(self.step)
                break
            if self._allowance:
                self._allowance -= 1
                self._paused = False
                break
            if not self._paused:
                self._paused = True
                yield Paused(self.step)
            control.wait()
        self._drained = time.perf_counter()

    def _fulfil(self, wishes: Wishes, control: Control) -> Iterator[Event]:
        if not (wishes.evaluate or wishes.save) or wishes.stop:
            return
        if wishes.evaluate:
            yield from self._evaluate(control)
        if wishes.save:
            yield from self._save()
        self._paused = False  # so that a paused run says so again

    def _apply(self, wanted: Hyperparameters) -> Iterator[Event]:
        """Put the live part of an edit in force from the next batch on."""
        if wanted is self.hyperparameters:
            return
        old = self.hyperparameters
        new, _ = split_edit(old, wanted)
        if new == old:
            return
        self.hyperparameters = new
        apply_live(self.optimizer, new)
        self.model.dropout = new.dropout
        yield HyperparametersApplied(self.step + 1, old, new)

    def _evaluate(self, control: Control) -> Iterator[Event]:
        """Evaluate the held-out splits with the weights as they are, unless that was just done."""
        if self._evaluated_step == self.step:
            return
        yield EvaluationBegan(self.step)
        choose_by: Literal["test", "validation"] = "validation" if self.splits.validation else "test"
        for split, batches in (("validation", self.splits.validation), ("test", self.splits.test)):
            if batches is None:
                continue
            result = evaluate(self.model, batches, lambda: control.stopping)
            if result is None:
                return
            name: Literal["test", "validation"] = "test" if split == "test" else "validation"
            logits = result.logits.contiguous().numpy().tobytes()
            yield Evaluated(self.step, self.epoch, name, result.loss, result.accuracy, logits, result.seconds)
            if split == choose_by:
                yield from self._keep_best(result.accuracy, name)
        self._evaluated_step = self.step
        self._drained = time.perf_counter()

    def _keep_best(self, accuracy: float, split: str) -> Iterator[Event]:
        if self._best is None or accuracy > self._best[0]:
            self._best = (accuracy, self.step)
            if self.destination:
                yield from self._write("best", {"chosen_by": split, "accuracy": accuracy})

    def _save(self) -> Iterator[Event]:
        if self.destination is None:
            return
        self._saved = time.monotonic()
        yield from self._write("last", {})
        self._drained = time.perf_counter()

    def _write(self, kind: Literal["last", "best"], more: dict[str, object]) -> Iterator[Event]:
        assert self.destination is not None
        path = self.destination.folder / "checkpoints" / f"{kind}.pt"
        facts = {
            **self.destination.facts,
            "hyperparameters": attrs.asdict(self.hyperparameters),
            "architecture": attrs.asdict(self.model.architecture),
            "step": self.step,
            "epoch": self.epoch,
            "position": self.position,
            "samples": self.samples,
            **more,
        }
        try:
            save_checkpoint(path, self.model, self.optimizer, facts)
            if kind == "last":
                save_weights(self.destination.folder / "cnn_model.pth", self.model)
        except OSError as error:
            yield SaveFailed(self.step, f"cannot save {path}: {error.strerror or error}; training goes on")
            return
        yield CheckpointSaved(self.step, kind, str(path))
