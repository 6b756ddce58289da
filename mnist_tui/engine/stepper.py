"""The batches of a run, one after the other; the results of many come down to the host together."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from torch import Tensor

from mnist_tui.core.events import Answered, BatchesTrained, BatchInspected, BatchTimed, Event
from mnist_tui.core.suspension import training_clock
from mnist_tui.engine.alone import Alone
from mnist_tui.engine.augment import augment, augments
from mnist_tui.engine.batches import Batches, Order
from mnist_tui.engine.keeper import Keeper, Place
from mnist_tui.engine.launching import Launcher
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.probe import describe_batch, probe, snapshot
from mnist_tui.engine.timing import time_batch

DRAIN_SECONDS = 0.1  # how long losses may stay on the device before they come down together
DRAIN_BATCHES = 512
PROBE_BATCHES = 200
PROBE_IMAGES = 128


class Stepper:
    """Trains batch after batch where the run is, and keeps the time that takes.

    Args:
        learner: what is trained.
        train: what it is trained on.
        team: those who train their shares of every batch.
        keeper: which notes the time in the epoch's standing.
        place: where the run is; the caller moves it on after each batch, and drains before it is anywhere else.
        launcher: what trains a batch without waiting for the device; None: that is waited for.

    Attributes:
        inspecting: whether the next batch is to be trained whole, and described.
        timing: whether it is to be trained with a clock; else no clock is read.
    """

    def __init__(
        self,
        learner: Learner,
        train: Batches,
        team: Alone,
        keeper: Keeper,
        place: Place,
        launcher: Launcher | None = None,
    ) -> None:
        self._learner = learner
        self._train = train
        self._team = team
        self._keeper = keeper
        self._place = place
        self.launcher = launcher
        self.inspecting = False
        self.timing = False
        self._losses: list[Tensor] = []
        self._correct: list[Tensor] = []
        self._timed: BatchTimed | None = None
        self._drained = 0.0

    def train(self, order: Order, count: int) -> BatchInspected | None:
        """Train the batch at the run's place; its results stay on the device. Where it was inspected, what was seen.

        Args:
            order: the epoch's.
            count: images of this batch.

        Raises:
            RuntimeError: among others where the device's memory is full; the batch does not count.
        """
        if self.launcher is not None and not (self.inspecting or self.timing):
            self.launcher.launch(self._place, order, count)
            return None
        place, learner = self._place, self._learner
        share = self._team.announce(place, len(self._train), PROBE_BATCHES, whole=self.inspecting)
        batch = order[place.position : place.position + count]
        if learner.hyperparameters.schedule != "constant":
            learner.learning_rate = learner.hyperparameters.rate_after(place.samples, len(self._train))
        if self.timing and not self.inspecting:
            self._train_timed(batch)
            return None
        images, labels = self._train.gather(batch if share is None else batch[share])
        if augments(learner.hyperparameters):  # our share comes first
            images = augment(images, learner.hyperparameters, place.samples, batch_size=count)
        if self.inspecting:
            return self._train_inspected(images, labels)
        self._train_batch(images, labels)
        return None

    def _train_batch(self, images: Tensor, labels: Tensor) -> Tensor:
        """Returns the logits."""
        loss, logits, hits = self._learner.train_batch(images, labels)
        self._learner.average_weights()
        self._losses.append(loss)
        self._correct.append(hits)
        return logits

    def _train_timed(self, indices: Tensor) -> None:
        """Train one batch as any other, and keep where its time went."""
        self.timing = False
        stages, loss, hits = time_batch(self._learner, self._train, indices, self._place.samples)
        self._losses.append(loss)
        self._correct.append(hits)
        self._timed = BatchTimed(self._place.step + 1, len(indices), *stages)

    def _train_inspected(self, images: Tensor, labels: Tensor) -> BatchInspected:
        self.inspecting = False
        before = snapshot(self._learner.model)
        logits = self._train_batch(images, labels)
        layers = probe(self._learner.model, self.probe_images(), before)
        return describe_batch(self._place.step + 1, images, labels, logits, layers)

    @property
    def probe_is_due(self) -> bool:
        """Whether the layers are looked into after the newest batch."""
        return self._place.step % PROBE_BATCHES == 0

    def probe_images(self) -> Tensor:
        """What the layers are looked into with, (n, 1, 28, 28)."""
        return self._train.slice(0, PROBE_IMAGES)[0]

    @property
    def is_due(self) -> bool:
        """Whether results have stayed on the device for long enough, or something waits behind them."""
        return (
            self._timed is not None
            or len(self._losses) >= DRAIN_BATCHES
            or training_clock() - self._drained >= DRAIN_SECONDS
        )

    @property
    def is_full(self) -> bool:
        """Whether what was launched is complete, and something of it should be collected."""
        return self.launcher is not None and self.launcher.full

    def restart_clock(self) -> None:
        """Let the next batch's time begin now."""
        self._drained = training_clock()

    def drain(self, batch_size: int) -> Iterator[Event]:
        """Bring the results of equal batches down to the host, together."""
        yield from self.collect()
        if self._losses:
            losses, correct = self._team.add_up(self._losses, self._correct)
            self._losses.clear()
            self._correct.clear()
            place, learner = self._place, self._learner
            first = place.step - len(losses) + 1
            rate, norm = learner.learning_rate, learner.gradient_norm()
            yield self._tell(
                BatchesTrained(first, place.epoch, batch_size, losses, correct, place.samples, 0.0, rate, norm)
            )
        if self._timed is not None:
            timed, self._timed = self._timed, None
            yield timed

    def collect(self, *, everything: bool = True) -> Iterator[Event]:
        """Bring down what was launched on a device that runs ahead; without `everything`, what is through there."""
        if self.launcher is None:
            return
        for trained in self.launcher.collect(everything):
            yield self._tell(trained)
        notice, self.launcher.notice = self.launcher.notice, ""
        if notice:
            yield Answered(self._place.step, notice)

    def _tell(self, trained: BatchesTrained) -> BatchesTrained:
        """`trained`, with the time since the ones before."""
        now = training_clock()
        seconds, self._drained = now - self._drained, now
        self._keeper.standing.epoch_seconds += seconds
        self._place.seconds += seconds
        self._team.remember(self._place)
        return attrs.evolve(trained, seconds=seconds)

    def release(self) -> None:
        """Give back what memory a batch that did not fit holds, and forget what was wished of it."""
        self._learner.forget_gradients()
        if self.launcher is not None:
            self.launcher.release()
        self.inspecting = False
