"""The run folder: its name, and how a run is found again."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from mnist_tui.core.errors import ModelFileError, UsageError, UserError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_STAMP = re.compile(r"\d{8}-\d{6}-")


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


def choose_name(runs_dir: Path, wanted: str | None, default: str, advice: str = "use --name") -> str:
    """The name of the next run: `wanted`, or `default` with the next free number.

    Args:
        runs_dir: where it will be.
        wanted: what the user asked for.
        default: what it is called otherwise.
        advice: what stands before the suggested name.

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
        raise UsageError(f"there is a run named {wanted} already: {advice} {_free_name(wanted, taken)}")
    return wanted


def check_writable(runs_dir: Path) -> None:
    """Find out before anything is trained whether a run can be kept in `runs_dir`; nothing is made.

    Raises:
        UsageError: it is no folder, or nothing can be written there.
    """
    place = runs_dir.absolute()
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        reason = f"{place} is no folder"
    elif not os.access(place, os.W_OK | os.X_OK):
        reason = f"{place} cannot be written"
    else:
        return
    raise UsageError(f"runs cannot be kept in {runs_dir}: {reason}; choose another place with --runs-dir")


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


def _called(name: str, folders: list[Path]) -> list[Path]:
    """Those of `folders` that `name` means, the newest first."""
    return [folder for folder in reversed(folders) if name in {folder.name, name_of(folder)}]


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
    folders += _called(model, run_folders(runs_dir))
    for folder in folders:
        for candidate in ("checkpoints/best.pt", "checkpoints/last.pt", "cnn_model.pth"):
            if (folder / candidate).is_file():
                return folder / candidate
    if folders:
        raise ModelFileError(f"{folders[0]} holds no checkpoint and no cnn_model.pth")
    known = _known_runs(model, run_folders(runs_dir), runs_dir)
    raise ModelFileError(f"there is no file and no run called {model[:200]!r}: {known}")


def find_run(run: str, runs_dir: Path) -> Path:
    """The folder that RUN on the command line means: a run's folder, or the newest run of that name or folder name.

    Raises:
        UsageError: there is no such run; the sentence names runs that there are.
    """
    path = Path(os.path.expanduser(run))
    is_folder = bool(run) and os.path.isdir(path)  # unlike Path's own, it is false for impossible names too
    if is_folder and any((path / file).is_file() for file in ("run.json", "metrics.jsonl")):
        return path
    folders = run_folders(runs_dir)
    if called := _called(run, folders):
        return called[0]
    if is_folder:
        raise UsageError(f"{path} is no run's folder: it holds neither run.json nor metrics.jsonl")
    raise UsageError(f"there is no run called {run[:200]!r}: {_known_runs(run, folders, runs_dir)}")


def _known_runs(run: str, folders: list[Path], runs_dir: Path) -> str:
    from difflib import get_close_matches  # 3 ms, and only a mistake needs it

    names = [name_of(folder) for folder in reversed(folders)]
    close = get_close_matches(run[:200], dict.fromkeys(names), n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"the newest runs in {runs_dir} are {', '.join(names[:5])}" if names else f"{runs_dir} holds no run"


def read_run(folder: Path) -> dict[str, Any]:
    """`run.json` of a run; empty where it is missing or damaged."""
    import json  # 2 ms that the first frame does without

    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
