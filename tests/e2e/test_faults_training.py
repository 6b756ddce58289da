"""Faults 10 to 14 and 16: what goes wrong inside a run; the screen says so, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mnist_tui.core.events import Rewound
from mnist_tui.core.replay import Replay
from tests.datafiles import write_idx
from tests.e2e.terminal import Terminal, altered
from tests.e2e.test_program import assert_saved, only_run, trained_some

NET = ("--width", "4", "--hidden-units", "16")


@pytest.fixture
def small(tmp_path: Path) -> list[str]:
    """An endless run on little data."""
    write_idx(tmp_path / "data", train=400, test=200)
    return ["--data-dir", str(tmp_path / "data"), "--epochs", "10000", *NET, "--start"]


ROWS = {"learning rate": "How far each step", "schedule": "How the rate moves", "batch size": "Images per step"}


def to_row(terminal: Terminal, label: str) -> None:
    """Go to a row of the settings, from the digits or from a row above."""
    order = list(ROWS)
    here = next((number for number, words in enumerate(ROWS.values()) if words in terminal.text), -1)
    for name in order[here + 1 : order.index(label) + 1]:
        terminal.type("\t" if name == order[0] else "\x1b[B")
        terminal.until(ROWS[name])


def leave(terminal: Terminal) -> int:
    terminal.type("q")
    terminal.until("Stop and save")
    terminal.type("\r")
    return terminal.wait()


RAISE = """
real = Learner.train_batch
count = [0]

def train_batch(self, images, labels):
    count[0] += 1
    if count[0] == {at}:
        raise {error}
    return real(self, images, labels)

Learner.train_batch = train_batch
"""


def failing(folder: Path, at: int, error: str) -> dict[str, str | None]:
    return altered(folder, {"mnist_tui.engine.learner": RAISE.format(at=at, error=error)})


def test_10_an_exception_in_the_trainer_is_shown_and_a_new_run_may_begin(tmp_path: Path, small: list[str]) -> None:
    environment = failing(tmp_path, 90, "ValueError('it [/broke] at [bold]{0}')")
    with Terminal([*small, "--autosave", "1"], tmp_path, environment=environment) as terminal:
        terminal.until("ValueError: it [/broke] at [bold]{0}")
        run = only_run(tmp_path)
        assert json.loads((run / "run.json").read_text())["status"] == "failed"
        assert "Traceback" in (run / "log.txt").read_text()
        terminal.type(" ")
        terminal.type(" ")
        terminal.until("classic-2 ")
        terminal.until(trained_some)
        assert leave(terminal) == 0
        assert terminal.restored


def test_10_an_exception_in_a_screen_saves_and_says_so(tmp_path: Path, small: list[str]) -> None:
    code = "def show(self, **_):\n raise KeyError('[/no] such panel')\nTrainScreen.action_break = show\n"
    code += "real = TrainScreen.show\ncount = [0]\n"
    code += "def later(self, **known):\n count[0] += 1\n (show if count[0] > 60 else real)(self, **known)\n"
    code += "TrainScreen.show = later"
    environment = altered(tmp_path, {"mnist_tui.tui.screens.train": code})
    with Terminal(small, tmp_path, environment=environment) as terminal:
        assert terminal.wait() == 1
        assert terminal.restored
        run = only_run(tmp_path)
        assert "mnist-tui: the screen failed: KeyError: '[/no] such panel'; " in terminal.said
        assert "go on with: mnist-tui --resume classic" in terminal.said
        assert "Traceback" not in terminal.said
        assert "such panel" in (run / "log.txt").read_text()
    assert_saved(run, "stopped")


POISON = """
import os
real = Learner.train_batch
poisoned = []

def train_batch(self, images, labels):
    if not poisoned and os.path.exists({flag!r}):
        poisoned.append(True)
        self.model.fc2.bias.data[0] = float("nan")
    return real(self, images, labels)

