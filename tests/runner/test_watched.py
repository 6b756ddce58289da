"""A run that another process trains, or trained, read from its folder alone."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import attrs
import numpy as np
import pytest

from mnist_tui.core import mailbag
from mnist_tui.core.errors import UsageError
from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    CheckpointSaved,
    Commanded,
    DataLoaded,
    EngineLoaded,
    Evaluated,
    Event,
    HyperparametersApplied,
    Observed,
    Paused,
    RunFinished,
    RunStarted,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.mailbag import Letter
from mnist_tui.core.owner import OWNER_FILE, Owner, claim
from mnist_tui.core.recorder import Recorder
from mnist_tui.runner import Order, watched
from mnist_tui.runner.watched import WatchedRunner
from tests.datafiles import write_idx

PATIENCE = 20.0
START = Hyperparameters()
BEGUN = RunStarted("20260101-120000-mine", "/their/runs/mine", START, "cuda:0", 600, 1000)
TRAINED = BatchesTrained(1, 1, 64, (2.5, 1.0), (8, 16), 128, 0.25, 0.001, 1.5)
EDITED = HyperparametersApplied(3, START, attrs.evolve(START, learning_rate=0.5), 1)
TESTED = Evaluated(2, 1, "test", 0.5, 0.9, np.arange(100, dtype=np.float32).tobytes(), 0.1)
SAVED = CheckpointSaved(2, "last", "/their/runs/mine/checkpoints/last.pt")
DONE = RunFinished("done", 2, 1, 3.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "LOOK_SECONDS", 0.01)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "20260101-120000-mine"
    (folder / "evaluations").mkdir(parents=True)
    return folder


@pytest.fixture
def recorder(folder: Path, tmp_path: Path) -> Recorder:
    write_idx(tmp_path / "data", train=20, test=10)
    facts = {
        "preset": "classic",
        "dataset": "mnist",
        "data_dir": str(tmp_path / "data"),
        "device": "cuda:0",
        "device_name": "H200",
        "threads": 4,
        "versions": {"torch": "2.9.0"},
    }
    return Recorder(folder, facts)


def record(recorder: Recorder, *events: Event) -> None:
    for event in events:
        recorder.record(event)
    recorder.close()
    assert recorder.trouble == ""


class Watcher:
    """A runner with an ear."""

    def __init__(self, folder: Path, notice: str = "") -> None:
        self.runner = WatchedRunner(folder, notice)
        self.heard: list[Event] = []
        self.runner.load()

    def until(self, kind: type[Event], count: int = 1) -> list[Event]:
        """Everything up to now, when there are `count` of `kind`."""
        deadline = time.monotonic() + PATIENCE
        while sum(isinstance(event, kind) for event in self.heard) < count:
            assert time.monotonic() < deadline, self.heard
            self.heard += self.runner.drain()
            time.sleep(0.001)
        return self.heard

    def answer(self, ask: Callable[[], object]) -> str:
        """The sentence that answers a wish."""
        before = sum(isinstance(event, Answered) for event in self.heard)
        ask()
        answers = [event for event in self.until(Answered, before + 1) if isinstance(event, Answered)]
        return answers[-1].message


@contextlib.contextmanager
def watching(folder: Path, notice: str = "") -> Iterator[Watcher]:
    watcher = Watcher(folder, notice)
    try:
        yield watcher
    finally:
        assert watcher.runner.close(PATIENCE)


def test_a_finished_run_is_told_from_its_files(folder: Path, recorder: Recorder) -> None:
    record(recorder, BEGUN, TRAINED, TESTED, SAVED, DONE)
    with watching(folder) as watcher:
        loaded, engine, *told, observed = watcher.until(Observed)
        assert watcher.runner.settings.runs_dir == folder.parent
    assert isinstance(loaded, DataLoaded)
    assert len(loaded.test) == 10
    assert engine == EngineLoaded("cuda:0", "H200", 4, "2.9.0", 0)
    here = attrs.evolve(BEGUN, folder=str(folder))
    saved = attrs.evolve(SAVED, path=str(folder / "checkpoints" / "last.pt"))
    assert told == [here, TRAINED, TESTED, saved, DONE]
    assert observed == Observed("finished")


def test_a_finished_run_is_given_more_epochs(folder: Path, recorder: Recorder) -> None:
    record(recorder, BEGUN)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, "status": "done"}))
    with watching(folder) as watcher:
        assert watcher.until(Observed)[-1] == Observed("finished")
        said = f"mine is finished: mnist-tui --resume {folder} --epochs N gives it more"
        assert watcher.answer(watcher.runner.resume) == said


@pytest.mark.parametrize(("status", "state"), [("stopped", "stopped"), ("failed", "failed"), ("running", "crashed")])
def test_a_run_that_nobody_trains(folder: Path, recorder: Recorder, status: str, state: str) -> None:
    record(recorder, BEGUN)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, "status": status}))
    with watching(folder) as watcher:
        assert watcher.until(Observed)[-1] == Observed(state)  # type: ignore[arg-type]
        for ask in (
            watcher.runner.pause,
            watcher.runner.undo,
            lambda: watcher.runner.edit({"learning_rate": 0.5}),
        ):
            assert watcher.answer(ask) == f"nobody trains mine: resume it with mnist-tui --resume {folder}"
    assert mailbag.waiting(folder) == []


def test_what_happens_is_told_as_it_does_and_wishes_become_commands(folder: Path, recorder: Recorder) -> None:
    record(recorder, BEGUN, TRAINED)
    held = claim(folder)
    with watching(folder, "The newest run.") as watcher:
        runner = watcher.runner
        *_, observed, notice = watcher.until(Answered)
        assert isinstance(observed, Observed)
        assert observed.state == "live"
        assert observed.owner.startswith("process ")
        assert notice == Answered(0, "The newest run.")
        record(recorder, EDITED)
        assert watcher.until(HyperparametersApplied)[-1] == EDITED
        record(recorder, Commanded(7, "pause"), Paused(2))
        watcher.until(Paused)
        runner.edit({"dropout": 0.5})
        for ask in (
            runner.undo,
            runner.recover,
            runner.pause,
            runner.resume,
            runner.step_once,
            runner.request_evaluation,
            runner.request_save,
            runner.request_rate,
            runner.cancel_rate,
        ):
            ask()
        runner.stop_after_epoch(False)
        runner.stop()
        deadline = time.monotonic() + PATIENCE
        while len(mailbag.waiting(folder)) < 12 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert mailbag.waiting(folder) == list(range(8, 20))  # above what was acknowledged
        letters = [mailbag.read(folder, number) for number in mailbag.waiting(folder)]
        assert letters[0] == Letter("edit", {"dropout": 0.5})
        assert letters[-2:] == [Letter("stop_after_epoch", wanted=False), Letter("stop")]
        commands = "edit undo recover pause resume step evaluate save find_rate cancel_rate stop_after_epoch stop"
        assert [letter.command for letter in letters] == commands.split()
        record(recorder, DONE)
        held.release()
        assert watcher.until(Observed, 2)[-1] == Observed("finished")
        assert "mine is finished" in watcher.answer(runner.undo)


def test_what_cannot_be_here_is_one_sentence(folder: Path, recorder: Recorder) -> None:
    record(recorder, BEGUN)
    held = claim(folder)
    with watching(folder) as watcher:
        runner = watcher.runner
        for begin in (runner.start, runner.restart):
            with pytest.raises(UsageError, match="mine is only watched here"):
                begin(Order(hyperparameters=START))
        watcher.until(Observed)
        assert "no preview" in watcher.answer(lambda: runner.request_preview(START))
        assert watcher.answer(lambda: runner.edit({"width": 8})).startswith("width cannot change inside a run")
    assert mailbag.waiting(folder) == []
    held.release()


def test_a_folder_that_cannot_be_written_answers(
    folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(recorder, BEGUN)
    held = claim(folder)
    (folder / "control").write_text("no folder")
    with watching(folder) as watcher:
        watcher.until(Observed)
        assert "nothing can be asked of process" in watcher.answer(watcher.runner.pause)
    held.release()


def test_an_owner_whose_heart_stands_still_is_asked_all_the_same(
    folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_tui.core.owner.STALE_SECONDS", 0.05)
    record(recorder, BEGUN)
    far = Owner("far", "node7", "another boot", 12, 1)
    (folder / OWNER_FILE).write_text(json.dumps(attrs.asdict(far)))
    with watching(folder) as watcher:
        states = [event for event in watcher.until(Observed, 2) if isinstance(event, Observed)]
        assert states == [Observed("live", "process 12 on node7"), Observed("stalled", "process 12 on node7")]
        assert "does not answer" in watcher.answer(watcher.runner.pause)
    assert mailbag.waiting(folder) == [1]


def test_digits_that_are_not_here_are_said_and_the_rest_is_shown(folder: Path) -> None:
    record(Recorder(folder, {"dataset": "kmnist", "data_dir": "/absent/[/place]"}), BEGUN, TRAINED, TESTED)
    with watching(folder) as watcher:
        events = watcher.until(Answered)
    assert not any(isinstance(event, DataLoaded) for event in events)
    assert TRAINED in events
    assert attrs.evolve(TESTED, logits=b"") in events
    (said,) = [event.message for event in events if isinstance(event, Answered)]
    assert said.startswith("the test digits of this run are not here, and are not shown: ")


def test_predictions_of_other_digits_are_not_shown(folder: Path, recorder: Recorder, tmp_path: Path) -> None:
    record(recorder, BEGUN, TESTED)
    write_idx(tmp_path / "data", train=20, test=11)
    with watching(folder) as watcher:
        events = watcher.until(Answered)
    assert attrs.evolve(TESTED, logits=b"") in events
    assert "the test digits here are others than this run's" in str(events[-1])


def test_what_fails_in_the_thread_is_told(folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise RuntimeError("it [/broke]")

    monkeypatch.setattr(watched, "read_owner", fail)
    with watching(folder) as watcher:
        assert watcher.until(Answered)[-1] == Answered(0, "mine is read no more: RuntimeError: it [/broke]")


FACTS: list[Any] = [
    None,
    [],
    {"preset": [], "dataset": {}, "data_dir": 3, "device": 1, "threads": "x", "versions": 3, "status": []},
    {"preset": "absent", "dataset": "absent", "data_dir": "a\0b", "versions": {"torch": 3}, "status": "lost"},
]


@pytest.mark.parametrize("facts", FACTS, ids=["none", "list", "types", "values"])
def test_hostile_facts_are_no_traceback(folder: Path, facts: Any) -> None:
    if facts is not None:
        (folder / "run.json").write_text(json.dumps(facts))
    (folder / "metrics.jsonl").write_bytes(b'{"event":"BatchesTrained"}\n\xff\n{"event":"Paused","step":-1}\n{"eve')
    with watching(folder) as watcher:
        assert watcher.until(Observed)[-1] == Observed("crashed")
        assert Paused(-1) in watcher.heard


def test_a_long_history_comes_in_parts(folder: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "AT_ONCE", 4)
    record(recorder, BEGUN, *(attrs.evolve(TRAINED, first_step=1 + 2 * n, epoch=1 + n % 2) for n in range(6)), DONE)
    with watching(folder) as watcher:
        parts: list[list[Event]] = []
        while not any(isinstance(event, Observed) for part in parts for event in part):
            parts.append(watcher.runner.drain())
    sizes = [sum(len(event.losses) for event in part if isinstance(event, BatchesTrained)) for part in parts]
    assert sum(sizes) == 12
    assert max(sizes) == 4


def test_a_runner_that_never_read_closes_at_once(folder: Path) -> None:
    runner = WatchedRunner(folder)
    assert runner.drain() == []
    assert runner.close(0)
