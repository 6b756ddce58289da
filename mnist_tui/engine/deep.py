"""A deeper network with batch normalisation, for accuracy."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.settings import Precision
from mnist_tui.engine.network import CLASSES, SIDE, Architecture, Network
from mnist_tui.engine.patches import normalised_convolution
from mnist_tui.engine.pooled import PooledConvolution, has_pooled

DEPTH = 6
_POOLED = (2, 4)  # convolutions after which the maps are halved


def has_deep_kernels(architecture: Architecture) -> bool:
    """Whether there are kernels for the two convolutions that are pooled."""
    width, second = architecture.width, architecture.second_width
    return has_pooled(SIDE, width, width) and has_pooled(SIDE // 2, second, second)


class DeepCNN(Network):
    """Six 3x3 convolutions in three stages of w, 2 w and 4 w channels, each with batch normalisation and ReLU.

    After the second and the fourth the maps are max-pooled, before they are normalised: statistics and ReLU then touch
    a quarter of the numbers. A hidden layer with batch normalisation follows, and ten logits. The shape is that of
    Simonyan and Zisserman (2014), normalised as by Ioffe and Szegedy (2015).
    """

    RECTIFIED = ("conv1-2", "conv3-4", "fc1")
    LAYERS = {
        "conv1-2": ("conv1.", "norm1.", "conv2.", "norm2."),
        "conv3-4": ("conv3.", "norm3.", "conv4.", "norm4."),
        "conv5-6": ("conv5.", "norm5.", "conv6.", "norm6."),
        "fc1": ("fc1.", "norm7."),
        "fc2": ("fc2.",),
    }

    def __init__(self, architecture: Architecture, dropout: float = 0.0, precision: Precision = "fp32") -> None:
        super().__init__(architecture, dropout, precision)
        width, second = architecture.width, architecture.second_width
        channels = (1, width, width, second, second, 2 * second, 2 * second)
        for number in range(1, DEPTH + 1):
            before, after = channels[number - 1], channels[number]
            self.add_module(f"conv{number}", nn.Conv2d(before, after, 3, padding=1, bias=False))
            self.add_module(f"norm{number}", nn.BatchNorm2d(after))
        self.fc1 = nn.Linear(2 * second * (SIDE // 4) ** 2, architecture.hidden_units, bias=False)
        self.norm7 = nn.BatchNorm1d(architecture.hidden_units)
        self.fc2 = nn.Linear(architecture.hidden_units, CLASSES)

    def embed(self, images: Tensor) -> Tensor:
        """What the hidden units give (n, hidden units) float32 for `images`."""
        images = images.contiguous(memory_format=torch.channels_last)
        if self.precision == "fp32" or images.requires_grad:
            return self._hidden(self._maps(images)[-1])
        with torch.autocast(images.device.type, torch.bfloat16, cache_enabled=False):
            hidden = self._hidden(self._maps(images)[-1])
        return hidden.float()

    def activations(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps after the first and the second stage (n, w, 14, 14) and (n, 2 w, 7, 7), hidden outputs (n, hidden)."""
        first, second, third = self._maps(images)
        return first, second, self._hidden(third)

    def _maps(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the three stages give."""
        if self._trains_by_kernels(images):
            first = self._by_kernels(normalised_convolution(images, *self._layer(1)), 2)
            conv, norm = self._layer(3)
            second = self._by_kernels(norm(conv(first)), 4)
        else:
            first = self._stage(images, 1)
            second = self._stage(first, 3)
        return first, second, self._stage(second, 5)

    def _stage(self, maps: Tensor, number: int) -> Tensor:
        """What two convolutions make of `maps`, the first being `number`."""
        for each in (number, number + 1):
            conv, norm = self._layer(each)
            maps = conv(maps)
            if each in _POOLED:
                maps = F.max_pool2d(maps, kernel_size=2, stride=2)
            maps = F.relu(norm(maps), inplace=True)
        return maps

    def _by_kernels(self, maps: Tensor, number: int) -> Tensor:
        """What convolution `number` makes of the ReLU of `maps`, of which nothing else needs what they hold."""
        conv, norm = self._layer(number)
        return F.relu(norm(PooledConvolution.apply(maps, conv.weight)), inplace=True)

    def _layer(self, number: int) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
        conv, norm = self.get_submodule(f"conv{number}"), self.get_submodule(f"norm{number}")
        return cast(nn.Conv2d, conv), cast(nn.BatchNorm2d, norm)

    def _trains_by_kernels(self, images: Tensor) -> bool:
        """Whether `images` are trained with in float32, on a processor that there are kernels for."""
        return (
            self.training
            and torch.is_grad_enabled()
            and self.precision == "fp32"
            and (images.device.type, images.dtype) == ("cpu", torch.float32)
            and not images.requires_grad
            and has_deep_kernels(self.architecture)
        )

    def _hidden(self, maps: Tensor) -> Tensor:
        hidden, norm = self.fc1(maps.flatten(1)), self.norm7
        if len(hidden) > 1 or not self.training:
            return F.relu(norm(hidden))
        # One image alone has no spread: it is normalised as in an evaluation.
        return F.relu(F.batch_norm(hidden, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps))
