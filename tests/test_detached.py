"""What a detached training is begun with, and where its output goes; the real thing is in `e2e/test_watch.py`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from mnist_tui import detached
from mnist_tui.core.errors import UserError
from mnist_tui.core.runs import create_folder
from mnist_tui.detached import DETACHED_VARIABLE, EndedEarly, settle, start, train_words, watch_command


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--detached"], []),
        (["--epochs", "3", "--detached", "--name=a b"], ["--epochs", "3", "--name=a b"]),
        (["--fps", "2", "--no-mouse", "--ascii", "--seed", "1", "--theme=light", "--start"], ["--seed", "1"]),
        (["--fps=2", "--no-bell", "--dropout", "0.5"], ["--dropout", "0.5"]),
    ],
)
def test_the_flags_of_the_screen_are_not_passed_on(words: list[str], kept: list[str]) -> None:
    assert train_words(words) == kept


def test_the_output_moves_into_the_folder_and_the_parent_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "[run]"
    run.mkdir()
    (run / "output.txt").write_text("of the run before it was resumed")
    log = tmp_path / "log.txt"
    log.write_text("line")
    reading, writing = os.pipe()
    monkeypatch.setenv(DETACHED_VARIABLE, f"{writing}:{log}")
    settle(run)
    settle(run)  # of a second run in this process: nobody waits for it
    with open(reading, "rb") as pipe:
        assert pipe.read() == os.fsencode(run)
    assert (run / "output-2.txt").read_text() == "line"
    assert detached.is_detached()


def test_an_ordinary_training_settles_nothing(tmp_path: Path) -> None:
    settle(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "code", "message", "exit_code"),
    [
        ("mnist-tui: there is no cuda:7 here", "2", "there is no cuda:7 here", 2),
        ("Killed by something", "-9", "Killed by something", 137),
        ("", "0", "the training ended before it began", 1),
    ],
)
def test_a_training_that_ends_before_it_began_gives_its_sentence_and_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: str, message: str, exit_code: int
) -> None:
    speak = f"import os; print({said!r}, end='', flush=True); n = {code}; "
    end = speak + "os.kill(os.getpid(), -n) if n < 0 else os._exit(n)"
    real = subprocess.Popen

    def popen(words: list[str], **other: object) -> object:
        return real([words[0], "-c", end], **other)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(EndedEarly) as error:
        start([], tmp_path)
    assert (str(error.value), error.value.exit_code) == (message, exit_code)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_before_it_began_calls_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    class Child:
        def terminate(self) -> None:
            ended.append("terminated")

    class Pipe:
        def __enter__(self) -> Pipe:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self) -> NoReturn:
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: Child())
    real = open
    monkeypatch.setattr(
        detached, "open", lambda file, mode: Pipe() if isinstance(file, int) else real(file, mode), raising=False
    )
    with pytest.raises(KeyboardInterrupt):
        start([], tmp_path)
    assert ended == ["terminated"]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another place with --runs-dir"):
        start([], tmp_path / "file")


def test_the_way_back_is_a_name_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = create_folder(tmp_path / "my runs", "mine", "classic")
    assert watch_command(folder) == f"mnist-tui watch '{folder}'"
    monkeypatch.setenv("MNIST_TUI_RUNS_DIR", str(tmp_path / "my runs"))
    assert watch_command(folder) == "mnist-tui watch mine"
