"""Batches that are launched on a device without waiting for it: the whole step as one replayed graph.

Everything a batch needs lies on the device before a chunk of batches begins: which images, their random moves, the
learning rate of each. A counter there says which batch is next, so that a launch carries nothing with it. Losses and
hits stay there too, and come down together when the chunk is through, while the next one is already under way.

Batches that cannot be replayed, the short last one of an epoch and the first ones after a change, do the very same
work launch by launch: kernel for kernel the numbers are those of a replay, so a run that is continued, and warms up
again, is bit for bit the run that was not interrupted. That holds for dropout as well: a replay draws from torch's CUDA
generator (Philox) at the offsets where the single launches would, and moves it on as far, so its state in a checkpoint
is right after either.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import attrs
import torch
from torch import Tensor

from mnist_tui.core.events import BatchesTrained
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.augment import augments, move
from mnist_tui.engine.batches import Batches, Order
from mnist_tui.engine.buffers import Buffers
from mnist_tui.engine.graphs import CannotRecord, Landing, Recorder, Recording, make_recorder
from mnist_tui.engine.keeper import Place
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.streaming import StreamedBatches

WARM_UP = 3  # batches before a capture, as torch's documentation has it
CHUNK_SECONDS = 0.05  # two chunks are under way at most, and what is under way an edit comes after
CHUNK_BATCHES = 512
FIRST_CHUNK = 8
GROWTH = 4  # times as many batches in a chunk as in the one before, at most

NOT_BAKED = frozenset(
    {"learning_rate", "schedule", "epochs", "patience", "shift", "rotate", "scale", "width", "hidden_units", "seed"}
    | {"network", "weight_average"}
)
"""Hyperparameters that a graph reads from tensors, or that a step knows nothing of; any other needs another graph."""


def baked(hyperparameters: Hyperparameters) -> tuple[object, ...]:
    """What of `hyperparameters` a graph has in it: where this differs, it must be captured anew."""
    values = attrs.asdict(hyperparameters)
    return (augments(hyperparameters), *(value for name, value in values.items() if name not in NOT_BAKED))


@attrs.frozen
class _Underway:
    """Batches whose losses, hits and last gradient's norm are on their way down, one after the other."""

    trained: BatchesTrained  # but for those numbers
    batches: int
    landing: Landing

    def land(self) -> BatchesTrained:
        numbers, n = self.landing.read(), self.batches
        losses, correct = tuple(numbers[:n]), tuple(map(int, numbers[n : 2 * n]))
        return attrs.evolve(self.trained, losses=losses, correct=correct, gradient_norm=numbers[-1])


