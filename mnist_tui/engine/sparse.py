"""Both convolutions of the network on a CPU, as one node of the gradient graph that passes over zeros.

Of a gradient that comes back through max-pooling and ReLU at least three numbers in four are zero. The kernels leave
out the products with them, and do pooling, ReLU and the first convolution in the cache. A batch of 64 takes 0.6 of the
time that it takes with oneDNN's operators (`benchmarks.choices`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mnist_tui.engine.native import SLICES, can_make, lanes_for

if TYPE_CHECKING:
    from mnist_tui.engine.kernels.host import Program

_FRAMED, _HALF, _QUARTER = (16, 16), (14, 14), (7, 7)


@cache
def has_kernels(width: int, second_width: int) -> bool:
    """Whether there are kernels for a first and a second convolution of so many channels on this processor."""
    return can_make(width, second_width, lambda: _backward_program(width, second_width))


class SparseFeatures(torch.autograd.Function):
    """`relu(pool(conv(relu(pool(conv(images))))))` with gradients for weights and biases, none for the images.

    In bfloat16 the second convolution and what it gives are; the gradients of both are float32. It can be
    differentiated once.
    """

    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        weight1: Tensor,
        bias1: Tensor,
        weight2: Tensor,
        bias2: Tensor,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Maps (n, c2, 7, 7) of `dtype`, of images (n, 1, 28, 28), weights (c1, 1, 3, 3), (c2, c1, 3, 3), biases."""
        images = images.contiguous()
        features, first, place1, place2 = _forward(images, weight1, bias1, weight2, bias2, dtype)
        ctx.kept = images, first, place1, place2, weight2
        return features

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the six arguments of `forward`."""
        images, first, place1, place2, weight2 = ctx.kept
        c2, c1 = weight2.shape[:2]
        sizes = [9 * c1, c1, 9 * c1 * c2, c2]
        sums = first.new_empty(SLICES, sum(sizes))
        scratch = first.new_empty(SLICES, *first.shape[1:])
        last = weight2.permute(0, 2, 3, 1).contiguous()
        _backward_program(c1, c2).run(
            *("gradients", SLICES, len(images), SLICES, images, first, place1, place2, last),
            *(gradient.float().contiguous(), sums, scratch),
        )
        of_weight1, of_bias1, of_weight2, of_bias2 = sums.sum(0).split(sizes)
        of_weight1 = of_weight1.view(9, c1).t().view(c1, 1, 3, 3)
        of_weight2 = of_weight2.view(c2, 3, 3, c1).permute(0, 3, 1, 2)
        return None, of_weight1, of_bias1, of_weight2, of_bias2, None


def _forward(
    images: Tensor, weight1: Tensor, bias1: Tensor, weight2: Tensor, bias2: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The maps of the second convolution, those of the first in their frame, and the places of the maxima of both."""
    count, (c2, c1) = len(images), weight2.shape[:2]
    halved = dtype == torch.bfloat16
    program = _forward_program(c1, c2, halved)
    first = images.new_empty(count, *_FRAMED, c1)
    short = images.new_empty(count, *_FRAMED, c1, dtype=dtype) if halved else first
    place1 = images.new_empty(count, *_HALF, c1, dtype=torch.uint8)
    last = weight1.view(c1, 9).t().contiguous()
    program.run("first", count, images, last, bias1, first, place1, short)
    weight, bias = weight2.to(dtype), bias2.to(dtype)
    conv = torch.conv2d(short.permute(0, 3, 1, 2), weight, bias).to(dtype)  # also under somebody's autocast
    conv = conv.permute(0, 2, 3, 1).contiguous()
    features = images.new_empty(count, c2, *_QUARTER, dtype=dtype)
    place2 = images.new_empty(count, c2, *_QUARTER, dtype=torch.uint8)
    program.run("second", count, conv, features, place2)
    return features, first, place1, place2


@cache
def _forward_program(c1: int, c2: int, halved: bool) -> Program:
    from mnist_tui.engine.kernels import host, maps, weaving

    module, lanes = weaving.new_module(), lanes_for(c1, c2)
    maps.write_first(module, c1, lanes, host.block(c1, lanes), halved)
    maps.write_second(module, c2, lanes, halved)
    return host.Program(module)


@cache
def _backward_program(c1: int, c2: int) -> Program:
    from mnist_tui.engine.kernels import host, maps, weaving

    module, lanes = weaving.new_module(), lanes_for(c1, c2)
    maps.write_gradients(module, c1, c2, lanes, host.block(c1, lanes))
    return host.Program(module)
