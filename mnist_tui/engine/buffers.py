"""What the batches of a chunk read and write on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.augment import draw, strengths
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.cuda.program import program_or_none
from mnist_tui.engine.graphs import send
from mnist_tui.engine.network import SIDE


class Buffers:
    """The tensors that a step reads and writes, for up to `capacity` batches of `batch_size` images."""

    def __init__(self, capacity: int, batch_size: int, moved: bool, rate: Tensor) -> None:
        device = rate.device
        self.capacity = capacity
        self.slot = torch.zeros(1, dtype=torch.int64, device=device)
        self.indices = torch.zeros(capacity, batch_size, dtype=torch.int64, device=device)
        self.draws = torch.zeros(capacity, 4, batch_size, device=device) if moved else None
        self.strengths = torch.zeros(3, device=device)
        self.rates = torch.zeros(capacity, dtype=rate.dtype, device=device)
        self.rate = rate.view(1)
        self.losses = torch.zeros(capacity, device=device)
        self.correct = torch.zeros(capacity, dtype=torch.int64, device=device)
        self._kernels = program_or_none("batch", (), device)  # two launches where torch has a dozen

    def fill(self, hyperparameters: Hyperparameters, indices: Tensor, rates: list[float], samples: int) -> None:
        """Lay out `indices` (n, b) int64 on the device, n at most `capacity`; nothing is waited for."""
        batches, size = indices.shape
        self.slot.zero_()
        self.indices[:batches, :size].copy_(indices)
        send(torch.tensor(rates, dtype=self.rates.dtype), self.rates[:batches])
        if self.draws is not None:
            drawn = [draw(hyperparameters.seed, samples + number * size, size) for number in range(batches)]
            send(torch.stack(drawn), self.draws[:batches, :, :size])
            send(strengths(hyperparameters), self.strengths)

    def take(self, train: Batches, count: int) -> tuple[Tensor, Tensor]:
        """Input and labels of the batch that the slot counts, of `count` images; its rate is in force from now on."""
        if self._kernels is not None:
            images = torch.empty(count, 1, SIDE, SIDE, device=train.device)
            labels = torch.empty(count, dtype=torch.int64, device=train.device)
            given = (train.images, train.labels, self.indices, self.rates, self.slot)
            size = self.indices.shape[1]
            self._kernels.launch("take", (count, 1, 1), SIDE * SIDE // 4, *given, images, labels, self.rate, size)
            return images, labels
        torch.index_select(self.rates, 0, self.slot, out=self.rate)
        return train.gather(self.indices.index_select(0, self.slot).view(-1)[:count])

    def note(self, loss: Tensor, hits: Tensor) -> None:
        """Keep what the batch came to, and count it."""
        if self._kernels is not None:
            self._kernels.launch("note", (1, 1, 1), 1, loss, hits, self.losses, self.correct, self.slot)
            return
        self.losses.index_copy_(0, self.slot, loss.view(1))
        self.correct.index_copy_(0, self.slot, hits.view(1))
        self.slot.add_(1)
