"""Which run is meant where none is named."""

from __future__ import annotations

from pathlib import Path

from mnist_tui.core.errors import UsageError
from mnist_tui.core.owner import Pulses, read_owner, state_of
from mnist_tui.core.runs import name_of, read_run, run_folders


def newest_run(runs_dir: Path) -> tuple[Path, bool]:
    """The newest run that a process trains, and true; where none is trained, the newest, and false.

    Raises:
        UsageError: there is no run.
    """
    folders = run_folders(runs_dir)
    if not folders:
        raise UsageError(f"there is no run in {runs_dir}: `mnist-tui` begins one, --runs-dir names another place")
    return _newest(folders)


def _newest(folders: list[Path]) -> tuple[Path, bool]:
    pulses = Pulses()
    for folder in reversed(folders):
        owner = read_owner(folder)
        if owner is not None and state_of(read_run(folder).get("status"), pulses.judge(owner)) in {"live", "stalled"}:
            return folder, True
    return folders[-1], False


def cut_off_run(runs_dir: Path) -> str:
    """One sentence about a run that another process trains, or the newest where it was cut off; else empty."""
    folders = run_folders(runs_dir)
    if not folders:
        return ""
    folder, live = _newest(folders)
    if live:
        return f"{name_of(folder)} is being trained by another process: 3 and o watch it."
    facts = read_run(folder)
    status, why = facts.get("status"), ""
    if status == "running" and Pulses().judge(read_owner(folder)) == "gone":
        why = "its process is gone without a word"
    elif status == "failed":
        why = str(facts.get("error"))[:120]
    elif status == "stopped":
        why = str(facts.get("reason") or "")
        why = "" if why.startswith("Ctrl+C") else why
    if not why:
        return ""
    figures = facts.get("figures")
    step = figures.get("step") if isinstance(figures, dict) else None
    at = f" at step {step}" if isinstance(step, int) else ""
    return f"{name_of(folder)} was cut off{at} ({why}): 3 and R go on with it."
