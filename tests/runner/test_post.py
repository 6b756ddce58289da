"""A run's folder while it is trained: heartbeat, commands in order, what is hostile, what is lost."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from mnist_tui.core import mailbag
from mnist_tui.core.control import Control, Wishes
from mnist_tui.core.events import Answered, Commanded, Event
from mnist_tui.core.mailbag import CONTROL_FOLDER, Letter
from mnist_tui.core.owner import OWNER_FILE, Owner, RunOwned, claim, read_owner
from mnist_tui.runner import post as module
from mnist_tui.runner.post import Post

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.01)


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def put(path: Path, content: str) -> None:
    """Write a file that is there whole or not at all: who looks for it looks all the time."""
    whole = path.with_name(f".{path.name}")
    whole.write_text(content)
    whole.rename(path)


def taken(control: Control, count: int) -> list[Wishes]:
    """Wishes until `count` events were heard."""
    wishes: list[Wishes] = []
    while sum(len(wish.heard) for wish in wishes) < count:
        control.wait(PATIENCE)
        wishes.append(control.take())
        assert wishes[-1] != Wishes()
    return wishes


def test_the_folder_is_owned_while_it_is_entered_and_the_heart_beats(tmp_path: Path) -> None:
    with Post(tmp_path, Control()):
        owner = read_owner(tmp_path)
        assert owner is not None
        with pytest.raises(RunOwned):
            claim(tmp_path)
        until(lambda: (now := read_owner(tmp_path)) is not None and now.beat > owner.beat + 2)
    assert read_owner(tmp_path) is None


def test_a_run_that_another_process_trains_is_not_entered(tmp_path: Path) -> None:
    claim(tmp_path)
    with pytest.raises(RunOwned), Post(tmp_path, Control()):
        raise AssertionError("entered")  # pragma: no cover


COMMANDS: list[tuple[Letter, Callable[[Wishes], bool]]] = [
    (Letter("edit", {"dropout": 0.5}), lambda wishes: wishes.commands == ({"dropout": 0.5},)),
    (Letter("undo"), lambda wishes: wishes.commands == ("undo",)),
    (Letter("recover"), lambda wishes: wishes.commands == ("recover",)),
    (Letter("pause"), lambda wishes: wishes.paused),
    (Letter("resume"), lambda wishes: not wishes.paused),
    (Letter("step"), lambda wishes: wishes.single_steps == 1),
    (Letter("evaluate"), lambda wishes: wishes.evaluate),
    (Letter("save"), lambda wishes: wishes.save),
    (Letter("find_rate"), lambda wishes: wishes.find_rate == 1),
    (Letter("cancel_rate"), lambda wishes: wishes.find_rate == 0),
    (Letter("stop_after_epoch", wanted=True), lambda wishes: wishes.stop_after_epoch),
    (Letter("stop"), lambda wishes: wishes.stop),
]


@pytest.mark.parametrize(("letter", "wanted"), COMMANDS, ids=[letter.command for letter, _ in COMMANDS])
def test_every_command_reaches_the_control(tmp_path: Path, letter: Letter, wanted: Callable[[Wishes], bool]) -> None:
    control = Control()
    with Post(tmp_path, control):
        mailbag.post(tmp_path, letter)
        wishes = taken(control, 1)
        while not wanted(wishes[-1]):  # told just before it is asked for
            control.wait(PATIENCE)
            wishes.append(control.take())
    assert wishes[0].heard == (Commanded(1, letter.command),)


def test_commands_are_taken_in_order_and_removed_when_they_are_acknowledged(tmp_path: Path) -> None:
    control = Control()

    def trained() -> Iterator[Event]:
        for wishes in taken(control, 3):
            yield from wishes.heard

    with Post(tmp_path, control) as post:
        for letter in (Letter("pause"), Letter("undo"), Letter("save")):
            mailbag.post(tmp_path, letter)
        told = []
        for event in post.events(trained()):
            assert isinstance(event, Commanded)
            assert event.number in mailbag.waiting(tmp_path)
            told.append(event)
        assert told == [Commanded(1, "pause"), Commanded(2, "undo"), Commanded(3, "save")]
        assert mailbag.waiting(tmp_path) == []
        mailbag.post(tmp_path, Letter("resume"))  # a number may come again
        assert taken(control, 1)[0].heard == (Commanded(1, "resume"),)


def test_what_was_left_before_and_what_is_left_behind_is_removed_unheeded(tmp_path: Path) -> None:
    control = Control()
    mailbag.post(tmp_path, Letter("stop"))
    with Post(tmp_path, control):
        assert mailbag.waiting(tmp_path) == []
        mailbag.post(tmp_path, Letter("pause"))
        assert taken(control, 1)[0].heard == (Commanded(1, "pause"),)
    assert not control.stopping
    assert mailbag.waiting(tmp_path) == []


def test_a_hostile_command_is_removed_logged_and_answered(tmp_path: Path) -> None:
    control = Control()
    with Post(tmp_path, control):
        (tmp_path / CONTROL_FOLDER).mkdir()
        content = json.dumps({"command": "edit", "changes": {"learning_rate": 99}})
        put(tmp_path / CONTROL_FOLDER / "00000001.json", content)
        (event,) = taken(control, 1)[0].heard
        assert mailbag.waiting(tmp_path) == []
    assert isinstance(event, Answered)
    assert "learning rate must be a number from 1e-08 to 10, not 99" in event.message
    assert event.message in (tmp_path / "log.txt").read_text()
    assert control.take().commands == ()


def test_a_lost_claim_breaks_the_training_off_without_another_word(tmp_path: Path) -> None:
    control = Control()
    thief = Owner("thief", "node7", "another boot", 12, 1)

    def lost() -> bool:  # a beat under way may come after the theft: the next one sees it
        (tmp_path / "taken").write_text(json.dumps(attrs.asdict(thief)))
        (tmp_path / "taken").rename(tmp_path / OWNER_FILE)
        with contextlib.suppress(RunOwned):
            control.take()
            return False
        return True

    with Post(tmp_path, control) as post:
        until(lost)
        with pytest.raises(RunOwned, match="process 12 on node7 has taken over"):
            control.take()
        with pytest.raises(RunOwned):
            next(post.events(iter([Answered(1, "more")])))
    assert read_owner(tmp_path) == thief


def test_a_folder_that_is_gone_does_not_end_the_training(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    control = Control()
    with Post(folder, control):
        folder.rename(tmp_path / "moved")
        folder.mkdir()  # and comes back
        until(lambda: read_owner(folder) is not None)
        mailbag.post(folder, Letter("pause"))
        assert taken(control, 1)[0].heard == (Commanded(1, "pause"),)


def test_a_number_that_a_bad_command_had_is_heeded_again(tmp_path: Path) -> None:
    control = Control()
    with Post(tmp_path, control):
        (tmp_path / CONTROL_FOLDER).mkdir(exist_ok=True)
        put(tmp_path / CONTROL_FOLDER / "00000001.json", "{}")
        taken(control, 1)
        until(lambda: not mailbag.waiting(tmp_path))
        assert mailbag.post(tmp_path, Letter("pause")) == 1
        assert taken(control, 1)[-1].paused


def test_a_command_that_cannot_be_removed_is_carried_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbag, "remove", lambda *_: False)
    control = Control()
    looks: list[int] = []
    with Post(tmp_path, control) as post:
        mailbag.post(tmp_path, Letter("undo"))
        (wish,) = taken(control, 1)
        assert wish.commands == ("undo",)
        assert [*post.events(iter(wish.heard))] == list(wish.heard)
        real = mailbag.waiting

        def look(folder: Path) -> list[int]:
            looks.append(1)
            return real(folder)

        monkeypatch.setattr(mailbag, "waiting", look)
        until(lambda: len(looks) > 20)
        assert control.take().commands == ()


def test_after_a_long_standstill_the_owner_is_looked_up_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 1000.0)
    with Post(tmp_path, Control()) as post:
        until(lambda: (now := read_owner(tmp_path)) is not None and now.beat > 0)  # the first beat, and the last
        post.check()
        other = Owner("other", "node7", "another boot", 1, 1)
        (tmp_path / OWNER_FILE).write_text(json.dumps(attrs.asdict(other)))
        post.check()  # it has beaten a moment ago
        monkeypatch.setattr(post, "_beaten", time.monotonic() - 10)
        with pytest.raises(RunOwned, match="process 1 on node7 has taken over"):
            post.check()
