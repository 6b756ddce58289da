"""Faults 1 to 9 and 15: ways a terminal, a person or a batch system ends the program; nothing is ever lost."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from mnist_tui.core.events import BatchesTrained, RunStarted
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.recorder import Recorder
from mnist_tui.core.replay import Replay
from tests.datafiles import write_idx
from tests.e2e.terminal import Terminal, altered, torch_takes_for_ever
from tests.e2e.test_program import assert_saved, only_run, trained_some

SMALL = ("--epochs", "10000", "--width", "4", "--hidden-units", "16", "--start")


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """An endless run on little data."""
    write_idx(tmp_path / "data", train=400, test=200)
    return ["--data-dir", str(tmp_path / "data"), *SMALL]


def steps(run: Path) -> int:
    """Batches that are recorded."""
    events = Replay(run).read(arrays=False)
    return max((event.last_step for event in events if isinstance(event, BatchesTrained)), default=0)


def goes_on(folder: Path, arguments: list[str]) -> None:
    """The run in `folder` is trained on from where it was left."""
    run = only_run(folder)
    left_at = json.loads((run / "run.json").read_text())["step"]
    with Terminal(["--resume", str(run), *arguments], folder) as terminal:
        terminal.until(f"It goes on after step {left_at}.")
        terminal.until(trained_some)
        terminal.type("q")
        terminal.until("Stop and save")
        terminal.type("\r")
        assert terminal.wait() == 0
        assert "go on with: mnist-tui --resume classic" in terminal.said
    assert json.loads((run / "run.json").read_text())["step"] >= left_at


def test_01_a_closed_connection_saves_and_the_run_goes_on_later(tmp_path: Path, small: list[str]) -> None:
    with Terminal(small, tmp_path) as terminal:
        terminal.until(trained_some)
        terminal.hang_up()
        assert terminal.wait(5) == 129
    run = only_run(tmp_path)
    assert_saved(run, "stopped")
    assert json.loads((run / "run.json").read_text())["reason"] == "the terminal was gone"
    goes_on(tmp_path, [])


def test_01_a_closed_connection_may_leave_the_run_training(tmp_path: Path) -> None:
    write_idx(tmp_path / "data", train=400, test=200)
    arguments = ["--data-dir", str(tmp_path / "data"), "--epochs", "60", "--width", "4", "--start"]
    with Terminal([*arguments, "--on-hangup", "continue"], tmp_path) as terminal:
        terminal.until(trained_some)
        terminal.hang_up()
        assert terminal.wait(60) == 0
    run = only_run(tmp_path)
    assert_saved(run, "done")
    assert steps(run) == 60 * 7


def test_01_a_run_without_a_terminal_heeds_signals(tmp_path: Path, small: list[str]) -> None:
    with Terminal([*small, "--on-hangup", "continue"], tmp_path) as terminal:
        terminal.until(trained_some)
        run = only_run(tmp_path)
        terminal.hang_up()
        before = steps(run)
        terminal.wait_for(lambda: steps(run) > before + 100)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait(6) == 143
    assert_saved(run, "stopped")


@pytest.mark.parametrize("first", [None, signal.SIGCONT], ids=["kill", "scancel"])
def test_02_a_batch_system_ends_the_run(tmp_path: Path, small: list[str], first: signal.Signals | None) -> None:
    with Terminal(small, tmp_path) as terminal:
        terminal.until(trained_some)
        if first is not None:
            terminal.kill(first)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait(5) == 143
        assert terminal.restored
        assert re.search(r"saved in \S+; go on with: mnist-tui --resume classic\s*$", terminal.said)
    assert_saved(only_run(tmp_path), "stopped")


def test_03_ctrl_c_asks_and_again_saves(tmp_path: Path, small: list[str]) -> None:
    with Terminal(small, tmp_path) as terminal:
        terminal.until(trained_some)
        terminal.type("\x03")
        terminal.until("Stop and save")
        terminal.type("\x1b")
        terminal.until(lambda text: "Stop and save" not in text)
        terminal.type("\x03")
        terminal.until("Stop and save")
        terminal.type("\x03")
        assert terminal.wait(5) == 130
        assert terminal.restored
    assert_saved(only_run(tmp_path), "stopped")


def stall(terminal: Terminal) -> None:
    """Wait until the program has filled the terminal's buffer, and can write no more."""
    looks = [0]

    def stands_still() -> bool:
        looks.append(terminal.unread)
        return looks[-1] > 0 and len(looks) > 20 and len(set(looks[-20:])) == 1  # for a second

    terminal.wait_for(stands_still)


def test_04_a_stalled_terminal_stops_nothing(tmp_path: Path, small: list[str]) -> None:
    with Terminal([*small, "--fps", "10"], tmp_path, columns=200, rows=60) as terminal:
        terminal.until(trained_some)
        run = only_run(tmp_path)
        stall(terminal)
        before, unread = steps(run), terminal.unread
        terminal.wait_for(lambda: steps(run) > before + 200)  # on a screen that nobody reads
        assert terminal.unread == unread
        shown = terminal.text
        terminal.until(lambda text: text != shown and trained_some(text))
        stall(terminal)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait(5, reading=False) == 143
    assert_saved(run, "stopped")


