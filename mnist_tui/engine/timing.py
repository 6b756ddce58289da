"""Where the milliseconds of a batch go."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from mnist_tui.core.speed import STAGES, StageTimes
from mnist_tui.engine.augment import augment, augments
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.learner import Learner


def time_stages(learner: Learner, train: Batches, batches: int = 60, warm_up: int = 10) -> StageTimes:
    """Median milliseconds of each stage of a batch; `learner` is trained by it, so give it a copy.

    On a GPU every stage is waited for, which an ordinary batch is not: the sum is then more than a batch takes.
    """
    hyperparameters = learner.hyperparameters
    size = min(hyperparameters.batch_size, len(train))
    order = train.order(hyperparameters.seed, 1)
    rows: list[list[float]] = []
    learner.model.train()
    for number in range(warm_up + batches):
        start = number * size % max(1, len(train) - size + 1)
        stages, _, _ = time_batch(learner, train, order[start : start + size], number * size)
        rows.append(stages)
    medians = [statistics.median(column) for column in zip(*rows[warm_up:], strict=True)]
    return StageTimes(**dict(zip(STAGES, medians, strict=True)), batch_size=size)


def time_batch(learner: Learner, train: Batches, indices: Tensor, samples: int) -> tuple[list[float], Tensor, Tensor]:
    """Train one batch, as `Learner.train_batch` does; milliseconds of each of `STAGES`, loss and hits on the device.

    Args:
        learner: its model is in training mode.
        train: what the images are taken from.
        indices: (n,) int64, which.
        samples: images seen before, by which augmentation is drawn.
    """
    hyperparameters = learner.hyperparameters
    wait = _waiter(train.device)
    marks = [_now(wait)]
    images, labels = train.gather(indices)
    if augments(hyperparameters):
        images = augment(images, hyperparameters, samples)
    marks.append(_now(wait))
    loss, _, hits = learner.forward(images, labels)
    marks.append(_now(wait))
    learner.forget_gradients()
    loss.backward()  # type: ignore[no-untyped-call]
    marks.append(_now(wait))
    learner.step()
    learner.average_weights()
    marks.append(_now(wait))
    hits.item()
    loss.item()
    marks.append(_now(wait))
    return [(after - before) * 1e3 for before, after in pairwise(marks)], loss.detach(), hits


def _waiter(device: torch.device) -> Callable[[], None]:
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        return torch.mps.synchronize
    return lambda: None


def _now(wait: Callable[[], None]) -> float:
    wait()
    return time.perf_counter()
