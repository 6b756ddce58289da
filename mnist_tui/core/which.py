"""Which run a word on the command line means, and which one is meant without a word."""

from __future__ import annotations

import os
from pathlib import Path

from mnist_tui.core.errors import UsageError
from mnist_tui.core.owner import Pulses, read_owner
from mnist_tui.core.runs import name_of, read_run, run_folders

_ENDED = ("done", "stopped", "failed")


def find_run(word: str, runs_dir: Path) -> Path:
    """The folder of the run called `word`: a path, a folder's name below `runs_dir`, or a run's name.

    Raises:
        UsageError: there is none.
    """
    path = Path(os.path.expanduser(word))
    if os.path.isdir(path) and word:  # unlike Path's own, it is false for impossible names too
        if not any((path / file).is_file() for file in ("run.json", "metrics.jsonl")):
            raise UsageError(f"{path} is no run's folder: it holds neither run.json nor metrics.jsonl")
        return path
    folders = run_folders(runs_dir)
    for folder in reversed(folders):
        if word in {folder.name, name_of(folder)}:
            return folder
    known = ", ".join(name_of(folder) for folder in folders[-5:]) or "none"
    raise UsageError(f"there is no run called {word[:200]!r}: the newest runs in {runs_dir} are {known}")


def newest_run(runs_dir: Path) -> tuple[Path, bool]:
    """The newest run that a process trains, and true; where none is trained, the newest, and false.

    Raises:
        UsageError: there is no run.
    """
    folders = run_folders(runs_dir)
    if not folders:
        raise UsageError(f"there is no run in {runs_dir}: `mnist-tui` begins one, --runs-dir names another place")
    pulses = Pulses()
    for folder in reversed(folders):
        owner = read_owner(folder)
        if owner is not None and pulses.judge(owner) != "gone" and read_run(folder).get("status") not in _ENDED:
            return folder, True
    return folders[-1], False
