"""Looks into the layers: norms of weights, gradients and updates, units that are dead, one batch image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.core.events import BatchInspected, Layer
from mnist_tui.engine.augment import as_bytes
from mnist_tui.engine.network import Network

MOST_IMAGES = 100


def snapshot(model: Network) -> dict[str, Tensor]:
    """Copies of the weights, to measure an update against."""
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


@torch.no_grad()
def probe(
    model: Network, images: Tensor | None = None, before: Mapping[str, Tensor] | None = None
) -> tuple[Layer, ...]:
    """The layers as they are, with the gradients of the newest batch.

    Args:
        model: after `backward`.
        images: network input that no ReLU should be zero for all of; None leaves `dead` out.
        before: weights before the newest update; None leaves `update_ratio` out.
    """
    weights = dict(model.named_parameters())
    norms: list[Tensor] = []
    for beginnings in model.LAYERS.values():
        names = [name for name in weights if name.startswith(beginnings)]
        changes = [weights[name] - before[name] for name in names] if before is not None else []
        gradients = [gradient for name in names if (gradient := weights[name].grad) is not None]
        norms += _norm([weights[name] for name in names]), _norm(gradients), _norm(changes)
    shares = _dead_shares(model, images) if images is not None else []
    # A GPU is waited for once: every figure by itself would be thirteen times.
    figures: list[float] = torch.stack([figure.to(norms[0].device) for figure in norms + shares]).tolist()
    dead = dict(zip(model.RECTIFIED, figures[len(norms) :], strict=bool(shares)))
    layers = []
    for number, layer in enumerate(model.LAYERS):
        weight, slope, change = figures[3 * number : 3 * number + 3]
        ratio = change / weight if before is not None and weight else None
        layers.append(Layer(layer, weight, slope, ratio, dead.get(layer)))
    return tuple(layers)


def _dead_shares(model: Network, images: Tensor) -> list[Tensor]:
    """Share of the channels of both maps and of the hidden units that are zero for all `images` (n, 1, 28, 28)."""
    shares, training = [], model.training
    model.eval()  # a look must not move the statistics of batch normalisation
    for activations in model.activations(images):
        highest = activations.amax([axis for axis in range(activations.dim()) if axis != 1])
        shares.append((highest <= 0).float().mean())
    model.train(training)
    return shares


def _norm(tensors: Sequence[Tensor]) -> Tensor:
    if not tensors:
        return torch.zeros(())
    norm: Tensor = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(tensor) for tensor in tensors]))
    return norm


@torch.no_grad()
def describe_batch(
    step: int, images: Tensor, labels: Tensor, logits: Tensor, layers: tuple[Layer, ...]
) -> BatchInspected:
    """Batch `step` image by image: `images` (n, 1, 28, 28) as fed, `labels` (n,), `logits` (n, 10) before the step."""
    losses = F.cross_entropy(logits, labels, reduction="none")
    hardest = losses.nan_to_num(nan=torch.inf).argsort(descending=True, stable=True)[:MOST_IMAGES]
    predicted = logits.argmax(1)
    return BatchInspected(
        step,
        batch_size=len(labels),
        loss=float(losses.mean()),
        correct=int((predicted == labels).sum()),
        labels=tuple(labels[hardest].tolist()),
        predicted=tuple(predicted[hardest].tolist()),
        losses=tuple(losses[hardest].tolist()),
        layers=layers,
        images=as_bytes(images[hardest]),
    )
