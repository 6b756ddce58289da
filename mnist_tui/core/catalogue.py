"""Every run of a folder, from its files alone, as rows of a table; looking again costs little."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from mnist_tui.core.events import RunState
from mnist_tui.core.hyperparameters import KNOBS
from mnist_tui.core.knob import Value
from mnist_tui.core.notes import NOTES_FILE, printable, read_notes
from mnist_tui.core.owner import ENDED, Owner, Pulses, read_owner, runs_here, state_of
from mnist_tui.core.replay import Replay
from mnist_tui.core.runs import name_of, run_folders
from mnist_tui.core.tally import Tally

OBSERVED_SECONDS = 1.5  # three heartbeats: how long a single look watches the owners on other machines
_LOOK_SECONDS = 0.1

EntryState: TypeAlias = RunState | Literal["damaged"]


@attrs.frozen(kw_only=True)
class RunEntry:
    """One run as its files tell it; every text is printable.

    Attributes:
        folder: where it is; `run` is its last part, `name` that without the date.
        state: a run that waits is live too; `damaged` where its `run.json` cannot be read.
        owner: the process that trains it, in words, or empty.
        problem: why it failed or is damaged, one sentence, or empty.
        tally: how far it is, and how well.
        epochs_planned: None where that is not known.
        started: as in `run.json`, ISO 8601; empty where unknown.
        hyperparameters: in force at its end so far; those that are known here.
        facts: all of `run.json`, as it was read.
    """

    folder: Path
    run: str
    name: str
    state: EntryState
    owner: str = ""
    problem: str = ""
    tally: Tally = attrs.field(factory=Tally)
    epochs_planned: int | None = None
    started: str = ""
    dataset: str = ""
    preset: str = ""
    device: str = ""
    notes: str = ""
    hyperparameters: Mapping[str, Value] = attrs.field(factory=dict)
    facts: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def paused(self) -> bool:
        """Whether it waits, and its owner lives."""
        return self.state == "live" and self.tally.paused

    @property
    def state_in_words(self) -> str:
        """Its state, and `paused` where it lives and waits."""
        return "paused" if self.paused else self.state

    def as_json(self) -> dict[str, Any]:
        """The run as plain values: an entry of `runs --json`."""
        tally = self.tally
        return {
            "run": self.run,
            "name": self.name,
            "state": self.state,
            "paused": self.paused,
            "steps": tally.step,
            "epochs": tally.epochs,
            "epochs_planned": self.epochs_planned,
            "test_accuracy": tally.test_accuracy,
            "best_test_accuracy": tally.best_test_accuracy,
            "test_loss": tally.test_loss,
            "loss": tally.loss,
            "started": self.started,
            "seconds": tally.seconds,
            "dataset": self.dataset,
            "preset": self.preset,
            "device": self.device,
            "folder": str(self.folder),
            "hyperparameters": dict(self.hyperparameters),
            "owner": self.owner,
            "notes": self.notes,
            "problem": self.problem,
        }


@attrs.define
class _Known:
    """What the last look at a run read, and the sizes and times of the files then."""

    stamps: tuple[object, ...]
    entry: RunEntry
    replay: Replay | None = None
    metrics: object = None


class Catalogue:
    """The runs below `runs_dir`.

    Args:
        runs_dir: where they are looked for.
        folders: these runs alone, wherever they lie; None for all below `runs_dir`.
        pulses: how their owners' lives are told.

    A look costs three `stat` a run, and the reading of what changed: `run.json`, and of a run that has not ended the
    part of `metrics.jsonl` that `run.json` does not sum up.
    """

    def __init__(self, runs_dir: Path, folders: Sequence[Path] | None = None, pulses: Pulses | None = None) -> None:
        self.runs_dir = runs_dir
        self._folders = folders
        self._pulses = pulses or Pulses()
        self._known: dict[Path, _Known] = {}

    def look(self) -> list[RunEntry]:
        """Every run as it is now, the newest first, or in the order of `folders`."""
        folders = run_folders(self.runs_dir)[::-1] if self._folders is None else self._folders
        self._known = {folder: self._known[folder] for folder in folders if folder in self._known}
        return [self._entry(folder) for folder in folders]

    def look_once(self, wait: Callable[[float], object] = time.sleep) -> list[RunEntry]:
        """As `look`, for somebody who looks only once.

        Owners on other machines are watched for a beat of the heart, all at the same time and at most for
        `OBSERVED_SECONDS`; those that show none are stalled.
        """
        still = {entry.folder for entry in self.look() if entry.state == "live" and self._is_elsewhere(entry.folder)}
        for _ in range(round(OBSERVED_SECONDS / _LOOK_SECONDS)):
            if not still:
                break
            wait(_LOOK_SECONDS)
            still = {folder for folder in still if not self._beats(folder)}
        return [
            attrs.evolve(entry, state="stalled") if entry.state == "live" and entry.folder in still else entry
            for entry in self.look()
        ]

    def _is_elsewhere(self, folder: Path) -> bool:
        owner = read_owner(folder)
        if owner is None or runs_here(owner):
            return False
        self._pulses.seen_beating(owner)
        return True

    def _beats(self, folder: Path) -> bool:
        owner = read_owner(folder)
        return owner is not None and self._pulses.seen_beating(owner)

    def _entry(self, folder: Path) -> RunEntry:
        stamps = (_stamp(folder / "run.json"), _stamp(folder / NOTES_FILE))
        known = self._known.get(folder)
        if known is None or known.stamps != stamps:
            known = self._known[folder] = _read(folder, stamps)
        entry = known.entry
        if known.replay is not None:
            metrics = _stamp(folder / "metrics.jsonl")
            if metrics != known.metrics:
                known.metrics = metrics
                for event in known.replay.read(arrays=False):
                    entry.tally.apply(event)
        if entry.state != "live":
            return entry
        owner: Owner | None = read_owner(folder)
        state = state_of(entry.facts.get("status"), self._pulses.judge(owner))
        words = printable(owner.words) if owner is not None else ""
        return attrs.evolve(entry, state=state, owner=words, tally=attrs.evolve(entry.tally))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _read(folder: Path, stamps: tuple[object, ...]) -> _Known:
    """A run's files anew; one that has not ended is `live` until its owner is looked at."""
    entry = RunEntry(
        folder=folder,
        run=printable(folder.name),
        name=printable(name_of(folder)),
        state="damaged",
        notes=read_notes(folder),
    )
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _Known(stamps, attrs.evolve(entry, problem="it has no run.json"))
    except OSError as error:
        return _Known(stamps, attrs.evolve(entry, problem=f"run.json cannot be read: {error.strerror or error}"))
    except (ValueError, RecursionError):
        facts = None
    status = facts.get("status") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or not isinstance(status, str) or status not in {*ENDED, "running"}:
        return _Known(stamps, attrs.evolve(entry, problem="its run.json is damaged"))
    ended = ENDED.get(status)
    hyperparameters = known_values(facts.get("hyperparameters"))
    planned = hyperparameters.get("epochs")
    tally = Tally.from_values(facts.get("figures"))
    entry = attrs.evolve(
        entry,
        state=ended or "live",
        problem=_word(facts, "error"),
        epochs_planned=planned if isinstance(planned, int) else None,
        started=_word(facts, "started"),
        dataset=_word(facts, "dataset"),
        preset=_word(facts, "preset"),
        device=_word(facts, "device"),
        hyperparameters=hyperparameters,
        tally=tally or Tally(),
        facts=facts,
    )
    replay = Replay(folder, tally.bytes if tally else 0) if ended is None or tally is None else None
    return _Known(stamps, entry, replay)


def _word(facts: dict[str, Any], name: str) -> str:
    value = facts.get(name)
    return printable(value) if isinstance(value, str) else ""


def known_values(values: object) -> dict[str, Value]:
    """The hyperparameters among `values` that are legal here, in the order of their declaration."""
    if not isinstance(values, dict):
        return {}
    return {name: values[name] for name, knob in KNOBS.items() if name in values and knob.is_legal(values[name])}
