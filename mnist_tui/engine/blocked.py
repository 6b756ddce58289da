"""Both convolutions of the network for training on a CPU: one node of the gradient graph, in oneDNN's blocked layout.

Left to autograd, a batch of 64 moves about 30 MB through a cache that other programs use too. Here the ReLU is done in
place and no memory is used twice in a batch: 1.10 times as many images a second as channels-last maps with the same
order of pooling and ReLU, two cores (`benchmarks.choices`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

HAS_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
HAS_ONEDNN_BF16: bool = HAS_ONEDNN and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
_CONVOLUTION_FORWARD = torch.ops.aten.mkldnn_convolution.default  # takes float32 weights with bfloat16 maps
_CONVOLUTION_BACKWARD = torch.ops.aten.convolution_backward.default
_POOL_BACKWARD = torch.ops.aten.mkldnn_max_pool2d_backward.default
_RELU_BACKWARD = torch.ops.aten.threshold_backward.default
_CONVOLUTION = ((1, 1), (1, 1), (1, 1), False, (0, 0), 1)  # stride, padding, dilation, transposed, its padding, groups
_POOLING = ((2, 2), (2, 2), (0, 0), (1, 1), False)  # kernel, stride, padding, dilation, round up


class BlockedFeatures(torch.autograd.Function):
    """`relu(pool(conv(relu(pool(conv(images))))))` with gradients for weights and biases, none for the images.

    In bfloat16 the maps and their gradients are, and a batch of 64 takes 0.6 of the time on a processor that multiplies
    them; weights and their gradients stay float32. It can be differentiated once: torch's guard against a second time
    costs a hundredth of a batch.
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
        blocked = images.to_mkldnn(dtype)
        conv1, maps1 = _convolve(blocked, weight1, bias1)
        conv2, maps2 = _convolve(maps1, weight2, bias2)
        features: Tensor = maps2.to_dense()
        ctx.weights = weight1, weight2
        ctx.maps = blocked, conv1, maps1, conv2, maps2, features.detach()
        return features

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the six arguments of `forward`."""
        weight1, weight2 = ctx.weights
        blocked, conv1, maps1, conv2, maps2, features = ctx.maps
        # Every gradient has a name, so that none is freed before the last is there: 12 MB at a batch of 64. Freed one
        # by one, what this class gains is lost again.
        cut = _RELU_BACKWARD(gradient, features, 0)  # not in the blocked layout: a quarter of oneDNN's time for it
        relu2_gradient = cut.to_mkldnn(maps2.dtype)
        conv2_gradient = _POOL_BACKWARD(relu2_gradient, maps2, conv2, *_POOLING)
        maps1_gradient, *second = _CONVOLUTION_BACKWARD(
            conv2_gradient, maps1, weight2, [weight2.shape[0]], *_CONVOLUTION, (True, True, True)
        )
        relu1_gradient = _RELU_BACKWARD(maps1_gradient, maps1, 0)
        conv1_gradient = _POOL_BACKWARD(relu1_gradient, maps1, conv1, *_POOLING)
        _, *first = _CONVOLUTION_BACKWARD(
            conv1_gradient, blocked, weight1, [weight1.shape[0]], *_CONVOLUTION, (False, True, True)
        )
        del cut, relu1_gradient, relu2_gradient
        return None, *(part.to(weight1.dtype) for part in (*first, *second)), None


def convolve(maps: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The convolution of blocked `maps`, 3 x 3 with a border of one, without a gradient."""
    out: Tensor = _CONVOLUTION_FORWARD(maps, weight, bias, (1, 1), (1, 1), (1, 1), 1)
    return out


def _convolve(maps: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """What the convolution gives, and that pooled and cut at zero; the latter carries the places of its maxima."""
    conv = convolve(maps, weight, bias)
    with torch.enable_grad():  # without it oneDNN does not note where the maxima were
        pooled = torch.mkldnn_max_pool2d(conv.requires_grad_(), (2, 2), (2, 2)).detach()
    return conv.detach(), pooled.relu_()
