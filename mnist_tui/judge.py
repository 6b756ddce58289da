"""Saved models at work, for front ends: torch is imported when it is needed, and only plain values come back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from mnist_tui.core.dataset import dataset_info, find
from mnist_tui.core.errors import UserError
from mnist_tui.core.first_import import first_import_of
from mnist_tui.core.runs import read_run
from mnist_tui.core.settings import RunSettings
from mnist_tui.core.sheet import Caption

if TYPE_CHECKING:
    from mnist_tui.engine.network import Network


@attrs.frozen
class Judgement:
    """A model's evaluation on a test split, as plain values."""

    model: str
    dataset: str
    logits: bytes = attrs.field(repr=False)
    labels: bytes = attrs.field(repr=False)
    images: bytes = attrs.field(repr=False)
    loss: float
    accuracy: float
    seconds: float
    notices: tuple[str, ...] = ()


def evaluate_file(path: Path, settings: RunSettings, dataset: str | None, data_dir: Path | None) -> Judgement:
    """Evaluate the model in `path` on a whole test split: that of `dataset`, or of what it was trained on.

    Raises:
        UserError: the model, the data or the device is not usable.
    """
    with first_import_of("torch"):
        from mnist_tui.engine import device as devices
        from mnist_tui.engine.inference import evaluate_split

    model, origin = _load(path)
    notices = []
    trained_in = origin.get("data_dir")
    if dataset is None and data_dir is None and isinstance(trained_in, str):
        if Path(trained_in).is_dir():
            data_dir = Path(trained_in)
        else:
            notices.append(f"the data it was trained on, in {trained_in}, is gone")
    source = find(dataset or str(origin.get("dataset") or "mnist"), data_dir)
    test = source.load_test()
    device = devices.choose(settings.device)
    devices.prepare(settings.threads or devices.default_threads())
    result = evaluate_split(model, test, device.torch)
    logits = result.logits.contiguous().numpy().tobytes()
    notices += [notice for notice in (source.notice, device.notice) if notice]
    return Judgement(
        model=str(path),
        dataset=source.name,
        logits=logits,
        labels=test.labels,
        images=test.images,
        loss=result.loss,
        accuracy=result.accuracy,
        seconds=result.seconds,
        notices=tuple(notices),
    )


def write_sheet(path: Path, pixels: bytes, captions: Sequence[Caption], heading: Sequence[str]) -> None:
    """Write a contact sheet of pictures of 784 bytes as a PNG.

    Raises:
        UserError: it cannot be written.
    """
    from mnist_tui.engine.insight.sheet import draw_sheet, save_sheet

    *_, png = draw_sheet(pixels, captions, heading)
    assert isinstance(png, bytes)
    save_sheet(path, png)


def origin_of(path: Path) -> dict[str, Any]:
    """`run.json` of the run that a model file lies in; empty for a file outside a run."""
    return read_run(path.parent) or read_run(path.parent.parent)


def _load(path: Path) -> tuple[Network, dict[str, Any]]:
    """The model in `path`, which answers as it did in its run, and what is known of that run."""
    from mnist_tui.engine.checkpoint import load_model

    model, facts = load_model(path)
    origin = {**origin_of(path), **facts}
    model.answer_as(origin)
    return model, origin


def predict_pictures(
    path: Path, pictures: list[Path], settings: RunSettings
) -> tuple[list[dict[str, Any]], list[UserError]]:
    """For each picture: `path`, `predicted`, ten `probabilities`, `pixels` (784 bytes the network saw), `names`.

    Pictures that cannot be used are left out; what is wrong with each comes second.

    Raises:
        UserError: the model or the device is not usable.
    """
    with first_import_of("torch"):
        from mnist_tui.engine import device as devices
        from mnist_tui.engine.inference import predict_images
        from mnist_tui.engine.pictures import read_picture

    model, origin = _load(path)
    names = dataset_info(str(origin.get("dataset") or "mnist")).classes
    seen: dict[int, bytes] = {}
    refused: list[UserError] = []
    for place, picture in enumerate(pictures):
        try:
            seen[place] = read_picture(picture)
        except UserError as error:
            refused.append(error)
    if not seen:
        return [], refused
    device = devices.choose(settings.device)
    devices.prepare(settings.threads or devices.default_threads())
    table = predict_images(model, list(seen.values()), device.torch)
    found = [
        {
            "path": str(pictures[place]),
            "predicted": max(range(10), key=row.__getitem__),
            "probabilities": row,
            "pixels": pixels,
            "names": names,
        }
        for (place, pixels), row in zip(seen.items(), table, strict=True)
    ]
    return found, refused
