"""A split as tensors resident on the device, and the recipe that turns stored bytes into network input."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from mnist_tui.core.dataset import Split
from mnist_tui.engine.network import SIDE


def normalise(images: Tensor) -> Tensor:
    """uint8 (n, 1, 28, 28) to float32: `ToTensor`, then `Normalize((0.5,), (0.5,))`, in the same order of rounding."""
    return images.float().div_(255).sub_(0.5).div_(0.5)


class Order(Protocol):
    """The order in which an epoch sees its images."""

    def __len__(self) -> int: ...

    def __getitem__(self, places: slice, /) -> Tensor:
        """What `gather` takes for the images at these places: (b,) int64 on the device."""


class Batches:
    """The images (n, 1, 28, 28) uint8 and labels (n,) int64 of a split, or of its `start` … `stop`, on `device`.

    Bytes stay bytes until a batch is gathered: a quarter of the memory of floats, at the same speed.
    """

    def __init__(self, split: Split, device: torch.device, start: int = 0, stop: int | None = None) -> None:
        stop = len(split) if stop is None else stop
        pixels = memoryview(split.images)[start * SIDE * SIDE : stop * SIDE * SIDE]
        images = torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(-1, 1, SIDE, SIDE)
        labels = torch.frombuffer(bytearray(split.labels[start:stop]), dtype=torch.uint8).long()
        self.images = images.to(device)
        self.labels = labels.to(device)
        self.device = device

    def __len__(self) -> int:
        return len(self.labels)

    def order(self, seed: int, epoch: int) -> Order:
        """The order of an epoch: a function of seed, epoch and size alone."""
        return permutation(seed, epoch, len(self), self.device)

    def gather(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Input (b, 1, 28, 28) float32 and labels (b,) of `indices` (b,) int64."""
        return normalise(self.images.index_select(0, indices)), self.labels.index_select(0, indices)

    def slice(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Input and labels of a contiguous range, for evaluation."""
        return normalise(self.images[start:stop]), self.labels[start:stop]


def permutation(seed: int, epoch: int, size: int, device: torch.device) -> Tensor:
    """The order (size,) int64 in which `epoch` sees its images: a function of seed and epoch alone.

    It is drawn on the CPU, so that every device sees the same order.
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    order = torch.randperm(size, generator=generator)
    return order.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else order.to(device)
