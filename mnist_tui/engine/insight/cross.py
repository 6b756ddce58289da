"""Training digits judged out of sample: networks trained on other folds predict the fold they have not seen.

Out-of-sample probabilities are what confident learning asks for (Northcutt et al. 2021, section 3).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.architectures import blank_network
from mnist_tui.engine.batches import Batches, permutation
from mnist_tui.engine.evaluate import SLICE
from mnist_tui.engine.network import Architecture, Network
from mnist_tui.engine.optimizers import make_optimizer, make_step
from mnist_tui.inspecting import CrossJudge, CrossJudged, Working

FOLDS = 3
BATCH_SIZE = 64
RATE = 0.002  # falls to 0 over the one epoch
SLICE_SECONDS = 0.03  # and the batch under way: others wait so long for their answer
_SEED = 20_210_414


def cross_judge(
    question: CrossJudge, architecture: Architecture, device: torch.device
) -> Iterator[Working | CrossJudged | None]:
    """Train `FOLDS` networks for an epoch each and have every digit predicted by the one that has not seen it.

    The folds are random and of equal size up to one digit. Nothing here draws from torch's global generators: those
    belong to the training that goes on beside it.
    """
    data = Batches(question.digits, device)
    order = permutation(_SEED, 0, len(data), device)
    logits = torch.zeros(len(data), 10)
    for fold in range(FOLDS):
        held_out = order[fold::FOLDS]
        seen = torch.cat([order[other::FOLDS] for other in range(FOLDS) if other != fold])
        seen = seen[permutation(_SEED, 1 + fold, len(seen), device)]
        model = fresh_network(architecture, _SEED + fold).settle(device)
        told = time.monotonic()
        for done in _train(model, data, seen):
            if time.monotonic() - told >= SLICE_SECONDS:
                yield Working(question, (fold + 0.9 * done) / FOLDS)
                told = time.monotonic()
        model.eval()
        for start in range(0, len(held_out), SLICE):
            part = held_out[start : start + SLICE]
            with torch.inference_mode():
                judged = model(data.gather(part)[0]).cpu()
            logits[part.cpu()] = judged
            yield Working(question, (fold + 0.9 + 0.1 * min(1.0, (start + SLICE) / len(held_out))) / FOLDS)
    yield CrossJudged(question, logits.numpy().tobytes())


def fresh_network(architecture: Architecture, seed: int) -> Network:
    """A network as torch initialises it, uniform within 1 / sqrt(fan in), from a generator of its own."""
    model = blank_network(architecture)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = layer.weight[0].numel() ** -0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=generator)
            elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                layer.reset_parameters()
    return model


def _train(model: Network, data: Batches, order: Tensor) -> Iterator[float]:
    """One epoch over `order`, Adam with a rate that falls linearly; what is done, 0..1, after each batch."""
    model.train()
    weights = list(model.parameters())
    optimizer = make_optimizer(weights, Hyperparameters(learning_rate=RATE))
    step = make_step(optimizer)
    for start in range(0, len(order), BATCH_SIZE):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - start / len(order))
        images, labels = data.gather(order[start : start + BATCH_SIZE])
        for weight in weights:
            weight.grad = None
        F.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
        step()
        yield min(1.0, (start + BATCH_SIZE) / len(order))
