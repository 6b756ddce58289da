"""A run's folder read back as the events that were written into it, as often as there is more.

Nothing here trusts the files: a torn, foreign or impossible line is passed over, and counted.
"""

from __future__ import annotations

import functools
import json
import math
import typing
from collections.abc import Hashable, Iterable
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union

import attrs

from mnist_tui.core import events
from mnist_tui.core.errors import UsageError
from mnist_tui.core.events import (
    BatchesTrained,
    BatchInspected,
    CheckpointSaved,
    Evaluated,
    Event,
    HyperparametersApplied,
    Rewound,
    RunContinued,
    RunStarted,
)
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters, with_changes
from mnist_tui.core.recorder import batch_path, evaluation_path

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in typing.get_args(Event)}
del _KINDS["Recalled"]
_CHUNK = 4 << 20  # bytes read at once: what a GPU writes in an hour is not held in memory twice
FILLED = 60  # evaluations, 0.4 MB and about a millisecond each: what a digit's history is made of


class Replay:
    """Reads `metrics.jsonl` of a run from where the last look ended.

    Args:
        folder: the run's.
        start: where the first look begins, in bytes; a line's beginning.

    Attributes:
        damaged: lines so far that were no events.
    """

    def __init__(self, folder: Path, start: int = 0) -> None:
        self.folder = folder
        self.damaged = 0
        self._offset = start
        self._rest = b""
        self._in_force = Hyperparameters()

    def read(self, *, arrays: bool = True) -> list[Event]:
        """The events since the last look; nothing where the file is gone.

        Args:
            arrays: fill in the logits of the newest test evaluations and the images of the newest inspected batch; all
                others are empty, since a run may have thousands.
        """
        found: list[Event] = []
        try:
            with open(self.folder / "metrics.jsonl", "rb") as file:
                file.seek(self._offset)
                while data := file.read(_CHUNK):
                    self._offset += len(data)
                    lines = (self._rest + data).split(b"\n")
                    self._rest = lines.pop()
                    found += self._events(lines)
        except (OSError, ValueError):  # not there yet, or not any more, or begun at an impossible place
            pass
        return self._filled(found) if arrays else found

    def _events(self, lines: list[bytes]) -> list[Event]:
        found: list[Event] = []
        for line in lines:
            if not line:
                continue
            try:
                event = self._as_event(json.loads(line))
            except (ValueError, TypeError, KeyError, ArithmeticError, UsageError, RecursionError):
                self.damaged += 1
                continue
            if event is not None:
                found.append(event)
        return found

    def _as_event(self, record: Any) -> Event | None:
        """The event that a line was; None for a kind that this version does not know."""
        values = dict(record)
        kind = _KINDS.get(values.pop("event"))
        if kind is None:
            return None
        if kind is HyperparametersApplied:
            old, changes = self._in_force, values.pop("changes")
            if not isinstance(changes, dict):
                raise TypeError("no changes")
            new = with_changes(old, {name: value for name, (_, value) in changes.items()})
            values.update(old=old, new=new)
        elif kind is Evaluated:
            values["logits"] = b""
        elif kind is BatchInspected:
            values["images"] = b""
        event: Event = _built(kind, values)
        if isinstance(event, (RunStarted, RunContinued, Rewound)):
            self._in_force = event.hyperparameters
        elif isinstance(event, HyperparametersApplied):
            self._in_force = event.new
        return event

    def _filled(self, found: list[Event]) -> list[Event]:
        evaluated, batch = 0, False
        for index in range(len(found) - 1, -1, -1):
            event = found[index]
            if isinstance(event, Evaluated) and event.split == "test" and evaluated < FILLED:
                evaluated += 1
                found[index] = attrs.evolve(event, logits=read_logits(self.folder, event))
            elif isinstance(event, BatchInspected) and not batch:
                batch = True
                found[index] = attrs.evolve(event, images=_read_images(self.folder, event))
        return found


def in_force(events: Iterable[Event]) -> list[Event]:
    """`events` without the batches and evaluations that a way back has taken away, and without the ways back."""
    kept: list[Event] = []
    for event in events:
        if isinstance(event, Rewound):
            kept = [left for old in kept if (left := _until(old, event.to_step)) is not None]
        else:
            kept.append(event)
    return kept


def _until(event: Event, step: int) -> Event | None:
    """`event` as far as it is about batches up to `step`; None where nothing of it is left."""
    if isinstance(event, Evaluated):
        return event if event.step <= step else None
    if not isinstance(event, BatchesTrained) or event.last_step <= step:
        return event
    count = step - event.first_step + 1
    return attrs.evolve(event, losses=event.losses[:count], correct=event.correct[:count]) if count > 0 else None


def as_here(event: Event, folder: Path) -> Event:
    """`event` with the run's name and paths as they are now: folders are renamed and moved."""
    match event:
        case RunStarted() | RunContinued():
            return attrs.evolve(event, run=folder.absolute().name, folder=str(folder))
        case CheckpointSaved():
            return attrs.evolve(event, path=str(folder / "checkpoints" / Path(event.path).name))
        case _:
            return event


def read_logits(folder: Path, event: Evaluated) -> bytes:
    """The logits of an evaluation, n x 10 float32; empty where their file is missing or damaged."""
    from mnist_tui.core.predictions import unpack_evaluation

    try:
        return unpack_evaluation(evaluation_path(folder, event).read_bytes())
    except (OSError, ValueError):
        return b""


def _read_images(folder: Path, event: BatchInspected) -> bytes:
    try:
        images = batch_path(folder, event).read_bytes()
    except OSError:
        images = b""
    return images if len(images) == 784 * len(event.labels) else bytes(784 * len(event.labels))


@functools.cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind, vars(events))


def _built(kind: type[Any], values: dict[str, Any]) -> Any:
    """An instance of `kind`; every field is what its type says, or a `TypeError` or `ValueError` is raised."""
    hints = _hints(typing.cast(Hashable, kind))
    return kind(**{name: _fit(values[name], hints[name]) for name in values if name in hints})


def _fit(value: Any, kind: Any) -> Any:
    """`value`, which came from JSON, as `kind`; null is a number that is not finite."""
    if kind is float:
        if value is None:
            return math.nan
        if type(value) in (int, float):
            return float(value)
    elif kind in (int, str, bool, bytes):
        if type(value) is kind:
            return value
    elif kind is Hyperparameters:
        if isinstance(value, Hyperparameters):
            return value
        return Hyperparameters(**{name: value[name] for name in KNOBS if name in value})
    else:
        return _fit_composed(value, kind)
    raise TypeError(f"{value!r:.40} is no {kind.__name__}")


def _fit_composed(value: Any, kind: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and isinstance(value, list):
        inner = arguments[0]
        if inner is float and all(type(item) is float for item in value):  # a line may hold hundreds
            return tuple(value)
        return tuple(_fit(item, inner) for item in value)
    if origin is Literal and value in arguments:
        return value
    if origin in (Union, UnionType):
        if value is None and type(None) in arguments:
            return None
        return _fit(value, next(argument for argument in arguments if argument is not type(None)))
    if attrs.has(kind) and isinstance(value, dict):
        return _built(kind, value)
    raise TypeError(f"{value!r:.40} is not what it should be")
