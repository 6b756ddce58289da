"""Which run is meant where none is named."""

from __future__ import annotations

from pathlib import Path

from mnist_tui.core.errors import UsageError
from mnist_tui.core.owner import Pulses, read_owner
from mnist_tui.core.runs import read_run, run_folders

_ENDED = ("done", "stopped", "failed")


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
