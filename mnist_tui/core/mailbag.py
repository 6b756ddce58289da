"""Commands from one process to the one that trains a run, as numbered files in the run's `control/`.

A command is written whole under a temporary name and linked to the next free number, so that two who write at once
never take the same one. Nothing that is read here is trusted: whoever may write into the folder may write anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import attrs

from mnist_tui.core.errors import UserError
from mnist_tui.core.hyperparameters import KNOBS
from mnist_tui.core.knob import Value

CONTROL_FOLDER = "control"
Command: TypeAlias = Literal[
    "edit",
    "undo",
    "recover",
    "pause",
    "resume",
    "step",
    "evaluate",
    "save",
    "find_rate",
    "cancel_rate",
    "stop_after_epoch",
    "stop",
]
_COMMANDS: dict[str, Command] = {command: command for command in get_args(Command)}
_FILE = re.compile(r"(\d{8,15})\.json", re.ASCII)
_LARGEST = 1 << 16  # bytes; an edit of every field at once takes under one thousand


class BadLetter(UserError):
    """A command file holds no command; the sentence says why."""


@attrs.frozen
class Letter:
    """One command.

    Attributes:
        command: what shall be done.
        changes: other values for some live hyperparameters, where it is an edit.
        wanted: whether the run shall end with the epoch under way, where it is about that.
    """

    command: Command
    changes: Mapping[str, Value] = attrs.field(factory=dict)
    wanted: bool = True


def post(folder: Path, letter: Letter, after: int = 0) -> int:
    """Leave `letter` for whoever trains the run in `folder`; returns its number, which is greater than `after`.

    Raises:
        OSError: it could not be written.
    """
    control = folder / CONTROL_FOLDER
    control.mkdir(exist_ok=True)
    temporary = control / f".{uuid.uuid4().hex}.tmp"
    try:
        temporary.write_text(json.dumps(attrs.asdict(letter)) + "\n", encoding="ascii")
        number = max([after, *waiting(folder)]) + 1
        while not _place(temporary, _path(folder, number)):
            number += 1
        return number
    finally:
        temporary.unlink(missing_ok=True)


def _place(temporary: Path, path: Path) -> bool:
    """Give a whole file its number; false where somebody else has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links: of two at one instant, the last one wins
        if path.exists():
            return False
        os.rename(temporary, path)
    return True


def waiting(folder: Path) -> list[int]:
    """The numbers of the commands that lie there, lowest first; what is no file of a command is passed over."""
    try:
        with os.scandir(folder / CONTROL_FOLDER) as entries:
            found = [(_FILE.fullmatch(entry.name), entry) for entry in entries]
            return sorted(int(match[1]) for match, entry in found if match and not entry.is_dir(follow_symlinks=False))
    except OSError:  # nobody has left any yet, or the folder is gone
        return []


def read(folder: Path, number: int) -> Letter:
    """Command `number`.

    Raises:
        BadLetter: it holds none.
        FileNotFoundError: it is not there any more.
    """
    try:
        content = _content(_path(folder, number))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise BadLetter(f"command {number} cannot be read: {type(error).__name__}") from None
    word = content.get("command") if isinstance(content, dict) else None
    command = _COMMANDS.get(word) if isinstance(word, str) else None
    if command is None:
        raise BadLetter(f"command {number} is none that this version knows")
    if command == "edit":
        return Letter(command, _changes(number, content.get("changes")))
    wanted = content.get("wanted", True)
    if not isinstance(wanted, bool):
        raise BadLetter(f"command {number} does not say what is wanted")
    return Letter(command, wanted=wanted)


def _content(path: Path) -> Any:
    # Neither a link to elsewhere nor a pipe, at which a reader would hang, is followed.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no file")
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("too long")
    return json.loads(data)


def _changes(number: int, changes: Any) -> dict[str, Value]:
    if not isinstance(changes, dict) or not changes:
        raise BadLetter(f"command {number} is an edit of nothing")
    for name, value in changes.items():
        if name not in KNOBS:
            raise BadLetter(f"command {number}: there is no such hyperparameter")
        try:
            KNOBS[name].check(value)
        except UserError as error:
            raise BadLetter(f"command {number}: {error}") from None
        if not KNOBS[name].live:
            raise BadLetter(f"command {number}: {KNOBS[name].label} takes effect in the next run alone")
    return {name: float(value) if KNOBS[name].kind == "float" else value for name, value in changes.items()}


def remove(folder: Path, number: int) -> bool:
    """Take command `number` away; false where it is still there."""
    try:
        _path(folder, number).unlink(missing_ok=True)
    except OSError:
        return False
    return True


def clear(folder: Path) -> None:
    """Take every command away, and what was half written; never fails."""
    for number in waiting(folder):
        remove(folder, number)
    with contextlib.suppress(OSError):
        for path in (folder / CONTROL_FOLDER).glob(".*.tmp"):
            path.unlink(missing_ok=True)


def _path(folder: Path, number: int) -> Path:
    return folder / CONTROL_FOLDER / f"{number:08d}.json"
