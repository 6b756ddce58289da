"""Digits of one evaluation as text that other programs read, in the order they are shown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

import attrs
import numpy as np

from mnist_tui.core.notes import harmless
from mnist_tui.core.predictions.table import CLASSES, Predictions
from mnist_tui.core.query import ALL, Query, Sort
from mnist_tui.core.search import line
from mnist_tui.core.sheet import SHEET_LIMIT, Caption

COLUMNS = (
    *("index", "split", "true", "predicted", "probability", "probability_true"),
    *("loss", "margin", "entropy", "quality"),
    *(f"p{digit}" for digit in range(CLASSES)),
)
"""The first line of the CSV. `true` and `predicted` are class numbers, `loss` and `entropy` in nats."""

_CHUNK = 1000  # rows between which another thread gets its turn
_DIGITS = "%.7g"  # what a float32 holds
_ORDERS = {
    "loss": "highest loss first",
    "confidence": "most confident first",
    "margin": "lowest margin first",
    "entropy": "highest entropy first",
    "quality": "lowest label quality first",
    "index": "as stored",
}


@attrs.frozen(eq=False, kw_only=True)
class Selection:
    """What is shown, and where it comes from.

    Attributes:
        table: the evaluation of the whole split.
        order: indices of the digits, in the order they are shown.
        split: `test`, `training` or `drawings`.
        classes: the ten names.
        query, sort: what chose and ordered them.
        other: what the evaluation is compared with, in words, or empty.
        run, dataset, epoch: of the weights; a model without a run has neither run nor epoch.
    """

    table: Predictions
    order: Sequence[int]
    split: str = "test"
    classes: Sequence[str] = tuple("0123456789")
    query: Query = ALL
    sort: Sort = "loss"
    other: str = ""
    run: str = ""
    dataset: str = "mnist"
    epoch: int | None = None

    def __len__(self) -> int:
        return len(self.order)


def to_csv(selection: Selection) -> str:
    """A line for each digit, below `COLUMNS`; an infinite loss is `inf`."""
    template = ",".join(["%d", selection.split, "%d", "%d", *[_DIGITS] * (len(COLUMNS) - 4)])
    lines = [",".join(COLUMNS)]
    for rows in _chunks(selection):
        lines += [template % row for row in rows]
    return "\n".join([*lines, ""])


def to_json(selection: Selection) -> str:
    """One object: where the digits come from, and under `digits` a line for each; an infinite loss is null."""
    head = {
        "run": selection.run,
        "dataset": selection.dataset,
        "classes": list(selection.classes),
        "split": selection.split,
        "step": None if selection.table.judged_by else selection.table.step,
        "epoch": None if selection.table.judged_by else selection.epoch,
        "judged_by": selection.table.judged_by,
        "query": line(selection.query, selection.classes),
        "compared_with": selection.other,
        "sort": selection.sort,
        "accuracy": selection.table.accuracy,
        "split_size": len(selection.table),
    }
    names = COLUMNS[:-CLASSES]
    values = ["%d", json.dumps(selection.split), "%d", "%d", _DIGITS, _DIGITS, "%s", *[_DIGITS] * 3]
    pairs = ", ".join(f'"{name}": {value}' for name, value in zip(names, values, strict=True))
    template = f'{{{pairs}, "probabilities": [{", ".join([_DIGITS] * CLASSES)}]}}'
    entries: list[str] = []
    for rows in _chunks(selection):
        entries += [template % (*row[:5], _number(row[5]), *row[6:]) for row in rows]
    body = ",\n".join(entries)
    return f'{json.dumps(head)[:-1]}, "digits": [\n{body}\n]}}\n'


def _number(value: float) -> str:
    return _DIGITS % value if math.isfinite(value) else "null"


def _chunks(selection: Selection) -> Iterator[list[tuple[float, ...]]]:
    """The columns but for the split, row by row."""
    table = selection.table
    order = np.asarray(selection.order, dtype=np.int64)
    for start in range(0, len(order), _CHUNK):
        some = order[start : start + _CHUNK]
        labels = table.labels[some]
        figures = (
            *(some, labels, table.predicted[some], table.confidence[some], table.probabilities[some, labels]),
            *(table.losses[some], table.margin[some], table.entropy[some], table.label_quality[some]),
        )
        columns = [values.astype(np.float64) for values in (*figures, *table.probabilities[some].T)]
        yield list(map(tuple, np.column_stack(columns).tolist()))


def captions(selection: Selection) -> tuple[Caption, ...]:
    """Of the first `SHEET_LIMIT` digits."""
    table, names = selection.table, selection.classes
    return tuple(
        Caption(
            index,
            names[int(table.labels[index])],
            names[int(table.predicted[index])],
            float(table.confidence[index]),
        )
        for index in selection.order[:SHEET_LIMIT]
    )


def heading(selection: Selection) -> tuple[str, str]:
    """Two lines above a contact sheet: which digits they are, and who judged them."""
    count = len(selection)
    digits = f"{_grouped(count)} of {_grouped(len(selection.table))} {selection.split} digits of {selection.dataset}"
    if count > SHEET_LIMIT:
        digits = f"the first {SHEET_LIMIT} of {digits.replace(' of ', ', out of ', 1)}"
    words = line(selection.query, selection.classes)
    against = f" against {selection.other}" if selection.query.get("vs") and selection.other else ""
    which = ", ".join(filter(None, [digits, words + against, _ORDERS[selection.sort]]))
    when = f"epoch {selection.epoch}, step {_grouped(selection.table.step)}" if selection.epoch is not None else ""
    when = f"judged by {selection.table.judged_by}" if selection.table.judged_by else when
    accuracy = f"{selection.table.accuracy * 100:.2f} % of the split is right"
    return harmless(which), harmless(" · ".join(filter(None, [selection.run, when, accuracy])))


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")
