"""A saved model at work: on a whole split, or on a few images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mnist_tui.core.dataset import Split
from mnist_tui.engine.batches import Batches, normalise
from mnist_tui.engine.evaluate import SLICE, Evaluation, evaluate
from mnist_tui.engine.network import SIDE, Network

SLICE_BYTES = SLICE * SIDE * SIDE


def evaluate_split(model: Network, split: Split, device: torch.device) -> Evaluation:
    """Evaluate `model` on all of `split`."""
    result = evaluate(model.settle(device), Batches(split, device))
    assert result is not None  # nobody interrupts it
    return result


def logits_of(model: Network, images: bytes | memoryview, device: torch.device) -> Tensor:
    """Logits (n, 10) float32 on the CPU, of images of 784 bytes each; the model is in eval mode and on `device`."""
    pixels = torch.frombuffer(bytearray(images), dtype=torch.uint8).reshape(-1, 1, SIDE, SIDE)
    with torch.inference_mode():
        logits: Tensor = model(normalise(pixels.to(device))).cpu()
    return logits


def predict_images(model: Network, images: Sequence[bytes], device: torch.device) -> list[list[float]]:
    """Probabilities, ten an image, of images of 784 bytes."""
    table: list[list[float]] = logits_of(model.settle(device), b"".join(images), device).softmax(1).tolist()
    return table
