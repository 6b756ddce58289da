"""A run that shall go on: which one, from which file, and what may be different this time."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import attrs

from mnist_tui.core.archive import damage_of
from mnist_tui.core.errors import ModelFileError, UsageError, UserError
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters, with_changes
from mnist_tui.core.knob import Value
from mnist_tui.core.runs import find_run, name_of, read_run
from mnist_tui.core.settings import RunSettings

FIXED = ("dataset", "validation", "preset")
"""Settings that a run keeps, since its batches would be others."""

KEPT = ("data_dir", "precision")
"""Settings that a run keeps unless another is asked for expressly."""


@attrs.frozen
class Resumption:
    """A run to be continued.

    Attributes:
        folder: the run's.
        checkpoint: the file to go on from; None: the newest.
        changes: hyperparameters to be edited before the first batch.
        facts: its `run.json`.
        precision: what is asked for in place of the run's own; another machine may be slow in that.
    """

    folder: Path
    checkpoint: Path | None = None
    changes: Mapping[str, Value] = attrs.field(factory=dict)
    facts: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    precision: str = "auto"

    @property
    def started_with(self) -> Hyperparameters:
        """What the first batch was trained with.

        Raises:
            UserError: `run.json` does not say.
        """
        values = self.facts.get("initial_hyperparameters")
        try:
            return Hyperparameters(**values)  # type: ignore[arg-type]
        except (TypeError, UserError):
            raise UserError(
                f"{self.folder / 'run.json'} does not say what the run began with: it cannot go on"
            ) from None

    @property
    def goes_on_with(self) -> Hyperparameters:
        """What it will train with, as far as `run.json` tells; the checkpoint has the last word."""
        values = self.facts.get("hyperparameters")
        try:
            known = Hyperparameters(**values)  # type: ignore[arg-type]
        except (TypeError, UserError):
            known = Hyperparameters()
        return with_changes(known, self.changes)

    def settings(self, settings: RunSettings, given: Collection[str] = ()) -> RunSettings:
        """`settings` with the run's own data set, split and preset.

        Args:
            settings: what was asked for.
            given: which fields of it were asked for expressly.

        Raises:
            UsageError: one of those is not the run's.
        """
        own = {name: self.facts[name] for name in (*FIXED, *KEPT) if self.facts.get(name) is not None}
        own.setdefault("precision", "fp32")  # of a run that does not say
        if "data_dir" in own:
            own["data_dir"] = Path(str(own["data_dir"]))
        for name in given:
            if name in FIXED and name in own and getattr(settings, name) != own[name]:
                raise UsageError(
                    f"{name_of(self.folder)} was trained with --{name} {own[name]}, and a run that is continued keeps "
                    f"it: leave --{name} out, or begin a new run"
                )
        if "data_dir" in given:  # it may have moved; the files are checked
            own.pop("data_dir", None)
        if self.precision != "auto":
            own["precision"] = self.precision
        try:
            return attrs.evolve(settings, name=None, **own)
        except (TypeError, UserError):
            raise UserError(f"{self.folder / 'run.json'} is damaged: the run cannot go on") from None


def prepare_resumption(text: str, runs_dir: Path, changes: Mapping[str, Value]) -> Resumption:
    """The run that `--resume` means, checked as far as `run.json` tells.

    Args:
        text: a run's name, its folder, or a checkpoint in it.
        runs_dir: where names are looked for.
        changes: hyperparameters that were given expressly.

    Raises:
        UsageError: there is no such run, it is over, or a change cannot be made inside a run.
        ModelFileError: it is a file or folder of something else.
    """
    path = Path(os.path.expanduser(text))
    checkpoint = path.absolute() if os.path.isfile(path) else None
    if checkpoint is not None:
        _check_archive(path)
    folder = checkpoint.parent.parent if checkpoint else find_run(text, runs_dir)
    facts = read_run(folder)
    if not facts:
        what = f"{path} lies in no run's folder" if checkpoint else f"{folder} holds no run: its run.json is missing"
        raise ModelFileError(f"{what}; a model alone can be evaluated, not continued")
    values = facts.get("hyperparameters")
    known = values if isinstance(values, dict) else {}
    for name, value in changes.items():
        if not KNOBS[name].live and value != known.get(name):
            raise UsageError(
                f"{KNOBS[name].label} cannot change inside a run ({name_of(folder)} has {known.get(name)}): "
                f"leave {KNOBS[name].flag} out, or begin a new run"
            )
    if checkpoint is None:
        refuse = _refuse_finished if facts.get("status") == "done" else _refuse_fewer
        refuse(name_of(folder), facts, known, changes)
    live = {name: value for name, value in changes.items() if KNOBS[name].live}
    return Resumption(folder, checkpoint, live, facts)


def _check_archive(path: Path) -> None:
    """Refuse what is no file of `torch.save` at a glance; all of it is checked when it is loaded."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}") from None
    if start != b"PK\x03\x04":
        reason = "it is no file that torch.save writes" if start else "it is empty"
        raise ModelFileError(f"{path} is not a checkpoint of mnist-tui: {reason}")


