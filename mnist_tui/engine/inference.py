"""A saved model at work: on a whole split, or on a few images."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mnist_tui.core.dataset import Split
from mnist_tui.engine.batches import Batches, normalise
from mnist_tui.engine.evaluate import Evaluation, evaluate
from mnist_tui.engine.model import CNN, SIDE


def evaluate_split(model: CNN, split: Split, device: torch.device) -> Evaluation:
    """Evaluate `model` on all of `split`."""
    result = evaluate(model.settle(device), Batches(split, device))
    assert result is not None  # nobody interrupts it
    return result


def predict_images(model: CNN, images: Sequence[bytes], device: torch.device) -> list[list[float]]:
    """Probabilities, ten an image, of images of 784 bytes."""
    pixels = torch.frombuffer(bytearray(b"".join(images)), dtype=torch.uint8).reshape(-1, 1, SIDE, SIDE)
    with torch.inference_mode():
        logits = model.settle(device)(normalise(pixels.to(device)))
        table: list[list[float]] = logits.softmax(1).cpu().tolist()
    return table
