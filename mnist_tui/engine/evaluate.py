"""One pass over a whole split: logits, loss and accuracy."""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.engine.batches import Batches

SLICE = 500  # images at a time: 250 to 1000 are equally fast, and a slice stays under 50 ms on two cores


@attrs.frozen
class Evaluation:
    """Logits (n, 10) float32 on the CPU, mean cross-entropy in nats, accuracy 0..1, seconds it took."""

    logits: Tensor
    loss: float
    accuracy: float
    seconds: float


def evaluate(model: nn.Module, batches: Batches, interrupted: Callable[[], bool] = lambda: False) -> Evaluation | None:
    """Run `model` in eval mode over all of `batches`; None where `interrupted()` turned true between two slices.

    The model's mode is put back afterwards, and its random state is not touched.
    """
    began = time.perf_counter()
    training = model.training
    model.eval()
    outputs: list[Tensor] = []
    true: list[Tensor] = []
    try:
        with torch.inference_mode():
            for start in range(0, len(batches), SLICE):
                if interrupted():
                    return None
                images, labels = batches.slice(start, start + SLICE)
                outputs.append(model(images))
                true.append(labels)
            logits, labels = torch.cat(outputs), torch.cat(true)
            loss = F.cross_entropy(logits, labels).item()
            accuracy = int((logits.argmax(1) == labels).sum()) / len(batches)
            return Evaluation(logits.cpu(), loss, accuracy, time.perf_counter() - began)
    finally:
        model.train(training)
