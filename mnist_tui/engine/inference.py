"""A saved model at work: on a whole split, or on a few images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from mnist_tui.core.dataset import Split
from mnist_tui.engine.batches import Batches, normalise
from mnist_tui.engine.checkpoint import load_model
from mnist_tui.engine.evaluate import Evaluation, evaluate
from mnist_tui.engine.model import SIDE


def evaluate_split(path: Path, split: Split, device: torch.device) -> Evaluation:
    """Load the model in `path` and evaluate it on `split`.

    Raises:
        ModelFileError: the file is no model.
    """
    model, _ = load_model(path)
    result = evaluate(model.to(device), Batches(split, device))
    assert result is not None  # nobody interrupts it
    return result


def predict_images(path: Path, images: Sequence[bytes], device: torch.device) -> list[list[float]]:
    """Probabilities, ten an image, of images of 784 bytes.

    Raises:
        ModelFileError: the file is no model.
    """
    model, _ = load_model(path)
    pixels = torch.frombuffer(bytearray(b"".join(images)), dtype=torch.uint8).reshape(-1, 1, SIDE, SIDE)
    with torch.inference_mode():
        logits = model.to(device)(normalise(pixels.to(device)))
        table: list[list[float]] = logits.softmax(1).cpu().tolist()
    return table
