"""Run folders as a training leaves them, written by the recorder from made-up events, the same on every machine."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import attrs

from mnist_tui.core.events import (
    BatchesTrained,
    EpochFinished,
    Evaluated,
    Event,
    RunFinished,
    RunStarted,
    Status,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.owner import OWNER_FILE, Owner, claim, read_owner
from mnist_tui.core.recorder import Recorder

STEPS = 60
"""Batches an epoch of a recorded run."""


def facts_of(folder: Path, name: str, hyperparameters: Hyperparameters, **more: Any) -> dict[str, Any]:
    return {
        "run": folder.name,
        "name": name,
        "preset": "classic",
        "dataset": "mnist",
        "data": "bundled with mnist-tui",
        "data_dir": None,
        "validation": 0,
        "device": "cpu",
        "device_name": "",
        "threads": 2,
        "precision": "fp32",
        "versions": {"mnist_tui": "0.1.0", "torch": "2.15.0", "python": "3.11.7"},
        "started": "2026-01-02T03:04:05+0000",
        "hyperparameters": attrs.asdict(hyperparameters),
        **more,
    }


def epoch_of(epoch: int, skill: float, logits: bytes = b"") -> list[Event]:
    """One epoch: batches whose loss falls the faster the greater `skill`, and the evaluation after it."""
    first = (epoch - 1) * STEPS + 1
    events: list[Event] = []
    for start in range(first, first + STEPS, 10):
        losses = tuple(2.3 * math.exp(-skill * step / 40) + 0.02 for step in range(start, start + 10))
        hits = (60,) * 10
        events.append(BatchesTrained(start, epoch, 64, losses, hits, 64 * (start + 9), 0.5))
    step = epoch * STEPS
    accuracy = 1 - 0.1 * math.exp(-skill * epoch / 2) - 0.008
    events.append(EpochFinished(epoch, step, 3.0))
    events.append(Evaluated(step, epoch, "test", 3 * (1 - accuracy), accuracy, logits, 0.5))
    return events


def record_run(
    runs_dir: Path,
    name: str,
    *,
    stamp: str = "20260102-030405",
    hyperparameters: Hyperparameters = Hyperparameters(epochs=4),
    epochs: int = 4,
    skill: float = 1.0,
    status: Status | None = "done",
    logits: bytes = b"",
    events: tuple[Event, ...] = (),
    **facts: Any,
) -> Path:
    """A run of so many epochs; without a `status` it was never ended."""
    folder = runs_dir / f"{stamp}-{name}"
    for place in ("evaluations", "checkpoints"):
        (folder / place).mkdir(parents=True)
    recorder = Recorder(folder, facts_of(folder, name, hyperparameters, **facts))
    recorder.record(RunStarted(folder.name, str(folder), hyperparameters, "cpu", 64 * STEPS, 1000))
    for epoch in range(1, epochs + 1):
        for event in epoch_of(epoch, skill, logits):
            recorder.record(event)
    for event in events:
        recorder.record(event)
    if status is not None:
        recorder.record(RunFinished(status, epochs * STEPS, epochs, 3.5 * epochs))
    recorder.close()
    assert recorder.trouble == ""
    return folder


def own(folder: Path) -> Owner:
    """Make this process the owner of a run."""
    claim(folder)
    owner = read_owner(folder)
    assert owner is not None
    assert owner.pid == os.getpid()
    return owner


def own_elsewhere(folder: Path, beat: int = 3) -> None:
    """Make a process of another machine the owner of a run."""
    owner = Owner(f"token of {folder.name}", "node7", "another boot", 12, 1, beat)
    (folder / OWNER_FILE).write_text(json.dumps(attrs.asdict(owner)), encoding="ascii")


def wall_of_runs(runs_dir: Path) -> list[Path]:
    """Runs in every state there is, the oldest first."""
    narrow = Hyperparameters(epochs=4, learning_rate=0.01, width=8, optimizer="sgd")
    runs = [
        record_run(runs_dir, "classic", stamp="20260101-080000"),
        record_run(
            runs_dir,
            "narrow-sgd",
            stamp="20260101-091500",
            hyperparameters=narrow,
            skill=0.4,
            started="2026-01-01T09:15",
        ),
        record_run(runs_dir, "crashed", stamp="20260101-103000", epochs=2, status=None, skill=0.8),
        record_run(runs_dir, "stopped", stamp="20260102-070000", epochs=1, status="stopped", device="cuda:0"),
    ]
    (runs_dir / "20260102-080000-empty").mkdir()
    live = record_run(
        runs_dir,
        "live",
        stamp="20260103-120000",
        hyperparameters=Hyperparameters(epochs=10, learning_rate=0.002, dropout=0.25),
        epochs=3,
        status=None,
        skill=1.6,
        started="2026-01-03T12:00:00+0000",
    )
    own_elsewhere(live)
    (runs[1] / "notes.txt").write_text("too narrow, but a quarter of the time")
    return [*runs, runs_dir / "20260102-080000-empty", live]
