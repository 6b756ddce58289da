"""A 3 x 3 convolution of one channel and the batch normalisation behind it, as one matrix product.

What such a convolution gives at a pixel is linear in the nine pixels around it, so mean and variance of its maps follow
from those of the nine, and the normalisation is a change of weights and bias: the maps are never looked at for it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS = 9


def normalised_convolution(images: Tensor, conv: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    """`norm(conv(images))` (n, c, s, s) float32, channels-last, as in training, without a gradient for the images.

    Args:
        images: (n, 1, s, s) float32.
        conv: 3 x 3 with a border of one and no bias.
        norm: takes the batch into its running statistics.
    """
    patches = patches_of(images)
    count = patches.shape[1]
    mean, spread = _moments(patches.view(TAPS + 1, len(images), -1), count)
    weight = conv.weight.reshape(-1, TAPS).double()
    of_maps = weight @ mean
    variance = ((weight @ spread) * weight).sum(1).clamp_min(0)  # of one grey everywhere it may come out below
    _take_in(norm, of_maps.detach(), variance.detach(), count)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    folded = torch.cat([weight * scale[:, None], (norm.bias - of_maps * scale)[:, None]], 1).float()
    maps = patches.t() @ folded.t().contiguous()  # as a view its gradient takes eight times as long
    return maps.view(len(images), *images.shape[2:], -1).permute(0, 3, 1, 2)


def patches_of(images: Tensor) -> Tensor:
    """The nine pixels around each of `images` (n, 1, s, s), zeros around, and a one: (10, n s s) float32."""
    count, _, height, width = images.shape
    framed = F.pad(images, (1, 1, 1, 1)).view(count, height + 2, width + 2)
    patches = images.new_empty(TAPS + 1, count, height, width)
    for tap in range(TAPS):
        row, column = divmod(tap, 3)
        patches[tap].copy_(framed[:, row : row + height, column : column + width])
    patches[TAPS].fill_(1.0)
    return patches.view(TAPS + 1, -1)


def _moments(patches: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Means (9,) and covariances (9, 9) of the pixels of `patches` (10, n, s s), `count` of each, float64.

    Image by image and then in float64: of maps that vary little, one sum over all leaves no digit.
    """
    images = patches.permute(1, 0, 2)
    moments = torch.bmm(images, images.transpose(1, 2)).sum(0, dtype=torch.float64) / count
    mean = moments[:TAPS, TAPS]
    return mean, moments[:TAPS, :TAPS] - torch.outer(mean, mean)


@torch.no_grad()
def _take_in(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor, count: int) -> None:
    """Move the running statistics as torch does, the variance being the unbiased one there."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    norm.running_mean.lerp_(mean.float(), norm.momentum)
    norm.running_var.lerp_((variance * (count / max(1, count - 1))).float(), norm.momentum)
    norm.num_batches_tracked.add_(1)
