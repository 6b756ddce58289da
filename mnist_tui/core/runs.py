"""The run folder: its name, what is written into it while a run goes on, and how a run is found again."""

from __future__ import annotations

import json
import math
import os
import re
import time
from pathlib import Path
from typing import IO, Any

import attrs

from mnist_tui.core.errors import ModelFileError, UsageError, UserError
from mnist_tui.core.events import (
    BatchesTrained,
    CheckpointSaved,
    EpochFinished,
    Evaluated,
    Event,
    HyperparametersApplied,
    Paused,
    Resumed,
    RunFailed,
    RunFinished,
    RunStarted,
    SaveFailed,
)
from mnist_tui.core.files import write_atomically
from mnist_tui.core.hyperparameters import KNOBS, differences

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_STAMP = re.compile(r"\d{8}-\d{6}-")

_RECORDED = (
    RunStarted,
    BatchesTrained,
    HyperparametersApplied,
    Paused,
    Resumed,
    EpochFinished,
    Evaluated,
    CheckpointSaved,
    SaveFailed,
    RunFinished,
    RunFailed,
)


def name_of(folder: Path) -> str:
    """The name a run was given: its folder without the date and time."""
    return _STAMP.sub("", folder.name, count=1)


def run_folders(runs_dir: Path) -> list[Path]:
    """Every run below `runs_dir`, oldest first."""
    try:
        return sorted(path for path in runs_dir.iterdir() if _STAMP.match(path.name) and path.is_dir())
    except OSError:  # not there, no folder, or not to be read: nothing can be found in it
        return []


def _free_name(stem: str, taken: set[str]) -> str:
    number = 2
    while f"{stem}-{number}" in taken:
        number += 1
    return f"{stem}-{number}"


def choose_name(runs_dir: Path, wanted: str | None, default: str) -> str:
    """The name of the next run: `wanted`, or `default` with the next free number.

    Raises:
        UsageError: `wanted` is no file name, or is taken; the sentence suggests a free one.
    """
    taken = {name_of(folder) for folder in run_folders(runs_dir)}
    if wanted is None:
        return default if default not in taken else _free_name(default, taken)
    if not _NAME.fullmatch(wanted):
        raise UsageError(
            f"{wanted[:40]!r} cannot name a run: use up to 64 letters, digits, dots, dashes "
            "and underscores, beginning with a letter or digit"
        )
    if wanted in taken:
        raise UsageError(f"there is a run named {wanted} already: use --name {_free_name(wanted, taken)}")
    return wanted


def create_folder(runs_dir: Path, wanted: str | None, default: str) -> Path:
    """Make `<date-time>-<name>` with its subfolders, named as `choose_name` says.

    Raises:
        UsageError: the wanted name is taken.
        UserError: the place cannot be written.
    """
    folder = runs_dir / f"{time.strftime('%Y%m%d-%H%M%S')}-{choose_name(runs_dir, wanted, default)}"
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                folder.mkdir()
                break
            except FileExistsError:  # another process was faster by less than a second: the next free name, if any
                stamp = folder.name.removesuffix(name_of(folder))
                other = folder.with_name(f"{stamp}{choose_name(runs_dir, wanted, default)}")
                if other == folder:
                    raise
                folder = other
        (folder / "checkpoints").mkdir()
        (folder / "evaluations").mkdir()
    except OSError as error:
        raise UserError(
            f"cannot make the run folder {folder}: {error.strerror}; choose another place with --runs-dir"
        ) from None
    return folder


def find_model(model: str, runs_dir: Path) -> Path:
    """The file that MODEL on the command line means: a file, a run's folder, or a run's name or folder name.

    A run stands for its best checkpoint, or its last where there is no best.

    Raises:
        ModelFileError: nothing of that name exists, or the run has no checkpoint.
    """
    path = Path(os.path.expanduser(model))
    if os.path.isfile(path):  # unlike Path's own, it is false for impossible names too
        return path
    folders = [path] if os.path.isdir(path) else []
    folders += [f for f in reversed(run_folders(runs_dir)) if model in {f.name, name_of(f)}]
    for folder in folders:
        for candidate in ("checkpoints/best.pt", "checkpoints/last.pt", "cnn_model.pth"):
            if (folder / candidate).is_file():
                return folder / candidate
    if folders:
        raise ModelFileError(f"{folders[0]} holds no checkpoint and no cnn_model.pth")
    known = ", ".join(name_of(f) for f in run_folders(runs_dir)[-5:]) or "none"
    raise ModelFileError(f"there is no file and no run called {model[:200]}: the newest runs in {runs_dir} are {known}")


