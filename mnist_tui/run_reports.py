"""What `runs` and `compare` print."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mnist_tui.core.catalogue import Catalogue, RunEntry
from mnist_tui.core.comparison import (
    Change,
    Difference,
    Verdicts,
    compare_digits,
    comparison_as_json,
    differences_of,
    live_changes,
)
from mnist_tui.core.errors import UsageError, UserError
from mnist_tui.core.recorder import to_json
from mnist_tui.core.runs import find_run
from mnist_tui.render.palette import DARK
from mnist_tui.render.runs_table import COLUMNS, Column, fit, fitting, header, percent, text_of

DIGITS_SHOWN = 20
_PIPE_WIDTH = 10_000  # a program that reads it wants every column


def runs(runs_dir: Path, *, as_json: bool) -> int:
    """Print every run below `runs_dir`, the newest first."""
    entries = Catalogue(runs_dir).look_once()
    if as_json:
        print(to_json([entry.as_json() for entry in entries]), flush=True)
    elif not entries:
        print(f"{runs_dir} holds no run: begin one with mnist-tui or mnist-tui train", flush=True)
    elif sys.stdout.isatty():
        _print_table(entries)
    else:
        _print_lines(_lines(entries, _PIPE_WIDTH))
    return 0


def _lines(entries: Sequence[RunEntry], width: int) -> list[str]:
    columns = fitting(entries, width)
    rows = [[fit(_plain(entry, column), column) for column in columns] for entry in entries]
    return [header(columns).rstrip(), *("  ".join(row).rstrip() for row in rows)]


def _plain(entry: RunEntry, column: Column) -> str:
    return entry.state_in_words if column.title == "state" else text_of(entry, column, ascii_only=True)


def _print_table(entries: Sequence[RunEntry]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    plain = not console.encoding.lower().startswith("utf")
    columns = fitting(entries, console.width)
    console.print(Text(header(columns), style="bold"), no_wrap=True, overflow="crop")
    for entry in entries:
        line = Text("  ").join(Text(fit(text_of(entry, c, plain), c), style=_style(entry, c)) for c in columns)
        console.print(line, no_wrap=True, overflow="crop")


def _style(entry: RunEntry, column: Column) -> str:
    if column.title == "state":
        good, bad = {"live", "finished"}, {"crashed", "failed", "damaged"}
        return DARK.right if entry.state_in_words in good else DARK.wrong if entry.state in bad else DARK.warning
    return {"run": "bold", "test": "bold"}.get(column.title, "")


def compare(a: str, b: str, runs_dir: Path, *, as_json: bool) -> int:
    """Print how the runs called `a` and `b` differ, in settings, figures and digits."""
    folders = [find_run(name, runs_dir) for name in (a, b)]
    if folders[0].resolve() == folders[1].resolve():
        raise UsageError(f"{a} and {b} are one run: compare it with another")
    first, second = Catalogue(runs_dir, folders).look_once()
    for entry in (first, second):
        if entry.state == "damaged":
            raise UserError(f"{entry.name} cannot be compared: {entry.problem} (in {entry.folder})")
    verdicts, why_not = None, ""
    try:
        verdicts = compare_digits(first, second)
    except UserError as error:
        why_not = str(error)
    if as_json:
        print(to_json(comparison_as_json(first, second, verdicts, why_not)), flush=True)
    else:
        _print_lines(_comparison(first, second, verdicts, why_not))
    return 0


def _print_lines(lines: Sequence[str]) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    text = "\n".join(lines)
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _comparison(a: RunEntry, b: RunEntry, verdicts: Verdicts | None, why_not: str) -> list[str]:
    names = _names(a, b)
    lines = _paragraph("", names, [Difference(title, *values) for title, values in _figures(a, b)])
    lines += ["", *_paragraph("settings that differ", names, differences_of(a, b))]
    for name, entry in zip(names, (a, b), strict=True):
        changes = live_changes(entry)
        lines += ["", f"changed while {name} was trained:", *(f"  {change}" for change in changes)] if changes else []
    if verdicts is None:
        return [*lines, "", f"digits: {why_not}"]
    lines += [
        "",
        f"digits, by the newest evaluation of each: {verdicts.both_right} right in both, "
        f"{len(verdicts.fixed)} fixed by {names[1]}, {len(verdicts.broken)} broken by it, "
        f"{verdicts.both_wrong} wrong in both",
    ]
    lines += _digits(f"fixed by {names[1]}", names, verdicts.fixed)
    return lines + _digits(f"broken by {names[1]}", names, verdicts.broken)


def _names(a: RunEntry, b: RunEntry) -> tuple[str, str]:
    """What to call them: their names, or their folders where these are the same."""
    return (a.name, b.name) if a.name != b.name else (a.run, b.run)


def _figures(a: RunEntry, b: RunEntry) -> list[tuple[str, tuple[str, str]]]:
    titles = {"test": "test accuracy", "best": "best test accuracy", "loss": "test loss"}
    return [
        (titles.get(column.title, column.title), (_plain(a, column), _plain(b, column)))
        for column in COLUMNS
        if column.title in {"state", "epochs", "steps", "test", "best", "loss", "started", "time"}
    ]


def _paragraph(title: str, names: tuple[str, str], rows: Sequence[Difference]) -> list[str]:
    if not rows:
        return [f"{title}: none"]
    wide = max(len(title), *(len(row.setting) for row in rows)) + 2
    first = max(len(names[0]), *(len(row.a) for row in rows)) + 2
    lines = [f"{title:{wide}}{names[0]:{first}}{names[1]}"]
    return lines + [f"{row.setting:{wide}}{row.a:{first}}{row.b}" for row in rows]


def _digits(title: str, names: tuple[str, str], changes: Sequence[Change]) -> list[str]:
    if not changes:
        return []
    more = f", the first {DIGITS_SHOWN} (the rest with --json)" if len(changes) > DIGITS_SHOWN else ""
    wide = [max(len(name), 10) for name in names]
    lines = ["", f"{title}{more}:", f"  digit  true  {names[0]:>{wide[0]}}  {names[1]:>{wide[1]}}"]
    return lines + [
        f"  {change.index:>5}  {change.true:>4}"
        f"  {_guess(change.a, change.a_confidence):>{wide[0]}}  {_guess(change.b, change.b_confidence):>{wide[1]}}"
        for change in changes[:DIGITS_SHOWN]
    ]


def _guess(digit: int, confidence: float) -> str:
    return f"{digit} {percent(confidence):>8}"
