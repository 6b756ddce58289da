"""What the layers make of a picture, and what they have learned."""

from __future__ import annotations

import torch
from torch import Tensor

from mnist_tui.engine.batches import normalise
from mnist_tui.engine.network import Network
from mnist_tui.inspecting.reasons import Activate, Activated, FiltersRead, Layer, ReadFilters


def activate(model: Network, step: int, picture: Tensor, question: Activate) -> Activated:
    """Maps after ReLU and pooling, hidden outputs and logits of a picture (1, 1, 28, 28), uint8."""
    with torch.inference_mode():
        first, second, hidden = model.activations(normalise(picture))
        logits = model.fc2(hidden)
    return Activated(question, step, _layer(first), _layer(second), _packed(hidden), _packed(logits))


def read_filters(model: Network, step: int, question: ReadFilters) -> FiltersRead:
    """The kernels of the first convolution, and the Euclidean norms of those of the second."""
    kernels, second = model.conv1.weight.detach(), model.conv2.weight.detach()
    norms = second.flatten(2).norm(dim=2)
    return FiltersRead(question, step, len(kernels), len(second), _packed(kernels), _packed(norms))


def _layer(maps: Tensor) -> Layer:
    return Layer(maps.shape[1], maps.shape[2], _packed(maps))


def _packed(values: Tensor) -> bytes:
    return values.contiguous().cpu().numpy().tobytes()