def read_run(folder: Path) -> dict[str, Any]:
    """`run.json` of a run; empty where it is missing or damaged."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def as_record(event: Event) -> dict[str, Any]:
    """One line of `metrics.jsonl`: the event's name and plain values; logits live in `evaluations/` instead."""
    match event:
        case HyperparametersApplied():
            changed = differences(event.old, event.new)
            values: dict[str, Any] = {
                "step": event.step,
                "changes": {name: [old, new] for name, (old, new) in changed.items()},
            }
        case RunStarted():
            values = attrs.asdict(event)
        case Evaluated():
            values = attrs.asdict(event, filter=lambda field, _: field.name != "logits")
        case _:
            values = attrs.asdict(event, recurse=False)
    return {"event": type(event).__name__, **values}


def to_json(value: Any) -> str:
    """Strict JSON on one line of ASCII, so that any path can be printed anywhere; numbers not finite become null."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), separators=(",", ":"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


class Recorder:
    """Writes a run's events to its folder: `metrics.jsonl` by appending, `run.json` and evaluations whole.

    A disk that fails never stops the training: the failure is kept in `trouble` and the next event tries again.

    Raises:
        UserError: not even the first file can be written.
    """

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self.folder = folder
        self.trouble = ""
        self._facts = facts
        self._changes: list[dict[str, Any]] = []
        self._metrics: IO[str] | None = None
        try:
            self._write_run("running")
        except OSError as error:
            raise UserError(
                f"cannot write to {folder}: {error.strerror or error}; choose another place with --runs-dir"
            ) from None

    def record(self, event: Event) -> None:
        """Append `event`; on the events that change what the run is, rewrite `run.json` too."""
        if not isinstance(event, _RECORDED):
            return
        try:
            self._append(to_json(as_record(event)) + "\n")
            match event:
                case Evaluated():
                    self._write_evaluation(event)
                case HyperparametersApplied():
                    self._changes.append(as_record(event))
                    self._facts["hyperparameters"] = {name: getattr(event.new, name) for name in KNOBS}
                    self._write_run("running")
                case RunFinished():
                    self._write_run(event.status, step=event.step, epochs=event.epochs, seconds=event.seconds)
                case RunFailed():
                    self.log(f"{event.message}\n{event.details}")
                    self._write_run("failed", error=event.message)
                case _:
                    pass
            self.trouble = ""
        except OSError as error:
            self._metrics = None
            self.trouble = f"cannot write to {self.folder}: {error.strerror or error}; training goes on"

    def log(self, text: str) -> None:
        """Append to `log.txt`."""
        with open(self.folder / "log.txt", "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text.rstrip()}\n")

    def close(self) -> None:
        """Close the metrics file."""
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None

    def _append(self, line: str) -> None:
        if self._metrics is None:
            self._metrics = open(self.folder / "metrics.jsonl", "a", encoding="utf-8", buffering=1)
        self._metrics.write(line)

    def _write_evaluation(self, event: Evaluated) -> None:
        from mnist_tui.core.predictions import (
            pack_evaluation,
        )  # numpy: 0.1 s, and only a training run needs it

        name = f"step-{event.step:08d}" + ("" if event.split == "test" else f"-{event.split}")
        write_atomically(self.folder / "evaluations" / f"{name}.npz", pack_evaluation(event))

    def _write_run(self, status: str, **more: Any) -> None:
        content = {**self._facts, "status": status, "changes": self._changes, **more}
        text = json.dumps(_finite(content), indent=2) + "\n"
        write_atomically(self.folder / "run.json", text.encode())
