"""The table of runs in words: which columns fit, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from rich.cells import cell_len, set_cell_size

from mnist_tui.core.catalogue import RunEntry
from mnist_tui.render.words import clock, grouped

SIGNS: dict[str, str] = {  # by `RunEntry.state_in_words`
    "live": "●",
    "paused": "‖",
    "stalled": "◌",
    "crashed": "╳",
    "finished": "✓",
    "stopped": "■",
    "failed": "✗",
    "damaged": "?",
}
ASCII_SIGNS: dict[str, str] = dict(zip(SIGNS, "*=~X+#x?", strict=True))
LONGEST_NAME = 24
GAP = 2
_LEAST_NOTES = 20


@attrs.frozen
class Column:
    """A column: what it is called, its least width, how soon it goes where there is no room (0: never)."""

    title: str
    width: int
    drop: int = 0
    right: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("run", 8),
    Column("state", 10),
    Column("epochs", 6, 1, right=True),
    Column("steps", 7, 5, right=True),
    Column("test", 7, right=True),
    Column("best", 7, 2, right=True),
    Column("loss", 6, 4, right=True),
    Column("started", 11, 3),
    Column("time", 9, 6, right=True),
    Column("data", 7, 8),
    Column("device", 7, 9),
    Column("preset", 8, 10),
    Column("notes", _LEAST_NOTES, 7),
)


def fitting(entries: Sequence[RunEntry], width: int) -> list[Column]:
    """The columns that fit into `width` cells, as wide as they shall be; the notes take what is left."""
    shown = [
        attrs.evolve(column, width=max([column.width, *(cell_len(text_of(entry, column)) for entry in entries)]))
        if column.title != "notes"
        else column
        for column in COLUMNS
        if column.title != "notes" or any(entry.notes or entry.problem for entry in entries)
    ]
    shown = [attrs.evolve(column, width=min(column.width, LONGEST_NAME)) for column in shown]
    while _taken(shown) > width:
        worst = max(shown, key=lambda column: column.drop)
        if worst.drop == 0:
            break
        shown.remove(worst)
    if shown[-1].title == "notes":
        shown[-1] = attrs.evolve(shown[-1], width=width - _taken(shown[:-1]) - GAP)
    return shown


def _taken(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def text_of(entry: RunEntry, column: Column, ascii_only: bool = False) -> str:
    """What stands in a column for a run, as long as it is; `-` for what is not known."""
    tally = entry.tally
    match column.title:
        case "run":
            return entry.name
        case "state":
            return f"{(ASCII_SIGNS if ascii_only else SIGNS)[entry.state_in_words]} {entry.state_in_words}"
        case "epochs":
            return f"{tally.epochs}/{entry.epochs_planned}" if entry.epochs_planned is not None else "-"
        case "steps":
            return grouped(tally.step)
        case "test":
            return percent(tally.test_accuracy)
        case "best":
            return percent(tally.best_test_accuracy)
        case "loss":
            return "-" if tally.test_loss is None else f"{tally.test_loss:.4f}"[:6]
        case "started":
            return when(entry)
        case "time":
            return clock(tally.seconds)
        case "data":
            return entry.dataset or "-"
        case "device":
            return entry.device or "-"
        case "preset":
            return entry.preset or "-"
        case _:
            words = entry.problem if not entry.notes else entry.notes
            return words.encode("ascii", "replace").decode() if ascii_only else words


def percent(share: float | None) -> str:
    """`98.91 %`, or `-` where there is none."""
    return "-" if share is None else f"{share * 100:.2f} %"


def when(entry: RunEntry) -> str:
    """Month, day and time of its beginning, from `run.json` or else from the folder's name."""
    text = entry.started
    if len(text) >= 16 and text[10] == "T":
        return f"{text[5:10]} {text[11:16]}"
    stamp = entry.run
    return f"{stamp[4:6]}-{stamp[6:8]} {stamp[9:11]}:{stamp[11:13]}"


def fit(text: str, column: Column) -> str:
    """`text` in exactly the width of `column`; what was cut off ends with a tilde."""
    length = cell_len(text)
    if length > column.width:
        return set_cell_size(text, column.width - 1) + "~"
    padding = " " * (column.width - length)
    return padding + text if column.right else text + padding


def header(columns: Sequence[Column]) -> str:
    """The titles above their columns."""
    return (" " * GAP).join(fit(column.title, column) for column in columns)
