"""Saved models at work, for front ends: torch is imported when it is needed, and only plain values come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from mnist_tui.core.dataset import find
from mnist_tui.core.settings import RunSettings


@attrs.frozen
class Judgement:
    """A model's evaluation on a test split, as plain values."""

    model: str
    dataset: str
    logits: bytes = attrs.field(repr=False)
    labels: bytes = attrs.field(repr=False)
    loss: float
    accuracy: float
    seconds: float


def evaluate_file(path: Path, settings: RunSettings) -> Judgement:
    """Evaluate the model in `path` on the test split that `settings` name.

    Raises:
        UserError: the model, the data or the device is not usable.
    """
    source = find(settings.dataset, settings.data_dir)
    test = source.load_test()
    from mnist_tui.engine import device as devices
    from mnist_tui.engine.inference import evaluate_split

    device = devices.choose(settings.device)
    devices.prepare(settings.threads or devices.default_threads())
    result = evaluate_split(path, test, device.torch)
    logits = result.logits.contiguous().numpy().tobytes()
    return Judgement(str(path), source.name, logits, test.labels, result.loss, result.accuracy, result.seconds)


def predict_pictures(path: Path, pictures: list[Path], settings: RunSettings) -> list[dict[str, Any]]:
    """For each picture: `path`, `predicted`, ten `probabilities`, and the `pixels` (784 bytes) the network saw.

    Raises:
        UserError: the model, a picture or the device is not usable.
    """
    from mnist_tui.engine import device as devices
    from mnist_tui.engine.inference import predict_images
    from mnist_tui.engine.pictures import read_picture

    seen = [read_picture(picture) for picture in pictures]
    device = devices.choose(settings.device)
    devices.prepare(settings.threads or devices.default_threads())
    table = predict_images(path, seen, device.torch)
    return [
        {
            "path": str(picture),
            "predicted": max(range(10), key=row.__getitem__),
            "probabilities": row,
            "pixels": pixels,
        }
        for picture, row, pixels in zip(pictures, table, seen, strict=True)
    ]
