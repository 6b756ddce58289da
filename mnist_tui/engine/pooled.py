"""ReLU, a 3 x 3 convolution and a 2 x 2 max-pooling as one node of the gradient graph, on a CPU with kernels.

Of the gradient of what was pooled, three numbers in four are zero, and the products with them are left out: backward
takes 0.55 of the time that torch's operators take (two cores, AVX2, 128 images, 16 and 32 channels).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mnist_tui.engine.native import SLICES, can_make, lanes_for

if TYPE_CHECKING:
    from mnist_tui.engine.kernels.host import Program


class PooledConvolution(torch.autograd.Function):
    """`max_pool2d(conv2d(relu(maps), weight))`; what `maps` holds is its own from then on, and may be their ReLU.

    Whoever made `maps` must not need them for their own gradient, as neither a product nor a batch normalisation does.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor) -> Tensor:
        """Maps (n, c2, s / 2, s / 2), of maps (n, c1, s, s) and weights (c2, c1, 3, 3), float32, all channels-last."""
        rectified = maps.detach().contiguous(memory_format=torch.channels_last).relu_()
        conv = torch.conv2d(rectified, weight, None, padding=1)
        conv = conv.to(torch.float32, memory_format=torch.channels_last)  # also under somebody's autocast
        count, c2, side, _ = conv.shape
        half = side // 2
        pooled = conv.new_empty(count, half, half, c2)
        places = conv.new_empty(count, half, half, c2, dtype=torch.uint8)
        _program(side, weight.shape[1], c2).run("pool", count, conv, pooled, places)
        ctx.kept = rectified, places, weight
        return pooled.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of the two arguments of `forward`."""
        maps, places, weight = ctx.kept
        count, c1, side, _ = maps.shape
        c2 = len(weight)
        last = gradient.permute(0, 2, 3, 1).contiguous()
        sums = last.new_empty(SLICES, c2, 3, 3, c1)
        scratch = last.new_empty(SLICES, 2, side + 2, side + 2, c1)
        back = last.new_empty(count, side, side, c1)
        _program(side, c1, c2).run(
            *("pooled_gradients", SLICES, count, SLICES, maps, places),
            *(weight.permute(0, 2, 3, 1).contiguous(), last, sums, back, scratch),
        )
        return back.permute(0, 3, 1, 2), sums.sum(0).permute(0, 3, 1, 2)


@cache
def has_pooled(side: int, width: int, second_width: int) -> bool:
    """Whether there are kernels for maps of `side` x `side` and so many channels before and behind the convolution."""
    return can_make(width, second_width, lambda: _program(side, width, second_width))


@cache
def _program(side: int, c1: int, c2: int) -> Program:
    from mnist_tui.engine.kernels import host, pooled, weaving

    module, lanes = weaving.new_module(), lanes_for(c1, c2)
    pooled.write_pool(module, side, c2, lanes)
    pooled.write_pooled_gradients(module, side, c1, c2, lanes, host.block(c1, lanes))
    return host.Program(module)
