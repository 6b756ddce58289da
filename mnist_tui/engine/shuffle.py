"""The order of an epoch whose images stay on the disk: blocks at random, and images among a group of blocks."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

import torch
from torch import Tensor

BLOCK = 1024
"""Images read in one go: 0.8 MB, which a rotating disk reads in about the time it takes to find them."""

GROUP = 64
"""Blocks whose images are shuffled among each other: 65 536 images, 51 MB."""


class BlockShuffle:
    """Every image once, by (seed, epoch, size) alone: no state is kept, and any place can be gone on from.

    The file is cut into blocks at a place that each epoch chooses anew; they come in random order, and `group` of them
    that follow each other are shuffled image by image. In a file whose images are in random order a batch is what it
    would be after a full shuffle: a sample without repetition. In one that is sorted, a batch is drawn from `group`
    random places of the file: sorted by ten classes, a class's share of a group is 10 % with a standard deviation of
    3.8 % (sqrt(0.1 * 0.9 / 64)), and other blocks meet in every epoch. Two images of a block never come further apart
    than a group is long.

    Args:
        seed, epoch: of the run.
        size: images in an epoch.
        block: images in a block.
        group: blocks in a group.

    Attributes:
        groups: of each group the blocks, as (first image, image after the last).
        firsts: the place in the epoch at which each group begins, and the end of the epoch.
    """

    def __init__(self, seed: int, epoch: int, size: int, block: int = BLOCK, group: int = GROUP) -> None:
        self._made_of = (seed, epoch, size, block, group)
        self._seed = (seed * 1_000_003 + epoch) * 1_000_003
        generator = self._generator(0)
        edge = int(torch.randint(1, block + 1, (1,), generator=generator))
        starts = [0, *range(edge, size, block)]
        stops = [*starts[1:], size]
        blocks = [(starts[at], stops[at]) for at in torch.randperm(len(starts), generator=generator).tolist()]
        self.groups = [blocks[at : at + group] for at in range(0, len(blocks), group)]
        self.firsts = [0, *accumulate(sum(stop - start for start, stop in some) for some in self.groups)]

    def __len__(self) -> int:
        """The number of images."""
        return self._made_of[2]

    @cached_property
    def next_epoch(self) -> BlockShuffle:
        """That of the epoch that follows."""
        seed, epoch, *rest = self._made_of
        return BlockShuffle(seed, epoch + 1, *rest)

    def key(self, number: int) -> tuple[int, int, int]:
        """What tells a group from all others of a split: seed, epoch, number."""
        seed, epoch, *_ = self._made_of
        return seed, epoch, number

    def group_at(self, place: int) -> int:
        """The number of the group that is seen at `place` of the epoch."""
        return bisect_right(self.firsts, place) - 1

    def shuffled(self, number: int) -> Tensor:
        """The order (n,) int64, on the CPU, of the n images of a group, counted block after block."""
        size = self.firsts[number + 1] - self.firsts[number]
        return torch.randperm(size, generator=self._generator(1 + number))

    def _generator(self, number: int) -> torch.Generator:
        return torch.Generator().manual_seed((self._seed + number) % 2**63)
