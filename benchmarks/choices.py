"""What each choice of the CPU's training step is worth, against what would stand there without it.

Layout, pooling and the optimizer's call are alternated within one process; the allocator and the threads, which belong
to a process, in one of their own each. A ratio is images a second with the choice to those without.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.children import last_json, python, run
from benchmarks.dashboard import train_drawn, training_flags
from benchmarks.digits import load_splits
from benchmarks.measure import alternate, cores, median, report
from mnist_tui.core.hyperparameters import PRESETS, Hyperparameters
from mnist_tui.engine import device as devices
from mnist_tui.engine.deep import DeepCNN
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.model import CNN

Step: TypeAlias = Callable[[Tensor, Tensor], object]


class Blocked(CNN):
    """Without kernels of our own."""

    _has_kernels = False


class PooledFirst(CNN):
    """Left to autograd, in channels-last order."""

    def embed(self, images: Tensor) -> Tensor:
        """ReLU after pooling: a quarter of the values."""
        maps = images.contiguous(memory_format=torch.channels_last)
        for conv in (self.conv1, self.conv2):
            maps = F.relu(F.max_pool2d(conv(maps), 2))
        return F.relu(self.fc1(maps.flatten(1)))


class PooledLast(CNN):
    """The same in the order of the classic script."""

    def embed(self, images: Tensor) -> Tensor:
        """ReLU before pooling."""
        maps = images.contiguous(memory_format=torch.channels_last)
        for conv in (self.conv1, self.conv2):
            maps = F.max_pool2d(F.relu(conv(maps)), 2)
        return F.relu(self.fc1(maps.flatten(1)))


class Plain(CNN):
    """torch's own layout."""

    def embed(self, images: Tensor) -> Tensor:
        """As the classic script has it."""
        maps = images
        for conv in (self.conv1, self.conv2):
            maps = F.max_pool2d(F.relu(conv(maps)), 2)
        return F.relu(self.fc1(maps.flatten(1)))


class TorchDeep(DeepCNN):
    """Left to torch's operators."""

    def _trains_by_kernels(self, images: Tensor) -> bool:
        return False


def learner_with(kind: type[CNN], layout: torch.memory_format, precision: str = "fp32") -> Learner:
    """A learner of the classic recipe, whose forward pass is that of `kind`."""
    learner = Learner(Hyperparameters(), torch.device("cpu"), "bf16" if precision == "bf16" else "fp32")
    learner.model.__class__ = kind
    learner.model.to(memory_format=layout).train()
    return learner


def within_one_process(pairs: int, batches: int, threads: int) -> None:
    """Kernels, layout, pooling, optimizer."""
    devices.prepare(threads)
    train = load_splits(torch.device("cpu")).train
    order, position = train.order(0, 1), 0

    def next_batch(size: int) -> tuple[Tensor, Tensor]:
        nonlocal position
        position = (position + size) % (len(train) - size)
        return train.gather(order[position : position + size])

    def rate(step: Step, size: int) -> float:
        taken = []
        for _ in range(batches):
            images, labels = next_batch(size)
            began = time.perf_counter()
            step(images, labels)
            taken.append(time.perf_counter() - began)
        return size / statistics.median(taken)

    ours = learner_with(CNN, torch.channels_last).train_batch
    blocked = learner_with(Blocked, torch.contiguous_format).train_batch
    pooled_first = learner_with(PooledFirst, torch.channels_last).train_batch
    pooled_last = learner_with(PooledLast, torch.channels_last).train_batch
    plain = learner_with(Plain, torch.contiguous_format).train_batch
    bfloat16 = learner_with(CNN, torch.channels_last, "bf16").train_batch
    whole = learner_with(CNN, torch.channels_last)
    whole._step = whole.optimizer.step
    deep, deep_by_torch = (deep_learner(kind).train_batch for kind in (DeepCNN, TorchDeep))
    for choice, without, step, other, size in (
        ("kernels that pass over zeros", "oneDNN's blocked layout", ours, blocked, 64),
        ("oneDNN's blocked layout, one node of the gradient graph", "channels last", blocked, pooled_first, 64),
        ("channels last", "torch's own layout", pooled_last, plain, 64),
        ("ReLU after pooling", "ReLU before pooling", pooled_first, pooled_last, 64),
        ("Adam's function", "Optimizer.step", ours, whole.train_batch, 64),
        ("bfloat16 maps", "float32 maps", bfloat16, ours, 64),
        ("the deep network's kernels", "torch's operators, channels last", deep, deep_by_torch, 128),
    ):
        for each in (step, other):
            each(*next_batch(size))
        alternated = alternate(pairs, partial(timed, rate, step, size), partial(timed, rate, other, size))
        ratios = median([a / b for a, b in alternated])
        report(f"{choice}, batch {size}, {threads} threads", without, "-", ratios.show(".2f", "x"))


def timed(rate: Callable[[Step, int], float], step: Step, size: int, pair: int) -> float:
    """What `rate` says of `step`, whichever pair it is of."""
    return rate(step, size)


def deep_learner(kind: type[DeepCNN]) -> Learner:
    """A learner of the preset `accurate`, without its augmentation, whose forward pass is that of `kind`."""
    learner = Learner(PRESETS["accurate"], torch.device("cpu"))
    learner.model.__class__ = kind
    learner.model.train()
    return learner


def between_processes(pairs: int, batches: int, folder: Path) -> None:
    """Allocator, and threads with and without the screen."""

    def headless(*words: object) -> float:
        words = ("--batches", batches, "--warm-up", max(1, batches // 10), *words)
        return float(last_json(run(python("benchmarks.engine_child", *words), folder))["images_per_second"])

    for size in (64, 512):
        ratios = [
            kept / plain
            for kept, plain in alternate(
                pairs,
                lambda _, b=size: headless("--batch-size", b),  # type: ignore[misc]
                lambda _, b=size: headless("--batch-size", b, "--plain-memory"),  # type: ignore[misc]
            )
        ]
        report(f"memory kept by the allocator, batch {size}", "glibc's defaults", "-", median(ratios).show(".2f", "x"))
    most = cores()
    ratios = [
        many / one
        for many, one in alternate(pairs, lambda _: headless("--threads", most), lambda _: headless("--threads", 1))
    ]
    report(f"{most} threads, no screen", "1 thread", "-", median(ratios).show(".2f", "x"))

    def drawn(threads: int, pair: int) -> float:
        flags = training_flags(3, min(9000, 64 * batches), "fp32", folder)
        runs = folder / f"drawn-{threads}-{pair}"
        return train_drawn([*flags, "--threads", threads], runs, 600.0).rate

    ratios = [many / one for many, one in alternate(pairs, lambda pair: drawn(most, pair), lambda pair: drawn(1, pair))]
    report(f"{most} threads under the dashboard", "1 thread", "-", median(ratios).show(".2f", "x"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--batches", type=int, default=150, help="of one measurement")
    flags = parser.parse_args()
    within_one_process(4 * flags.pairs, max(1, flags.batches // 5), cores())
    with tempfile.TemporaryDirectory() as folder:
        between_processes(flags.pairs, flags.batches, Path(folder))


if __name__ == "__main__":
    main()