def test_04_a_stalled_terminal_holds_neither_a_start_nor_a_watcher(tmp_path: Path) -> None:
    (tmp_path / "runs" / "20261127-120000-long").mkdir(parents=True)
    recorder = Recorder(tmp_path / "runs" / "20261127-120000-long", {"dataset": "mnist"})
    recorder.record(RunStarted("long", "long", Hyperparameters(), "cpu", 600, 1000))
    recorder.close()
    for arguments in ([], ["watch", "long"]):
        environment = torch_takes_for_ever(tmp_path)
        with Terminal(arguments, tmp_path, columns=200, rows=60, environment=environment) as terminal:
            stall(terminal)
            terminal.kill(signal.SIGTERM)
            assert terminal.wait(5, reading=False) == 143


@pytest.mark.parametrize("step", [30, pytest.param(300, marks=pytest.mark.long)])
def test_05_a_kill_at_any_moment_loses_at_most_an_autosave(tmp_path: Path, small: list[str], step: int) -> None:
    with Terminal([*small, "--autosave", "1"], tmp_path) as terminal:
        terminal.until(trained_some)
        run = only_run(tmp_path)
        terminal.wait_for(lambda: steps(run) >= step)
        terminal.kill(signal.SIGKILL)
        assert terminal.wait() == -9
    (run / "checkpoints" / ".last.pt.1.tmp").write_text("half a file")
    assert json.loads((run / "run.json").read_text())["status"] == "running"
    with Terminal(["--resume", "classic"], tmp_path) as terminal:
        terminal.until("It goes on after step")
        terminal.until(trained_some)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait() == 143
    assert not [*run.glob("checkpoints/.*.tmp")]


def test_06_ctrl_z_and_fg(tmp_path: Path, small: list[str]) -> None:
    with Terminal(small, tmp_path) as terminal:
        terminal.until(trained_some)
        terminal.kill(signal.SIGCONT)
        terminal.type("\x1a")
        terminal.wait_until_stopped()
        while terminal.pump(0.2):
            pass
        assert terminal.restored
        time.sleep(2)  # the thing itself: time in the background
        run = only_run(tmp_path)
        before = steps(run)
        terminal.screen.reset()  # as the normal screen comes back, and the other one is begun anew
        terminal.kill(signal.SIGCONT)
        for words in ("hyperparameters", "learning rate", "accuracy", "test digit", "^p all commands"):
            terminal.until(words, 10)
        terminal.until(trained_some)
        terminal.wait_for(lambda: steps(run) > before + 50)
        terminal.type("q")
        terminal.until("Stop and save")
        terminal.type("\r")
        assert terminal.wait() == 0
    batches = [event for event in Replay(run).read(arrays=False) if isinstance(event, BatchesTrained)]
    assert max(event.seconds for event in batches) < 1.5


def test_07_a_tiny_window(tmp_path: Path, small: list[str]) -> None:
    with Terminal(small, tmp_path, columns=20, rows=5) as terminal:
        terminal.until("training goes on")
        for size in ((5, 2), (1, 1), (120, 36)):
            terminal.resize(*size)
        terminal.until(lambda text: "hyperparameters" in text and trained_some(text))
        terminal.resize(1, 1)
        terminal.resize(80, 24)
        terminal.until("hyperparameters")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait() == 143


@pytest.mark.parametrize("descriptors", [(0,), (2,), (0, 1, 2)], ids=["stdin", "stderr", "all"])
def test_08_without_a_terminal_it_says_what_to_use(tmp_path: Path, descriptors: tuple[int, ...]) -> None:
    said = tmp_path / "said"
    redirect = {number: os.devnull if number == 0 else str(said) for number in descriptors}
    with Terminal([], tmp_path, redirect=redirect) as terminal:
        assert terminal.wait(5) == 2
        text = said.read_text() if 2 in descriptors else terminal.text
    assert "use `mnist-tui train`" in " ".join(text.split())
    assert not (tmp_path / "runs").exists()


ODD: dict[str, dict[str, str | None]] = {
    "ascii": {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii"},
    "no-utf8": {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "no-colour": {"NO_COLOR": "1"},
    "vt100": {"TERM": "vt100", "COLORTERM": None},
    "linux": {"TERM": "linux", "COLORTERM": None},
    "screen": {"TERM": "screen-256color", "COLORTERM": None},
    "unset": {"TERM": None, "COLORTERM": None},
}


@pytest.mark.parametrize("name", list(ODD))
def test_09_an_odd_terminal(tmp_path: Path, name: str) -> None:
    with Terminal([], tmp_path, environment={**ODD[name], **torch_takes_for_ever(tmp_path)}) as terminal:
        for words in ("hyperparameters", "learning rate", "test digit 0", "quit"):
            terminal.until(words)
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.restored


def test_09_a_dumb_terminal_is_refused(tmp_path: Path) -> None:
    with Terminal([], tmp_path, environment={"TERM": "dumb"}) as terminal:
        assert terminal.wait(5) == 2
        assert "TERM=dumb" in terminal.text


def test_15_a_trainer_that_does_not_answer_is_left(tmp_path: Path, small: list[str]) -> None:
    code = "def train_batch(self, images, labels):\n import time\n time.sleep(3600)\nLearner.train_batch = train_batch"
    environment = altered(tmp_path, {"mnist_tui.engine.learner": code, "mnist_tui.tui.open": "SAVE_SECONDS = 1.0"})
    with Terminal(small, tmp_path, environment=environment) as terminal:
        terminal.until("● training")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait(20) == 143
        assert terminal.restored
