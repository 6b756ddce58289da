"""What `evaluate` and `predict` print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from mnist_tui.core.dataset import dataset_info
from mnist_tui.core.query import WRONG
from mnist_tui.core.recorder import to_json
from mnist_tui.core.runs import find_model
from mnist_tui.core.settings import RunSettings
from mnist_tui.judge import Judgement, evaluate_file, predict_pictures

if TYPE_CHECKING:
    from mnist_tui.core.predictions import Predictions

MISTAKES_SHOWN = 10
_ART_GAP, _BARS_BESIDE, _BARS_WIDEST = 3, 14, 40  # cells


def evaluate(model: str, settings: RunSettings, dataset: str | None, data_dir: Path | None, *, as_json: bool) -> int:
    """Evaluate the model called `model` on a whole test set and print accuracy, classes, confusion and mistakes."""
    path = find_model(model, settings.runs_dir)
    judgement = evaluate_file(path, settings, dataset, data_dir)
    for notice in judgement.notices:
        print(f"mnist-tui: {notice}", file=sys.stderr)
    from mnist_tui.core.predictions import Predictions, select

    table = Predictions.from_bytes(judgement.logits, judgement.labels, step=0)
    mistakes = select(table, WRONG)
    if as_json:
        print(to_json(_as_json(judgement, table, mistakes)), flush=True)
    else:
        print("\n".join(_as_text(judgement, table, mistakes)), flush=True)
    return 0


def _as_json(judgement: Judgement, table: Predictions, mistakes: list[int]) -> dict[str, Any]:
    return {
        "model": judgement.model,
        "dataset": judgement.dataset,
        "accuracy": judgement.accuracy,
        "loss": judgement.loss,
        "n": len(table),
        "per_class": [attrs.asdict(figures) for figures in table.per_class()],
        "confusion": table.confusion(),
        "mistakes": [table.describe(index) for index in mistakes],
        "seconds": judgement.seconds,
    }


def _as_text(judgement: Judgement, table: Predictions, mistakes: list[int]) -> list[str]:
    names = dataset_info(judgement.dataset).classes
    wide = max(5, *map(len, names))
    lines = [
        f"{judgement.model} on the {len(table)} test images of {judgement.dataset}",
        f"accuracy {judgement.accuracy:.2%}   loss {judgement.loss:.4f}   mistakes {len(mistakes)}   "
        f"{judgement.seconds:.2f} s",
        "",
        f"{'class':>{wide}}  precision  recall     f1  support   predicted as "
        + " ".join(f"{i:>4}" for i in range(10)),
    ]
    for index, (figures, row) in enumerate(zip(table.per_class(), table.confusion(), strict=True)):
        counts = " ".join(f"{count:>4}" if count else "   ·" for count in row)
        lines.append(
            f"{names[index]:>{wide}}  {figures.precision:>9.2%}  {figures.recall:>6.2%} {figures.f1:>6.2%}  "
            f"{figures.support:>7}                {counts}"
        )
    if mistakes:
        lines += ["", "hardest mistakes (the rest with --json):"]
    for index in mistakes[:MISTAKES_SHOWN]:
        entry = table.describe(index)
        lines.append(
            f"  test digit {index:>5}   {names[entry['true']]} → {names[entry['predicted']]}   "
            f"{entry['probability']:.1%} sure   p(true) {entry['probability_true']:.1%}   loss {entry['loss']:.2f}"
        )
    encoding = sys.stdout.encoding or "utf-8"
    return [line.encode(encoding, "replace").decode(encoding) for line in lines]


def predict(model: str, pictures: list[Path], settings: RunSettings, *, as_json: bool) -> int:
    """Print what the model makes of each picture."""
    path = find_model(model, settings.runs_dir)
    found = predict_pictures(path, pictures, settings)
    if as_json:
        shown = [{key: value for key, value in entry.items() if key not in {"pixels", "names"}} for entry in found]
        print(to_json(shown), flush=True)
        return 0
    for entry in found:
        names = entry["names"]
        table = entry["probabilities"]
        ranked = sorted(range(10), key=table.__getitem__, reverse=True)[:3]
        guesses = "   ".join(f"{names[digit]} {table[digit]:.1%}" for digit in ranked)
        print(f"{entry['path']}   {guesses}", flush=True)
        if sys.stdout.isatty():
            _draw_seen(entry)
    return 0


def _draw_seen(entry: dict[str, Any]) -> None:
    """The picture as the network sees it, and the ten bars beside it, or below where the terminal is narrow."""
    from rich.console import Console
    from rich.segment import Segment, Segments

    from mnist_tui.render.bars import draw_bars
    from mnist_tui.render.blocks import SIDE, Glyphs, draw_digit
    from mnist_tui.render.palette import DARK

    console = Console()
    ascii_only = not console.encoding.lower().startswith("utf")
    few = console.color_system not in {"256", "truecolor"}
    glyphs: Glyphs = "ascii" if ascii_only else "shade" if few else "half"
    art = draw_digit(entry["pixels"], DARK, glyphs)
    beside = console.width - SIDE - _ART_GAP
    width = min(beside if beside >= _BARS_BESIDE else console.width, _BARS_WIDEST)
    bars = draw_bars(entry["probabilities"], None, entry["predicted"], entry["names"], width, DARK, ascii_only)
    if beside >= _BARS_BESIDE:
        top = (len(art) - len(bars)) // 2
        for y, line in enumerate(bars):
            art[top + y] = [*art[top + y], Segment(" " * _ART_GAP), *line]
    else:
        art += bars
    console.print(Segments([segment for line in art for segment in (*line, Segment.line())]), end="")
