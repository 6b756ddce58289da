"""What `evaluate` and `predict` print."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from mnist_tui.core.dataset import Split, dataset_info
from mnist_tui.core.errors import UsageError, UserError
from mnist_tui.core.files import write_atomically
from mnist_tui.core.query import WRONG
from mnist_tui.core.recorder import to_json
from mnist_tui.core.runs import find_model
from mnist_tui.core.settings import RunSettings
from mnist_tui.judge import Judgement, evaluate_file, predict_pictures, write_sheet

if TYPE_CHECKING:
    from mnist_tui.core.predictions import Predictions

MISTAKES_SHOWN = 10
LABELS_SHOWN = 5
STDOUT = Path("-")
_ART_GAP, _BARS_BESIDE, _BARS_WIDEST = 3, 14, 40  # cells


@attrs.frozen(kw_only=True)
class Wanted:
    """What `evaluate` gives.

    Attributes:
        json: one JSON object on stdout, in place of the report.
        csv: the file of the table of all digits; `-` is stdout, in place of the report.
        sheet: the PNG of the mistakes.
    """

    json: bool = False
    csv: Path | None = None
    sheet: Path | None = None

    def check(self) -> None:
        """Refuse what cannot be given, before anything is evaluated.

        Raises:
            UsageError: two want stdout, a file is there already or has no folder, or its name is no good.
        """
        if self.json and self.csv == STDOUT:
            raise UsageError("--json and --csv - both want standard output: give --csv a file")
        if self.csv not in {None, STDOUT} and str(self.csv).startswith("-"):
            raise UsageError(f"--csv needs the name of a file, or - for standard output, not {self.csv}")
        if self.sheet is not None and self.sheet.suffix.lower() != ".png":
            raise UsageError(f"--sheet writes a PNG: {self.sheet} should end in .png")
        for path in (self.csv, self.sheet):
            if path is None or path == STDOUT:
                continue
            if os.path.lexists(path):
                raise UsageError(f"{path} is there already: give another name, or remove it first")
            if not path.parent.is_dir():
                raise UsageError(f"{path.parent} is no folder, so {path.name} cannot be written there")


def evaluate(model: str, settings: RunSettings, dataset: str | None, data_dir: Path | None, wanted: Wanted) -> int:
    """Evaluate the model called `model` on a whole test set and print accuracy, classes, confusion and mistakes."""
    wanted.check()
    path = find_model(model, settings.runs_dir)
    judgement = evaluate_file(path, settings, dataset, data_dir)
    for notice in judgement.notices:
        _say(notice)
    from mnist_tui.core.predictions import Predictions, select

    table = Predictions.from_bytes(judgement.logits, judgement.labels, step=0)
    mistakes = select(table, WRONG)
    if wanted.json:
        print(to_json(_as_json(judgement, table, mistakes)), flush=True)
    elif wanted.csv != STDOUT:
        print("\n".join(_as_text(judgement, table, mistakes)), flush=True)
    if wanted.csv is not None:
        _write_csv(wanted.csv, table)
    if wanted.sheet is not None:
        _write_sheet(wanted.sheet, judgement, table, mistakes)
    return 0


def _say(notice: str) -> None:
    print(f"mnist-tui: {notice}", file=sys.stderr)


def _write_csv(path: Path, table: Predictions) -> None:
    from mnist_tui.core.predictions import select
    from mnist_tui.core.predictions.export import Selection, to_csv

    text = to_csv(Selection(table=table, order=select(table)))
    if path == STDOUT:
        print(text, end="", flush=True)
        return
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
    _say(f"{path} holds all {len(table)} digits, the hardest first")


def _write_sheet(path: Path, judgement: Judgement, table: Predictions, mistakes: list[int]) -> None:
    from mnist_tui.core.predictions.export import Selection, captions, heading

    if not mistakes:
        _say(f"there is no mistake, so {path} was not written")
        return
    selection = Selection(
        table=table,
        order=mistakes,
        classes=dataset_info(judgement.dataset).classes,
        query=WRONG,
        run=judgement.model,
        dataset=judgement.dataset,
    )
    under = captions(selection)
    digits = Split(judgement.images, judgement.labels)
    write_sheet(path, b"".join(digits.digit(caption.index) for caption in under), under, heading(selection))
    _say(f"{path} shows {f'the first {len(under)} of ' if len(under) < len(mistakes) else ''}{len(mistakes)} mistakes")


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
        "label_errors": _label_errors(table),
        "seconds": judgement.seconds,
    }


def _label_errors(table: Predictions) -> list[dict[str, Any]]:
    """Digits whose label is likely wrong, the likeliest error first; the test split is out of sample."""
    from mnist_tui.core.predictions.label_errors import ranking, suggested

    classes = suggested(table)
    return [
        {
            "index": index,
            "label": int(table.labels[index]),
            "suggested": int(classes[index]),
            "quality": float(table.label_quality[index]),
        }
        for index in ranking(table).tolist()
    ]


def _as_text(judgement: Judgement, table: Predictions, mistakes: list[int]) -> list[str]:
    names = dataset_info(judgement.dataset).classes
    wide = max(5, *map(len, names))
    lines = [
        f"{judgement.model} on the {len(table)} test images of {judgement.dataset}",
        f"accuracy {judgement.accuracy:.2%}   loss {judgement.loss:.4f}   mistakes {len(mistakes)}   "
        f"{judgement.seconds:.2f} s",
        "",
        f"{'class':>{wide}}  precision   recall       f1  support   predicted as "
        + " ".join(f"{i:>4}" for i in range(10)),
    ]
    for index, (figures, row) in enumerate(zip(table.per_class(), table.confusion(), strict=True)):
        counts = " ".join(f"{count:>4}" if count else "   ·" for count in row)
        lines.append(
            f"{names[index]:>{wide}}  {figures.precision:>9.2%}  {figures.recall:>7.2%}  {figures.f1:>7.2%}  "
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
    doubted = _label_errors(table)
    if doubted:
        first = ", ".join(
            f"{entry['index']} ({names[entry['label']]}, rather {names[entry['suggested']]})"
            for entry in doubted[:LABELS_SHOWN]
        )
        more = f", and {len(doubted) - LABELS_SHOWN} more with --json" if len(doubted) > LABELS_SHOWN else ""
        lines += ["", f"labels that are likely wrong: {first}{more}"]
    encoding = sys.stdout.encoding or "utf-8"
    return [line.encode(encoding, "replace").decode(encoding) for line in lines]


def predict(model: str, pictures: list[Path], settings: RunSettings, *, as_json: bool) -> int:
    """Print what the model makes of each picture.

    Raises:
        UserError: the model, a picture or the device is not usable; the usable pictures are printed first.
    """
    path = find_model(model, settings.runs_dir)
    found, refused = predict_pictures(path, pictures, settings)
    if found:
        _print_predictions(found, as_json=as_json)
    for error in refused[:-1]:
        _say(str(error))
    if refused:
        raise refused[-1]
    return 0


def _print_predictions(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        shown = [{key: value for key, value in entry.items() if key not in {"pixels", "names"}} for entry in found]
        print(to_json(shown), flush=True)
        return
    for entry in found:
        names = entry["names"]
        table = entry["probabilities"]
        ranked = sorted(range(10), key=table.__getitem__, reverse=True)[:3]
        guesses = "   ".join(f"{names[digit]} {table[digit]:.1%}" for digit in ranked)
        print(f"{entry['path']}   {guesses}", flush=True)
        if sys.stdout.isatty():
            _draw_seen(entry)


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
