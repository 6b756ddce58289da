"""Commands as numbered files: whole, in order, never two of one number, and never trusted."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.core import mailbag
from mnist_tui.core.mailbag import CONTROL_FOLDER, BadLetter, Letter, clear, post, read, remove, waiting


def put(folder: Path, data: bytes, number: int = 1) -> Path:
    (folder / CONTROL_FOLDER).mkdir(exist_ok=True)
    path = folder / CONTROL_FOLDER / f"{number:08d}.json"
    path.write_bytes(data)
    return path


def test_letters_are_read_as_they_were_posted_and_in_order(tmp_path: Path) -> None:
    letters = [
        Letter("edit", {"learning_rate": 0.5, "batch_size": 32, "optimizer": "sgd"}),
        Letter("undo"),
        Letter("stop_after_epoch", wanted=False),
    ]
    assert [post(tmp_path, letter) for letter in letters] == [1, 2, 3]
    assert waiting(tmp_path) == [1, 2, 3]
    assert [read(tmp_path, number) for number in waiting(tmp_path)] == letters
    assert {path.suffix for path in (tmp_path / CONTROL_FOLDER).iterdir()} == {".json"}


def test_a_number_is_above_all_that_were_acknowledged(tmp_path: Path) -> None:
    assert post(tmp_path, Letter("pause"), after=7) == 8


def test_what_was_removed_is_not_there(tmp_path: Path) -> None:
    post(tmp_path, Letter("pause"))
    remove(tmp_path, 1)
    remove(tmp_path, 1)
    assert waiting(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        read(tmp_path, 1)


def test_writers_at_once_never_take_one_number(tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def write() -> None:
        ready.wait()
        for _ in range(20):
            post(tmp_path, Letter("step"))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert waiting(tmp_path) == list(range(1, 161))


def test_a_file_system_without_links_takes_letters_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert [post(tmp_path, Letter("pause")), post(tmp_path, Letter("resume"))] == [1, 2]
    assert [read(tmp_path, number).command for number in waiting(tmp_path)] == ["pause", "resume"]


def test_clearing_leaves_nothing_and_a_missing_folder_is_none(tmp_path: Path) -> None:
    clear(tmp_path)
    assert waiting(tmp_path) == []
    post(tmp_path, Letter("pause"))
    (tmp_path / CONTROL_FOLDER / ".half.tmp").write_text("{")
    clear(tmp_path)
    assert list((tmp_path / CONTROL_FOLDER).iterdir()) == []


WRONG: list[tuple[Any, str]] = [
    ({}, "none that this version knows"),
    ([], "none that this version knows"),
    (3, "none that this version knows"),
    ({"command": ["stop"]}, "none that this version knows"),
    ({"command": "format"}, "none that this version knows"),
    ({"command": "edit"}, "an edit of nothing"),
    ({"command": "edit", "changes": {}}, "an edit of nothing"),
    ({"command": "edit", "changes": [1]}, "an edit of nothing"),
    ({"command": "edit", "changes": {"__class__": 1}}, "no such hyperparameter"),
    ({"command": "edit", "changes": {"learning_rate": -1}}, "learning rate must be a number from 1e-08 to 10, not -1"),
    ({"command": "edit", "changes": {"learning_rate": True}}, "learning rate must be"),
    ({"command": "edit", "changes": {"learning_rate": float("nan")}}, "learning rate must be"),
    ({"command": "edit", "changes": {"learning_rate": None}}, "learning rate must be"),
    ({"command": "edit", "changes": {"batch_size": 1.5}}, "batch size must be"),
    ({"command": "edit", "changes": {"optimizer": ["adam"]}}, "optimizer must be"),
    ({"command": "edit", "changes": {"width": 64}}, "width takes effect in the next run alone"),
    ({"command": "stop_after_epoch", "wanted": "yes"}, "does not say what is wanted"),
]


@pytest.mark.parametrize(("content", "words"), WRONG, ids=[json.dumps(content)[:60] for content, _ in WRONG])
def test_what_is_no_command_is_refused_in_one_sentence(tmp_path: Path, content: Any, words: str) -> None:
    put(tmp_path, json.dumps(content).encode())
    with pytest.raises(BadLetter) as error:
        read(tmp_path, 1)
    assert words in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"command":"stop"' + b" " * 70_000 + b"}"])
def test_bytes_that_are_no_json_are_refused(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, data)
    with pytest.raises(BadLetter, match="command 1 cannot be read"):
        read(tmp_path, 1)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_letter_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("mailbag")
    put(folder, data)
    with contextlib.suppress(BadLetter):
        read(folder, 1)


def test_neither_links_nor_pipes_are_followed(tmp_path: Path) -> None:
    path = put(tmp_path, b'{"command":"stop"}')
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(BadLetter):
        read(tmp_path, 1)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadLetter):
        read(tmp_path, 1)


def test_other_names_are_passed_over(tmp_path: Path) -> None:
    control = tmp_path / CONTROL_FOLDER
    control.mkdir()
    for name in ("1.json", "00000001.txt", "notes", "0000000000000000000001.json", "٠٠٠٠٠٠٠١.json"):
        (control / name).write_text("{}")
    (control / "00000002.json").mkdir()
    assert waiting(tmp_path) == []
    assert mailbag.post(tmp_path, Letter("pause")) == 1
