"""A moving average of the weights: what is evaluated and kept, where it is wanted."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor

from mnist_tui.engine.network import Network


class WeightAverage:
    """An exponential moving average of every weight and of the statistics of batch normalisation.

    avg = decay avg + (1 - decay) weights after each batch; in the first batches the decay is (1 + n) / (10 + n), so
    that the beginning is soon forgotten. After Polyak and Juditsky (1992); the ramp is that of TensorFlow's
    `ExponentialMovingAverage`.

    Attributes:
        model: a network with the averaged weights, in eval mode.
        updates: batches taken in.
    """

    def __init__(self, model: Network) -> None:
        self.model = copy.deepcopy(model).eval()
        for parameter in self.model.parameters():
            parameter.requires_grad_(False)
            parameter.grad = None
        self.updates = 0
        self._averages = _floats(self.model)
        self._source, self._weights = model, _floats(model)

    @torch.no_grad()
    def update(self, model: Network, decay: float) -> None:
        """Take the weights of `model` in; one fused operation over all of them."""
        self.updates += 1
        share = 1 - min(decay, (1 + self.updates) / (10 + self.updates))
        if model is not self._source:
            self._source, self._weights = model, _floats(model)
        torch._foreach_lerp_(self._averages, self._weights, share)

    def restore(self, weights: Mapping[str, Tensor], updates: int) -> None:
        """Be what it was."""
        self.model.load_state_dict(weights)
        self.updates = updates


def _floats(model: Network) -> list[Tensor]:
    """Every tensor of floats in its state; they stay the same ones while the model is trained and loaded."""
    return [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
