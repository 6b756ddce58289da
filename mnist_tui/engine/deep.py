"""A deeper network with batch normalisation, for accuracy."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.settings import Precision
from mnist_tui.engine.network import CLASSES, SIDE, Architecture, Network

DEPTH = 6
_POOLED = (2, 4)  # convolutions after which the maps are halved


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
        maps, stages = images, []
        for number in range(1, DEPTH + 1):
            maps = self.get_submodule(f"conv{number}")(maps)
            if number in _POOLED:
                maps = F.max_pool2d(maps, kernel_size=2, stride=2)
            maps = F.relu(self.get_submodule(f"norm{number}")(maps))
            if number % 2 == 0:
                stages.append(maps)
        first, second, third = stages
        return first, second, third

    def _hidden(self, maps: Tensor) -> Tensor:
        hidden, norm = self.fc1(maps.flatten(1)), self.norm7
        if len(hidden) > 1 or not self.training:
            return F.relu(norm(hidden))
        # One image alone has no spread: it is normalised as in an evaluation.
        return F.relu(F.batch_norm(hidden, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps))
