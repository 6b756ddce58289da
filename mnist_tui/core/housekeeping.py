"""Runs renamed and removed; never one that a process trains, never anything outside the runs folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mnist_tui.core.errors import UserError
from mnist_tui.core.owner import OWNER_FILE, Pulses, read_owner
from mnist_tui.core.recorder import write_run
from mnist_tui.core.runs import choose_name, name_of, read_run, run_folders


def rename_run(runs_dir: Path, folder: Path, wanted: str) -> Path:
    """Give a run another name; its folder keeps its date. Returns the folder it has then.

    Raises:
        UsageError: the name is no file name, or another run has it.
        UserError: the run is trained, or cannot be renamed.
    """
    _check(runs_dir, folder, "renamed")
    name = name_of(folder)
    if wanted == name:
        return folder
    choose_name(runs_dir, wanted, wanted, advice="free is")
    target = folder.with_name(folder.name.removesuffix(name) + wanted)
    try:
        if os.path.lexists(target):
            raise FileExistsError(0, "there is something of that name")
        os.rename(folder, target)
        facts = read_run(target)
        if facts:
            facts.update(run=target.name, name=wanted)
            write_run(target, facts)
    except OSError as error:
        raise UserError(f"{name} cannot be renamed to {wanted}: {error.strerror or error}") from None
    return target


def delete_run(runs_dir: Path, folder: Path) -> None:
    """Remove a run's folder and everything in it; links in it are removed, not followed.

    Raises:
        UserError: it is trained, lies elsewhere, or cannot be removed.
    """
    _check(runs_dir, folder, "deleted")
    doomed = folder.with_name(f".{folder.name}.deleted")  # out of every list at once, however long the rest takes
    try:
        if not os.path.lexists(doomed):
            os.rename(folder, doomed)
        else:
            doomed = folder
        shutil.rmtree(doomed)
    except OSError as error:
        rest = f"; what is left lies in {doomed}" if os.path.lexists(doomed) and doomed != folder else ""
        raise UserError(f"{name_of(folder)} cannot be deleted: {error.strerror or error}{rest}") from None


def size_of(folder: Path) -> int:
    """Bytes of the files in a run's folder; links count as nothing."""
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            path = os.path.join(place, file)
            try:
                total += 0 if os.path.islink(path) else os.lstat(path).st_size
            except OSError:  # just removed
                continue
    return total


def _check(runs_dir: Path, folder: Path, done: str) -> None:
    """Refuse what is no run directly in `runs_dir`, and what a process trains.

    Raises:
        UserError: it cannot be `done`.
    """
    name = name_of(folder)
    if folder.is_symlink():
        raise UserError(f"{name} cannot be {done} here: {folder} is a link to another place")
    if folder not in run_folders(runs_dir):
        raise UserError(f"{name} cannot be {done}: {folder} is no run in {runs_dir}")
    owner = read_owner(folder)
    if owner is not None and Pulses().judge(owner) != "gone":
        raise UserError(
            f"{name} cannot be {done} while {owner.words} trains it: stop it first, "
            f"or remove its {OWNER_FILE} if that process is dead"
        )