class Launcher:
    """Trains `learner` on `train` without waiting for the device; results are collected in chunks.

    Args:
        learner: whose rate is read from a tensor from now on.
        train: resident on the learner's device.
        recorder: what makes graphs; None launches every kernel by itself.
        reason: why there is no recorder.

    Attributes:
        notice: what is to be told once, or nothing.
        captures: how many graphs were made.
        capture_seconds: what that took, waiting for the batches before it included.
    """

    def __init__(self, learner: Learner, train: Batches, recorder: Recorder | None, reason: str = "") -> None:
        self._learner = learner
        self._train = train
        self._recorder = recorder
        self.notice = f"every kernel is launched by itself, not in a CUDA graph: {reason}" if reason else ""
        self._rate = torch.zeros((), dtype=torch.float32 if train.device.type == "cuda" else torch.float64).to(
            train.device
        )
        learner.read_rate_from(self._rate)
        self.captures = 0
        self.capture_seconds = 0.0
        self._buffers: Buffers | None = None
        self._baked: tuple[object, ...] = ()
        self._optimizer: torch.optim.Optimizer | None = None
        self._recording: Recording | None = None
        self._gradients: list[Tensor | None] = []
        self._replayed = False  # the newest batch was, and its gradients are where the graph has them
        self._warmed = 0
        self._hyperparameters: Hyperparameters | None = None
        self._rates: list[float] = []
        self._planned = self._launched = 0  # batches of the chunk that is laid out
        self._first = Place()
        self._size = 0
        self._underway: deque[_Underway] = deque()
        self._most = FIRST_CHUNK
        self._collected = time.perf_counter()

    @property
    def full(self) -> bool:
        """Whether the chunk is complete, and something should be collected."""
        return 0 < self._launched == self._planned

    def launch(self, place: Place, order: Order, count: int) -> None:
        """Launch the training of the next batch.

        Args:
            place: where the run is; the caller moves it on.
            order: the epoch's (n,) int64, on the device.
            count: images of this batch; fewer than a batch has at the end of an epoch.

        Raises:
            torch.OutOfMemoryError: the device's memory is full; the batch does not count.
        """
        if not self._goes_on(place, count):
            self._plan(place, order, count)
        try:
            self._train_one(count)
        except BaseException:
            self._planned = self._launched  # where the device's counter stands is not known
            raise
        self._learner.average_weights()  # by itself: how much of them it takes differs from batch to batch at first
        self._launched += 1

    def collect(self, everything: bool) -> Iterator[BatchesTrained]:
        """The chunks that are through, without their time; with `everything` what is under way too."""
        self._seal()
        batches = 0
        while len(self._underway) > (0 if everything else 1):
            chunk = self._underway.popleft().land()
            batches += len(chunk.losses)
            yield chunk
        if batches:
            now = time.perf_counter()
            fitting = int(CHUNK_SECONDS * batches / max(1e-9, now - self._collected))
            self._most, self._collected = max(1, min(fitting, GROWTH * self._most, CHUNK_BATCHES)), now

    def release(self) -> None:
        """Give the graph's memory back; the next batches warm up for another one."""
        if self._recording is not None:
            self._recording.release()
        self._recording = None
        self._learner.forget_gradients()
        self._gradients = []
        self._warmed = 0
        if self._train.device.type == "cuda":
            torch.cuda.empty_cache()

    def _goes_on(self, place: Place, count: int) -> bool:
        """Whether the batch is the next one of the chunk that is laid out."""
        return (
            self._launched < self._planned
            and count == self._size
            and self._hyperparameters is self._learner.hyperparameters
            and self._optimizer is self._learner.optimizer
            and place.step == self._first.step + self._launched
            and place.branch == self._first.branch
        )

    def _plan(self, place: Place, order: Order, count: int) -> None:
        """Lay out the next chunk, which begins with the batch at `place`."""
        self._seal()
        if not self._underway:
            self._collected = time.perf_counter()
        hyperparameters, train = self._learner.hyperparameters, self._train
        size = min(hyperparameters.batch_size, len(train))
        wanted = baked(hyperparameters)
        if self._buffers is None or wanted != self._baked or self._optimizer is not self._learner.optimizer:
            self.release()
            capacity = max(1, min(CHUNK_BATCHES, len(train) // size))
            self._buffers = None  # before the new ones are made
            self._buffers = Buffers(capacity, size, augments(hyperparameters), self._rate)
            self._baked, self._optimizer = wanted, self._learner.optimizer
        buffers = self._buffers
        batches = 1
        if count == size:
            batches = max(1, min(buffers.capacity, self._most, (len(train) - place.position) // size))
        self._rates = [hyperparameters.rate_after(place.samples + n * count, len(train)) for n in range(batches)]
        indices = order[place.position : place.position + batches * count].view(batches, count)
        buffers.fill(hyperparameters, indices, self._rates, place.samples)
        self._hyperparameters = hyperparameters
        self._first, self._size = attrs.evolve(place), count
        self._planned, self._launched = batches, 0
        self._replayed = False  # an inspected batch may have put its gradients in place of the graph's

    def _train_one(self, count: int) -> None:
        step = partial(self._step, count)
        if self._recorder is None or count < self._learner.hyperparameters.batch_size:
            return self._do(step)
        if self._recording is None and self._warmed < WARM_UP:
            recorder = self._recorder
            self._do(lambda: recorder.warm_up(step))
            self._warmed += 1
            return None
        if self._recording is None:
            self._record(self._recorder, step)
        if self._recording is None:
            return self._do(step)
        if not self._replayed:
            self._learner.gradients = self._gradients
            self._replayed = True
        return self._recording.replay()

    def _do(self, step: Callable[[], None]) -> None:
        self._replayed = False
        step()

    def _record(self, recorder: Recorder, step: Callable[[], None]) -> None:
        """Capture `step`; where that cannot be done, no more is tried in this run."""
        self._learner.forget_gradients()  # backward then allocates them where the graph has its memory
        self._replayed = False
        began = time.perf_counter()
        try:
            self._recording = recorder.record(step)
        except CannotRecord as error:
            self._learner.forget_gradients()
            self._recorder = None
            self.notice = f"every kernel is launched by itself, since a CUDA graph cannot be made here: {error}"
            return
        self._gradients = self._learner.gradients
        self.captures += 1
        self.capture_seconds += time.perf_counter() - began

    def _step(self, count: int) -> None:
        """The batch that the device's counter is at, from its images to the counter's next place."""
        buffers = self._buffers
        assert buffers is not None
        images, labels = buffers.take(self._train, count)
        if buffers.draws is not None:
            images = move(images, buffers.draws.index_select(0, buffers.slot)[0, :, :count], buffers.strengths)
        loss, _, hits = self._learner.train_batch(images, labels)
        buffers.note(loss, hits)

    def _seal(self) -> None:
        """Send what the chunk came to so far on its way to the host; what is launched from now on is another's."""
        launched, self._planned, self._launched = self._launched, 0, 0
        if not launched:
            return
        buffers, first = self._buffers, self._first
        assert buffers is not None
        rate = self._rates[launched - 1]
        self._learner.note_rate(rate)
        numbers = torch.cat(  # float64 holds all three as they are
            [
                buffers.losses[:launched].double(),
                buffers.correct[:launched].double(),
                self._learner.measure_gradient().double().view(1),
            ]
        )
        samples = first.samples + launched * self._size
        trained = BatchesTrained(first.step + 1, first.epoch, self._size, (), (), samples, 0.0, rate)
        self._underway.append(_Underway(trained, launched, Landing(numbers)))


def why_waiting(train: Batches, *, alone: bool) -> str:
    """Why batches on a CUDA device are waited for one by one, in a sentence; empty where they are not."""
    if train.device.type != "cuda":
        return ""
    if not alone:
        return "processes that train together wait for each other in every batch: without a CUDA graph"
    if isinstance(train, StreamedBatches):
        return "images that are read while they are trained on come batch by batch: without a CUDA graph"
    return ""


def make_launcher(learner: Learner, train: Batches) -> Launcher | None:
    """What trains on `train`'s device without waiting for it; None where nothing is gained by that: a CPU, an mps.

    A streamed split is none for it: its window holds the images of a chunk only until the next are read.
    """
    if train.device.type != "cuda" or isinstance(train, StreamedBatches):
        return None
    return Launcher(learner, train, *make_recorder(train.device))
