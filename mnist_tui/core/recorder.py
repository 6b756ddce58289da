"""What is written into a run's folder while the run goes on: facts are appended, nothing is rewritten."""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import attrs

from mnist_tui.core.errors import UserError
from mnist_tui.core.events import (
    BatchesTrained,
    BatchInspected,
    BatchTimed,
    CheckpointSaved,
    DataLoaded,
    DownloadProgressed,
    EngineLoaded,
    Evaluated,
    EvaluationBegan,
    Event,
    HyperparametersApplied,
    Observed,
    Previewed,
    RatesTried,
    Recalled,
    Rewound,
    RunContinued,
    RunFailed,
    RunFinished,
)
from mnist_tui.core.files import write_atomically
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters, differences
from mnist_tui.core.tally import Tally

_PASSING = (
    BatchTimed,
    DataLoaded,
    DownloadProgressed,
    EngineLoaded,
    EvaluationBegan,
    Observed,
    Previewed,
    RatesTried,
    Recalled,
)
"""Events that are no facts about the run."""
_ELSEWHERE = {"logits", "images", "weights"}  # arrays have files of their own
_BACKLOG = 20_000  # lines that a full disk may keep waiting: half an hour of training
_HELD_SECONDS = 1.0  # how often a key that is held rewrites `run.json`


def as_record(event: Event) -> dict[str, Any]:
    """One line of `metrics.jsonl`: the event's name and plain values; logits live in `evaluations/` instead."""
    match event:
        case HyperparametersApplied():
            changed = differences(event.old, event.new)
            values: dict[str, Any] = {
                "step": event.step,
                "changes": {name: [old, new] for name, (old, new) in changed.items()},
                "edit": event.edit,
                "undoable": event.undoable,
            }
        case Evaluated() | BatchInspected():
            values = attrs.asdict(event, filter=lambda field, _: field.name not in _ELSEWHERE)
        case BatchesTrained():
            values = attrs.asdict(event, recurse=False)  # ten a second, and flat
        case _:
            values = attrs.asdict(event)
    return {"event": type(event).__name__, **values}


def evaluation_path(folder: Path, event: Evaluated) -> Path:
    """Where the logits of an evaluation lie."""
    name = f"step-{event.step:08d}"
    name += f"-branch-{event.branch}" if event.branch else ""
    name += "" if event.split == "test" else f"-{event.split}"
    return folder / "evaluations" / f"{name}.npz"


def batch_path(folder: Path, event: BatchInspected) -> Path:
    """Where the images of an inspected batch lie, 784 bytes each; of two branches, the newer one's."""
    return folder / "batches" / f"step-{event.step:08d}.bin"


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


def _is_torn(path: Path) -> bool:
    """Whether the last line has no end, as a kill or a full disk leaves it."""
    try:
        with open(path, "rb") as file:
            file.seek(-1, 2)
            return file.read(1) != b"\n"
    except OSError:  # none there, or empty
        return False


def append_log(folder: Path, text: str) -> None:
    """Append to the `log.txt` of the run in `folder`.

    Raises:
        OSError: it could not be written.
    """
    with open(folder / "log.txt", "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text.rstrip()}\n")


def write_run(folder: Path, content: dict[str, Any]) -> None:
    """Write `run.json`, whole; numbers not finite become null.

    Raises:
        OSError: it could not be written; the file is then as it was.
    """
    write_atomically(folder / "run.json", (json.dumps(_finite(content), indent=2) + "\n").encode())


