"""Where the milliseconds of a batch go."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F

from mnist_tui.core.speed import STAGES, StageTimes
from mnist_tui.engine.augment import augment, augments
from mnist_tui.engine.batches import Batches, permutation
from mnist_tui.engine.learner import Learner


def time_stages(learner: Learner, train: Batches, batches: int = 60, warm_up: int = 10) -> StageTimes:
    """Median milliseconds of each stage of a batch; `learner` is trained by it, so give it a copy.

    On a GPU every stage is waited for, which an ordinary batch is not: the sum is then more than a batch takes.
    """
    hyperparameters = learner.hyperparameters
    size = min(hyperparameters.batch_size, len(train))
    wait = _waiter(train.device)
    order = permutation(hyperparameters.seed, 1, len(train), train.device)
    rows: list[list[float]] = []
    learner.model.train()
    for number in range(warm_up + batches):
        start = number * size % max(1, len(train) - size + 1)
        marks = [_now(wait)]
        images, labels = train.gather(order[start : start + size])
        if augments(hyperparameters):
            images = augment(images, hyperparameters, number * size)
        marks.append(_now(wait))
        logits = learner.model(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=hyperparameters.label_smoothing)
        marks.append(_now(wait))
        learner.forget_gradients()
        loss.backward()  # type: ignore[no-untyped-call]
        marks.append(_now(wait))
        learner.step()
        marks.append(_now(wait))
        (logits.detach().argmax(1) == labels).sum().item()
        loss.item()
        marks.append(_now(wait))
        rows.append([(after - before) * 1e3 for before, after in pairwise(marks)])
    medians = [statistics.median(column) for column in zip(*rows[warm_up:], strict=True)]
    return StageTimes(**dict(zip(STAGES, medians, strict=True)), batch_size=size)


def _waiter(device: torch.device) -> Callable[[], None]:
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        return torch.mps.synchronize
    return lambda: None


def _now(wait: Callable[[], None]) -> float:
    wait()
    return time.perf_counter()
