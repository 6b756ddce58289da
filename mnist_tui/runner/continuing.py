"""A run taken up again: its record, its checkpoint, and what has to be said about both."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from mnist_tui.core.digest import Digest
from mnist_tui.core.errors import ModelFileError
from mnist_tui.core.events import BatchesTrained, Event, HyperparametersApplied, Rewound, RunContinued, RunStarted
from mnist_tui.core.files import remove_leftovers
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.replay import Replay, as_here
from mnist_tui.core.resuming import Resumption, newest_checkpoint, other_checkpoints, unlike
from mnist_tui.core.runs import name_of
from mnist_tui.core.tally import Tally
from mnist_tui.loading import Bench, machine_facts

if TYPE_CHECKING:
    from mnist_tui.engine.trainer import Trainer

MOST_READ_TWICE = 1 << 20
"""Bytes of a record that is read ahead as well: thirty epochs and 0.2 s."""

MakeTrainer: TypeAlias = Callable[[Hyperparameters, Path, Mapping[str, Any], Bench], "Trainer"]


@attrs.frozen
class TakenUp:
    """A run that is ready to go on.

    Attributes:
        trainer: at the checkpoint.
        past: what was recorded so far.
        news: what is to be told and recorded before the next batch.
        save: what it goes on from is not its last checkpoint, which another kill would bring back.
        facts, changes: for `run.json`.
    """

    trainer: Trainer
    past: tuple[Event, ...]
    news: list[Event]
    save: bool
    facts: dict[str, Any]
    changes: list[dict[str, Any]]


def recorded(folder: Path) -> tuple[Event, ...]:
    """What charts show of the run in `folder`; nothing where that is long, or where its beginning is lost."""
    try:
        short = os.path.getsize(folder / "metrics.jsonl") <= MOST_READ_TWICE
    except OSError:
        short = False
    past = tuple(Digest().take(Replay(folder).read(arrays=False))) if short else ()
    return past if past and isinstance(past[0], RunStarted) else ()


def take_up(resumption: Resumption, bench: Bench, make: MakeTrainer) -> TakenUp:
    """Read and check everything of a run that is ours; but for leftovers, nothing in its folder is changed.

    Raises:
        UserError: its checkpoint is damaged or of other data; the sentence names another one to go on from.
    """
    folder, started_with = resumption.folder, resumption.started_with
    remove_leftovers(folder)
    remove_leftovers(folder / "checkpoints")
    past = [as_here(event, folder) for event in Digest().take(Replay(folder).read())]
    path = resumption.checkpoint or newest_checkpoint(folder)
    here = machine_facts(bench, started_with)
    facts = _facts(resumption, here)
    tally = Tally()
    for event in past:
        tally.apply(event)
    tally.paused = False  # whatever it did when it ended
    facts["figures"] = tally.as_values()  # after a kill, those in the file are old
    if path is None:
        trainer = make(started_with, folder, facts, bench)
    else:
        from mnist_tui.engine.restoring import read_state

        try:
            saved = read_state(path, len(bench.splits.train))
        except ModelFileError as error:
            raise _with_a_way_out(error, folder, path) from None
        if saved.content.get("dataset", bench.source.name) != bench.source.name:
            raise ModelFileError(f"{path} was trained on {saved.content['dataset']}, this run on {bench.source.name}")
        trainer = make(saved.hyperparameters, folder, facts, bench)
        trainer.continue_from(saved)
    place, notice = trainer.place, unlike(resumption.facts, here)
    size, parameters = len(bench.splits.train), trainer.model.parameter_count
    news: list[Event] = [
        RunContinued(
            folder.name, str(folder), place.step, trainer.hyperparameters, bench.device.label, size, parameters, notice
        )
    ]
    step, branch, newest = _position(past)
    behind = place.branch != branch or place.step < step
    if behind or _in_force(past, started_with) != trainer.hyperparameters:
        place.branch = newest + 1
        news.append(place.told_from(step, 0, trainer.hyperparameters))
    trainer.recall(started_with, [*past, *news[1:]])
    changes = resumption.facts.get("changes")
    save = path is None or path.name != "last.pt"
    return TakenUp(trainer, tuple(past), news, save, facts, list(changes) if isinstance(changes, list) else [])


def _in_force(past: Sequence[Event], started_with: Hyperparameters) -> Hyperparameters:
    """The hyperparameters that the record ends with; an edit just before a kill is in no checkpoint."""
    found = started_with
    for event in past:
        if isinstance(event, HyperparametersApplied):
            found = event.new
        elif isinstance(event, (Rewound, RunContinued)):
            found = event.hyperparameters
    return found


def _position(past: Sequence[Event]) -> tuple[int, int, int]:
    """The newest batch in force, its branch, and the highest number of a branch."""
    step = branch = newest = 0
    for event in past:
        if isinstance(event, BatchesTrained):
            step = event.last_step
        elif isinstance(event, Rewound):
            step, branch, newest = event.to_step, event.branch, max(newest, event.branch)
    return step, branch, newest


def _facts(resumption: Resumption, here: Mapping[str, Any]) -> dict[str, Any]:
    """`run.json` from now on: what it was, where it goes on, and when."""
    old = resumption.facts
    facts = {name: value for name, value in old.items() if name not in {"status", "changes", "error", "reason"}}
    before = old.get("continued")
    now = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **here}
    facts.update(here, run=resumption.folder.name, name=name_of(resumption.folder))
    facts["continued"] = [*(before if isinstance(before, list) else []), now]
    for name in ("dataset", "data_dir", "preset"):
        facts.setdefault(name, None)
    return facts


def _with_a_way_out(error: ModelFileError, folder: Path, damaged: Path) -> ModelFileError:
    """The sentence about a damaged checkpoint, and the newest other one that is whole."""
    from mnist_tui.engine.restoring import read_state

    for path in other_checkpoints(folder, damaged):
        try:
            step = read_state(path).place.step
        except ModelFileError:
            continue
        return ModelFileError(f"{error}; {path.name} is whole, go on from step {step} with: mnist-tui --resume {path}")
    return error