class Recorder:
    """Writes a run's events to its folder: `metrics.jsonl` by appending, `run.json` and evaluations whole.

    A disk that fails never stops the training: the failure is kept in `trouble` and the next event tries again.

    Args:
        folder: the run's.
        facts: what `run.json` says from the beginning.
        changes: the edits of the run so far, where it is continued.

    Raises:
        UserError: not even the first file can be written.
    """

    def __init__(self, folder: Path, facts: dict[str, Any], changes: Sequence[dict[str, Any]] = ()) -> None:
        self.folder = folder
        self.trouble = ""
        self._facts = facts
        self._changes: list[dict[str, Any]] = list(changes)
        self._tally = Tally.from_values(facts.get("figures")) or Tally()
        self._metrics: IO[bytes] | None = None
        self._backlog: deque[str] = deque(maxlen=_BACKLOG)
        self._late = False
        self._written = 0.0
        try:
            self._write_run("running")
        except OSError as error:
            raise UserError(
                f"cannot write to {folder}: {error.strerror or error}; choose another place with --runs-dir"
            ) from None

    def record(self, event: Event) -> None:
        """Append `event`; on the events that change what the run is, rewrite `run.json` too."""
        if isinstance(event, _PASSING):
            return
        self._tally.apply(event)
        self._backlog.append(to_json(as_record(event)) + "\n")
        try:
            if isinstance(event, Evaluated):  # before its line: who reads that finds the file
                self._write_evaluation(event)
            elif isinstance(event, BatchInspected):
                self._write_batch(event)
            self._append()
            match event:
                case HyperparametersApplied():
                    self._note_edit(event)
                case RunContinued():
                    self._note_values(event.hyperparameters)
                    self._write_run("running")
                case Rewound():
                    self._changes.append(as_record(event))
                    self._note_values(event.hyperparameters)
                    self._write_run("running")
                case CheckpointSaved(kind="last"):
                    self._force()  # the record must not be behind a checkpoint, should the power fail
                case Evaluated(split="test"):
                    self._write_run("running")
                case RunFinished():
                    self._write_run(
                        event.status, step=event.step, epochs=event.epochs, seconds=event.seconds, reason=event.reason
                    )
                case RunFailed():
                    append_log(self.folder, f"{event.message}\n{event.details}")
                    self._write_run("failed", error=event.message)
                case _ if self._late and time.monotonic() - self._written >= _HELD_SECONDS:
                    self._write_run("running")
            self.trouble = ""
        except OSError as error:
            self._metrics = None
            self.trouble = f"cannot write to {self.folder}: {error.strerror or error}; training goes on"

    def _note_edit(self, event: HyperparametersApplied) -> None:
        """Add an edit to the changes; where a held key goes on with one, that entry grows instead."""
        record = as_record(event)
        last = self._changes[-1] if self._changes else {}
        held = event.edit > 0 and last.get("edit") == event.edit and "changes" in last
        if held:
            for name, (old, new) in record["changes"].items():
                last["changes"][name] = [last["changes"].get(name, [old])[0], new]
        else:
            self._changes.append(record)
        self._note_values(event.new)
        if held and time.monotonic() - self._written < _HELD_SECONDS:
            self._late = True
        else:
            self._write_run("running")

    def _note_values(self, hyperparameters: Hyperparameters) -> None:
        self._facts["hyperparameters"] = {name: getattr(hyperparameters, name) for name in KNOBS}

    def _force(self) -> None:
        if self._metrics is not None:
            os.fsync(self._metrics.fileno())

    def close(self) -> None:
        """Close the metrics file."""
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None

    def _append(self) -> None:
        """Write the lines that wait; one that a full disk cut off is written again, whole."""
        if self._metrics is None:
            path = self.folder / "metrics.jsonl"
            torn = _is_torn(path)
            # A buffer would write what failed once more when it is closed.
            self._metrics = open(path, "ab", buffering=0)
            if torn:
                self._metrics.write(b"\n")
        while self._backlog:
            rest = self._backlog[0].encode("ascii")
            while rest:
                rest = rest[self._metrics.write(rest) or 0 :]
            self._backlog.popleft()

    def _write_evaluation(self, event: Evaluated) -> None:
        from mnist_tui.core.predictions import pack_evaluation  # numpy: 0.1 s, and only a training run needs it

        write_atomically(evaluation_path(self.folder, event), pack_evaluation(event))

    def _write_batch(self, event: BatchInspected) -> None:
        path = batch_path(self.folder, event)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, event.images)

    def _write_run(self, status: str, **more: Any) -> None:
        content = {**self._facts, "status": status, "changes": self._changes, **more}
        if self._metrics is not None:
            self._tally.bytes = os.fstat(self._metrics.fileno()).st_size
            content["figures"] = self._tally.as_values()
        write_run(self.folder, content)
        self._late, self._written = False, time.monotonic()