Learner.train_batch = train_batch
"""


def test_11_a_loss_that_is_not_finite_pauses_and_there_is_a_way_back(tmp_path: Path, small: list[str]) -> None:
    flag = tmp_path / "poison"
    environment = altered(tmp_path, {"mnist_tui.engine.learner": POISON.format(flag=str(flag))})
    with Terminal(small, tmp_path, environment=environment) as terminal:
        terminal.until(trained_some)
        run = only_run(tmp_path)
        terminal.type("s")
        terminal.wait_for((run / "checkpoints" / "last.pt").exists)
        flag.touch()
        terminal.until("not finite: the loss is NaN since step ")
        terminal.until("paused")
        newest = (run / "checkpoints" / "last.pt").read_bytes()
        terminal.type("s")
        terminal.until("not finite and are not saved")
        assert (run / "checkpoints" / "last.pt").read_bytes() == newest
        terminal.type("g")
        terminal.until("is in force again")
        terminal.until("lr 0.001→0.0005")
        assert leave(terminal) == 0
    assert_saved(run, "stopped")
    assert [event for event in Replay(run).read() if isinstance(event, Rewound)]


BAD = {
    "learning rate must be a number from 1e-08 to 10": ["nan", "abc"],
    "batch size must be a whole number from 1 to 16384": ["1.5"],
}


def left_panel(text: str) -> str:
    """The words in the settings' panel, with its broken lines in one piece."""
    lines = (line.split("│") for line in text.splitlines())
    return " ".join(" ".join(cells[1] for cells in lines if len(cells) > 1).split())


def test_12_and_13_a_bad_value_is_refused_in_its_row(tmp_path: Path, small: list[str]) -> None:
    with Terminal(small, tmp_path, columns=200, rows=60) as terminal:
        terminal.until(trained_some)
        terminal.type(" ")
        terminal.until("paused")  # the screen is painted for what is typed alone
        for words, texts in BAD.items():
            to_row(terminal, words.partition(" must")[0])
            for text in texts:
                terminal.type("\r" + text + "\r")
                terminal.until(lambda seen, said=f"{words}, not {text}": said in left_panel(seen))  # type: ignore[misc]
                terminal.type("\x1b")
                terminal.until(lambda seen, said=words: said not in left_panel(seen))  # type: ignore[misc]
        assert leave(terminal) == 0
    assert json.loads((only_run(tmp_path) / "run.json").read_text())["changes"] == []


def test_14_a_batch_that_does_not_fit_waits_for_a_smaller_one(tmp_path: Path, small: list[str]) -> None:
    error = "RuntimeError('[enforce fail] DefaultCPUAllocator: can\\'t allocate memory: you tried')"
    with Terminal(small, tmp_path, environment=failing(tmp_path, 90, error)) as terminal:
        terminal.until("a batch of 64 does not fit into the memory of cpu: try 32")
        terminal.until("paused")
        to_row(terminal, "batch size")
        terminal.type("\r32\r")
        terminal.until("● training")
        assert leave(terminal) == 0
    assert_saved(only_run(tmp_path), "stopped")


FULL = """
import errno
real = os.fsync
def fsync(descriptor):
    if os.fstat(descriptor).st_size > 100_000 and os.path.exists({flag!r}):
        raise OSError(errno.ENOSPC, "No space left on device")
    real(descriptor)
os.fsync = fsync
"""


def test_16_a_full_disk_keeps_the_old_checkpoint_and_goes_on(tmp_path: Path, small: list[str]) -> None:
    flag = tmp_path / "full"
    environment = altered(tmp_path, {"mnist_tui.core.files": FULL.format(flag=str(flag))})
    arguments = [word if word != "4" else "16" for word in small]
    with Terminal([*arguments, "--autosave", "1"], tmp_path, environment=environment) as terminal:
        terminal.until(trained_some)
        run = only_run(tmp_path)
        checkpoint = run / "checkpoints" / "last.pt"
        terminal.wait_for(checkpoint.exists)
        flag.touch()
        terminal.until("No space left on device")  # one that was under way may still succeed
        before = checkpoint.read_bytes()
        terminal.type("s")
        terminal.until("No space left on device (it needs 1 MB)")
        assert checkpoint.read_bytes() == before
        terminal.wait_for(lambda: not [*run.glob("checkpoints/.*")])  # another one may be tried at this moment
        terminal.until("● training")
        flag.unlink()
        saved = checkpoint.stat().st_mtime_ns
        terminal.wait_for(lambda: checkpoint.stat().st_mtime_ns != saved)
        assert leave(terminal) == 0
    assert_saved(run, "stopped")
