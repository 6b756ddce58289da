"""Shifted, turned and scaled training images: one affine map a sample, on the device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.network import SIDE

_SALT = 0x6D6E697374  # keeps these numbers apart from the permutations, which are seeded alike


def augments(hyperparameters: Hyperparameters) -> bool:
    """Whether any strength is above zero."""
    return bool(hyperparameters.shift or hyperparameters.rotate or hyperparameters.scale)


def augment(
    images: Tensor, hyperparameters: Hyperparameters, samples: int, first: int = 0, batch_size: int | None = None
) -> Tensor:
    """`images` (n, 1, 28, 28) float32 in [-1, 1], each moved at random; bilinear, with background around.

    Shift, angle and log-scale of a sample are uniform within the strengths. They follow from the seed and `samples`,
    the number of images seen before: on every device, and after an undo or a resume, an image is moved the same way.
    So it is where `images` are but a part, from the `first` on, of a batch of `batch_size`.
    """
    draws = draw(hyperparameters.seed, samples, batch_size or len(images))[:, first : first + len(images)]
    draws = draws.to(images.device)
    return move(images, draws, strengths(hyperparameters).to(images.device))


def draw(seed: int, samples: int, count: int) -> Tensor:
    """What moves `count` images after the first `samples` ones of a run: (4, count) float32 in [-1, 1), on the CPU."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + samples) ^ _SALT)
    return torch.rand(4, count, generator=generator).mul_(2).sub_(1)


def strengths(hyperparameters: Hyperparameters) -> Tensor:
    """How far an image moves at most: (3,) float32 on the CPU, of the grid's -1 … 1, in radians, as a logarithm."""
    shift = hyperparameters.shift * 2 / SIDE  # pixels to the grid
    return torch.tensor([shift, math.radians(hyperparameters.rotate), math.log1p(hyperparameters.scale)])


def move(images: Tensor, draws: Tensor, strengths: Tensor) -> Tensor:
    """`images` (n, 1, 28, 28) moved by `draws` (4, n) times `strengths` (3,), all on one device, which runs ahead."""
    across, down, turn, grow = draws.unbind()
    shift, most, growth = strengths.unbind()
    angle = turn * most
    zoom = torch.exp(-grow * growth)  # of the source, so a larger image reads less of it
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    centres = (torch.arange(SIDE, device=images.device) * 2 + 1) / SIDE - 1  # of pixels, where an image is -1 to 1
    axes = (cosine, -sine, across * shift), (sine, cosine, down * shift)
    grid = torch.stack([_along(centres, *axis) for axis in axes], -1)
    return F.grid_sample(images + 1, grid, mode="bilinear", padding_mode="zeros", align_corners=False).sub_(1)


def _along(centres: Tensor, of_column: Tensor, of_row: Tensor, start: Tensor) -> Tensor:
    """Where each pixel of an image is read, along one axis of the grid: (n, 28, 28), of three numbers an image (n,).

    As `affine_grid` without aligned corners, whose product of matrices three wide takes five times as long.
    """
    rows = torch.addcmul(start[:, None], of_row[:, None], centres)
    return torch.addcmul(rows[:, :, None], of_column[:, None, None], centres)


def as_bytes(images: Tensor) -> bytes:
    """Network input (n, 1, 28, 28) as n x 784 bytes, 0 paper, 255 ink."""
    pixels = images.add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return pixels.contiguous().cpu().numpy().tobytes()