def _refuse_finished(
    name: str, facts: Mapping[str, Any], known: Mapping[str, Any], changes: Mapping[str, Value]
) -> None:
    finished, planned = facts.get("epochs"), known.get("epochs")
    after = f"after {finished} epoch{'' if finished == 1 else 's'}"
    early = isinstance(finished, int) and isinstance(planned, int) and finished < planned
    if early and not changes:
        raise UsageError(
            f"{name} stopped early, {after} without getting better for long enough: "
            f"go on with --resume {name} --patience 0"
        )
    if not early and _at_most(changes.get("epochs", planned), planned):
        more = f"--epochs {planned + 5}" if isinstance(planned, int) else "--epochs"
        raise UsageError(f"{name} is finished, {after}: give it more with --resume {name} {more}")


def _refuse_fewer(name: str, facts: Mapping[str, Any], known: Mapping[str, Any], changes: Mapping[str, Value]) -> None:
    finished, wanted = facts.get("epochs"), changes.get("epochs")
    if finished and wanted != known.get("epochs") and _at_most(wanted, finished):
        raise UsageError(
            f"{name} has trained {finished} epoch{'' if finished == 1 else 's'}, and --epochs counts them, too: "
            f"go on with --resume {name}, or with a larger number"
        )


def _at_most(wanted: object, most: object) -> bool:
    return isinstance(wanted, int) and isinstance(most, int) and wanted <= most


def check_whole(resumption: Resumption) -> None:
    """Read what a run will go on from, as far as that can be done without torch.

    Raises:
        ModelFileError: it is damaged; the sentence names another one to go on from.
    """
    path = resumption.checkpoint or newest_checkpoint(resumption.folder)
    reason = _damage(path) if path is not None else ""
    if path is not None and reason:
        others = (other for other in other_checkpoints(resumption.folder, path) if not _damage(other))
        whole = next(others, None)
        instead = f"; go on from {whole.name} with: mnist-tui --resume {whole}" if whole is not None else ""
        raise ModelFileError(f"{name_of(resumption.folder)} cannot go on, {path.name} is damaged: {reason}{instead}")


def _damage(path: Path) -> str:
    try:
        return damage_of(path.read_bytes())
    except OSError as error:
        return error.strerror or str(error)


def newest_checkpoint(folder: Path) -> Path | None:
    """What a run goes on from: the last one; where there is none yet, the newest before an edit; None: its start."""
    checkpoints = folder / "checkpoints"
    if (checkpoints / "last.pt").exists():
        return checkpoints / "last.pt"
    edits = sorted(checkpoints.glob("edit-*.pt"))
    return edits[-1] if edits else None


def other_checkpoints(folder: Path, damaged: Path) -> list[Path]:
    """Files to go on from where one is damaged, the newest first."""
    paths = [path for path in (folder / "checkpoints").glob("*.pt") if path != damaged]
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def unlike(facts: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Why a continued run may not be bit for bit the one that never stopped; empty where it is.

    Args:
        facts: `run.json` of the run.
        now: the same keys for this process.
    """
    old, new = facts.get("versions"), now.get("versions")
    pairs = [
        ("device", facts.get("device"), now.get("device")),
        ("threads", facts.get("threads"), now.get("threads")),
        ("precision", facts.get("precision") or "fp32", now.get("precision")),
        ("kernels", facts.get("kernels") or now.get("kernels"), now.get("kernels") or facts.get("kernels")),
        ("processes", facts.get("world_size") or 1, now.get("world_size") or 1),
        ("torch", *(table.get("torch") if isinstance(table, Mapping) else None for table in (old, new))),
    ]
    differing = ", ".join(f"{name} {before} -> {after}" for name, before, after in pairs if before != after)
    return f"it is not bit-exact: {differing}" if differing else ""
