"""A training that outlives its terminal: `train` as a process of its own, in a session of its own.

The child is told by `MNIST_TUI_DETACHED` that somebody may watch it, where its output is collected, and which pipe
its parent waits at for the run's folder.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import attrs

from mnist_tui.core.errors import UserError
from mnist_tui.core.runs import name_of
from mnist_tui.core.settings import ScreenSettings, default_runs_dir

DETACHED_VARIABLE = "MNIST_TUI_DETACHED"
OUTPUT_FILE = "output.txt"


class EndedEarly(UserError):
    """The training ended before it had a folder; what it said is the message, and its exit code ours."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def train_words(words: Sequence[str]) -> list[str]:
    """The flags of `words` that `train` takes too: all but `--detached` and the screen's."""
    screen = {"--" + field.name.replace("_", "-"): field.type for field in attrs.fields(ScreenSettings)}
    switches = {flag for flag, kind in screen.items() if kind in (bool, "bool")}
    values = set(screen) - switches
    dropped = {"--detached", *switches, *(flag.replace("--", "--no-", 1) for flag in switches)}
    kept: list[str] = []
    skip = False
    for word in words:
        flag, equals, _ = word.partition("=")
        if skip:
            skip = False
        elif flag in values:
            skip = not equals
        elif flag not in dropped:
            kept.append(word)
    return kept


def start(words: Sequence[str], runs_dir: Path) -> tuple[Path, int]:
    """Begin `mnist-tui train` with `words` in a process of its own; return its run's folder and the process.

    Raises:
        EndedEarly: it ended before it had a folder.
        UserError: `runs_dir` cannot be written.
    """
    log = runs_dir / f".starting-{uuid.uuid4().hex[:12]}.txt"
    reading, writing = os.pipe()
    try:
        try:
            runs_dir.mkdir(parents=True, exist_ok=True)
            output = open(log, "xb")
        except OSError as error:
            raise UserError(
                f"cannot write to {runs_dir}: {error.strerror}; choose another place with --runs-dir"
            ) from None
        with output:
            child = subprocess.Popen(
                [sys.executable, "-m", "mnist_tui", "train", *words],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(writing,),
                env={**os.environ, DETACHED_VARIABLE: f"{writing}:{log.absolute()}"},
            )
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    try:
        with open(reading, "rb") as pipe:
            folder = pipe.read()
    except KeyboardInterrupt:  # before anything is trained: it is called off
        child.terminate()
        log.unlink(missing_ok=True)
        raise
    if folder:
        return Path(os.fsdecode(folder)), child.pid
    raise _ended(child.wait(), log)


def _ended(code: int, log: Path) -> EndedEarly:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        log.unlink()
    except OSError:
        lines = []
    said = [line.removeprefix("mnist-tui: ") for line in lines if line.startswith("mnist-tui: ")]
    message = said[-1] if said else lines[-1] if lines else "the training ended before it began"
    return EndedEarly(message, code if code > 0 else 128 - code if code < 0 else 1)


def is_detached() -> bool:
    """Whether this process is a detached training, which somebody may watch."""
    return DETACHED_VARIABLE in os.environ


def settle(folder: Path) -> None:
    """In a detached training that has its folder: collect the output there, and tell the parent where it is."""
    descriptor, _, log = os.environ.get(DETACHED_VARIABLE, "").partition(":")
    if not descriptor.isdecimal():
        return
    os.environ[DETACHED_VARIABLE] = ""  # once
    with contextlib.suppress(OSError):  # another file system: it stays where it is
        os.rename(log, _free(folder))
    with contextlib.suppress(OSError), open(int(descriptor), "wb") as pipe:  # a parent that is gone needs no word
        pipe.write(os.fsencode(folder.absolute()))


def _free(folder: Path) -> Path:
    path, number = folder / OUTPUT_FILE, 1
    while path.exists():
        number += 1
        path = folder / f"output-{number}.txt"
    return path


def watch_command(folder: Path) -> str:
    """What brings the screen of the run in `folder` back, typed in this folder."""
    ours = os.path.realpath(folder.parent) == os.path.realpath(default_runs_dir())
    return f"mnist-tui watch {shlex.quote(name_of(folder) if ours else str(folder))}"
