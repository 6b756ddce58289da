"""A training that outlives its terminal, watched and steered from others."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_tui.core.events import (
    BatchesTrained,
    Commanded,
    Event,
    HyperparametersApplied,
    Observed,
    Paused,
    Resumed,
    Rewound,
    RunFinished,
)
from mnist_tui.core.owner import read_owner
from mnist_tui.core.runs import read_run
from mnist_tui.runner.watched import WatchedRunner
from tests.datafiles import write_idx
from tests.e2e.terminal import Terminal
from tests.e2e.test_program import assert_saved, only_run, trained_some

PATIENCE = 30.0


@pytest.fixture
def flags(tmp_path: Path) -> list[str]:
    """A small run that never ends by itself."""
    write_idx(tmp_path / "data", train=400, test=100)
    small = ["--width", "2", "--hidden-units", "8", "--batch-size", "32", "--epochs", "10000", "--name", "mine"]
    return ["--data-dir", str(tmp_path / "data"), "--device", "cpu", "--threads", "1", *small]


@pytest.fixture(autouse=True)
def nothing_is_left_running(tmp_path: Path) -> Iterator[None]:
    yield
    for folder in (tmp_path / "runs").glob("*"):
        owner = read_owner(folder)
        if owner is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(owner.pid, signal.SIGKILL)


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "MNIST_TUI_RUNS_DIR": str(tmp_path / "runs")}


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def told(runner: WatchedRunner, found: Callable[[Event], bool]) -> Event:
    """The first event that is `found`; those behind it are told later."""
    heard: list[Event] = []
    until(lambda: heard.extend(runner.drain()) or any(map(found, heard)))  # type: ignore[func-returns-value]
    return next(event for event in heard if found(event))


def test_a_headless_training_is_steered_from_another_process(tmp_path: Path, flags: list[str]) -> None:
    command = [sys.executable, "-m", "mnist_tui", "train", *flags]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        until(lambda: any((tmp_path / "runs").glob("*/metrics.jsonl")))
        runner = WatchedRunner(only_run(tmp_path))
        runner.load()
        told(runner, lambda event: isinstance(event, BatchesTrained))
        runner.pause()
        paused = told(runner, lambda event: isinstance(event, Paused))
        runner.edit({"learning_rate": 0.5})
        applied = told(runner, lambda event: isinstance(event, HyperparametersApplied))
        runner.undo()
        back = told(runner, lambda event: isinstance(event, Rewound))
        runner.resume()
        told(runner, lambda event: isinstance(event, Resumed))
        runner.stop()
        told(runner, lambda event: event == Observed("stopped"))
        output, _ = process.communicate(timeout=PATIENCE)
        assert runner.close()
    assert process.returncode == 0
    assert isinstance(paused, Paused)
    assert isinstance(applied, HyperparametersApplied)
    assert isinstance(back, Rewound)
    assert (applied.step, applied.new.learning_rate) == (paused.step + 1, 0.5)
    assert (back.to_step, back.hyperparameters.learning_rate) == (paused.step, 0.001)
    again = WatchedRunner(only_run(tmp_path))
    again.load()
    events: list[Event] = []
    until(lambda: events.extend(again.drain()) or any(isinstance(e, Observed) for e in events))  # type: ignore[func-returns-value]
    assert again.close()
    commands = [event.command for event in events if isinstance(event, Commanded)]
    assert commands == ["pause", "edit", "undo", "resume", "stop"]
    assert isinstance(events[-2], RunFinished)
    assert "asked by a watcher: undo" in output
    assert_saved(only_run(tmp_path), "stopped")
    assert list((only_run(tmp_path) / "control").iterdir()) == []


def test_a_detached_training_is_left_and_come_back_to(tmp_path: Path, flags: list[str]) -> None:
    with Terminal(["--detached", "--no-bell", "--fps", "8", *flags], tmp_path) as terminal:
        terminal.until("watching, live")
        terminal.until(trained_some)
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.restored
        assert "come back with: mnist-tui watch mine" in terminal.text
    run = only_run(tmp_path)
    assert read_run(run)["status"] == "running"
    assert "device: cpu" in (run / "output.txt").read_text()
    with Terminal(["watch"], tmp_path, columns=80, rows=24) as terminal:
        terminal.until("watching, live  epoch")
        terminal.type("]")
        terminal.until("lr 0.001→0.002")
        terminal.type(" ")
        terminal.until("‖ paused")
        terminal.type("xx")
        terminal.until("watching, stopped")
        terminal.type(" ")
        terminal.until("mnist-tui --resume mine")
        terminal.type("q")
        assert terminal.wait() == 0
    assert_saved(run, "stopped")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [run.name]


def test_a_lost_connection_ends_the_watching_and_not_the_training(tmp_path: Path, flags: list[str]) -> None:
    with Terminal(["--detached", *flags], tmp_path) as terminal:
        terminal.until(trained_some)
        terminal.hang_up()
        assert terminal.wait() == 129
    run = only_run(tmp_path)
    owner = read_owner(run)
    assert owner is not None
    beat = owner.beat
    until(lambda: (now := read_owner(run)) is not None and now.beat > beat + 1)
    os.kill(owner.pid, signal.SIGTERM)
    until(lambda: read_owner(run) is None)
    assert_saved(run, "stopped")


def test_without_a_terminal_it_is_said_where_it_trains(tmp_path: Path, flags: list[str]) -> None:
    command = [sys.executable, "-m", "mnist_tui", "--detached", *flags]
    began = subprocess.run(
        command,
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    run = only_run(tmp_path)
    owner = read_owner(run)
    assert owner is not None
    assert f"process {owner.pid} trains in {run}; watch it with: mnist-tui watch mine" in began.stderr
    refused = subprocess.run(
        command, env=environment(tmp_path), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
    )
    assert refused.returncode == 2
    assert "there is a run named mine already: use --name mine-2" in refused.stderr
    assert only_run(tmp_path) == run  # not even a log file is left of the one that was refused


def test_watching_says_what_it_needs(tmp_path: Path) -> None:
    for words, sentence in (
        (["watch"], "there is no run in"),
        (["watch", "absent"], "there is no run called 'absent'"),
        (["watch", "--start"], "watch begins no run"),
    ):
        command = [sys.executable, "-m", "mnist_tui", *words]
        refused = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=PATIENCE)
        assert refused.returncode == 2
        assert sentence in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
