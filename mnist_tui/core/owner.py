"""Who trains a run: `owner.json` with a heartbeat, and the claim that makes a run folder one process's own.

Run folders live on NFS, where locks and clocks lie: a heartbeat is a counter, and it is stale when it has not moved on
the observer's own clock. On the machine that trains, the process itself is looked at, which needs no waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

import attrs

from mnist_tui.core.errors import UserError
from mnist_tui.core.events import RunState

OWNER_FILE = "owner.json"
HEARTBEAT_SECONDS = 0.5
STALE_SECONDS = 5.0  # NFS clients may show a file as it was three seconds ago

Pulse: TypeAlias = Literal["live", "stalled", "gone"]


ENDED: dict[str, RunState] = {"done": "finished", "stopped": "stopped", "failed": "failed"}
"""What the `status` in `run.json` says of a run that is over."""


def state_of(status: object, pulse: Pulse) -> RunState:
    """How a run stands, by the `status` in its `run.json` and its owner's pulse."""
    ended = ENDED.get(status) if isinstance(status, str) else None
    return ended or ("crashed" if pulse == "gone" else pulse)


class RunOwned(UserError):
    """Another process trains this run, or took it over."""


@attrs.frozen
class Owner:
    """The process that trains a run.

    Attributes:
        token: of this claim; no other claim has it.
        host: the machine's name, for people.
        machine: its boot and its process table, between which process numbers mean the same; empty where unknown.
        pid: the process.
        born: when it began, in ticks since the boot, so that a number used again is not taken for it; or None.
        beat: how often the heart has beaten.
    """

    token: str
    host: str
    machine: str
    pid: int
    born: int | None
    beat: int = 0

    @property
    def words(self) -> str:
        """`process 123 on node7`."""
        return f"process {self.pid} on {self.host}"


def read_owner(folder: Path) -> Owner | None:
    """Who trains the run in `folder`; None where nobody does, or the file is no such file."""
    try:
        content = json.loads((folder / OWNER_FILE).read_text(encoding="utf-8"))
        words = {name: content[name] for name in ("token", "host", "machine")}
        pid, born, beat = content["pid"], content["born"], content["beat"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not all(isinstance(word, str) for word in words.values()) or type(pid) is not int or type(beat) is not int:
        return None
    return Owner(**words, pid=pid, born=born if type(born) is int else None, beat=beat) if pid > 0 else None


class Pulses:
    """Tells by one look after the other whether owners live; `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moved: dict[str, tuple[int, float]] = {}

    def judge(self, owner: Owner | None) -> Pulse:
        """`gone`: provably no such process. `stalled`: its heart has not beaten for five seconds of looking."""
        if owner is None or _has_died(owner):
            return "gone"
        now = self._clock()
        beat, since = self._moved.get(owner.token, (None, now))
        if beat != owner.beat:
            self._moved[owner.token] = (owner.beat, now)
            return "live"
        return "stalled" if now - since >= STALE_SECONDS else "live"

    def seen_beating(self, owner: Owner) -> bool:
        """Whether the beat is another than that of an earlier look; notes it where this is the first."""
        beat, _ = self._moved.setdefault(owner.token, (owner.beat, self._clock()))
        return beat != owner.beat


class Claim:
    """A run folder that is ours to write, until `release`."""

    def __init__(self, folder: Path, owner: Owner) -> None:
        self._folder = folder
        self._owner = owner

    def beat(self) -> None:
        """Show that we are alive.

        Raises:
            RunOwned: somebody else has taken the run over.
            OSError: it could not be written.
        """
        there = read_owner(self._folder)
        if there is not None and there.token != self._owner.token:
            raise RunOwned(f"{there.words} has taken over {self._folder}: this one writes there no more")
        self._owner = attrs.evolve(self._owner, beat=self._owner.beat + 1)
        _write(self._folder, self._owner)

    def release(self) -> None:
        """Let others claim the run; never fails."""
        there = read_owner(self._folder)
        if there is not None and there.token == self._owner.token:
            with contextlib.suppress(OSError):
                (self._folder / OWNER_FILE).unlink()


def claim(folder: Path, wait: Callable[[float], object] = time.sleep) -> Claim:
    """Make the run in `folder` ours.

    Where its last owner is on another machine and left no word, its heartbeat is watched for five seconds.

    Args:
        folder: the run.
        wait: how to let seconds pass.

    Raises:
        RunOwned: a process that lives trains it.
        UserError: the folder cannot be written.
    """
    mine = Owner(uuid.uuid4().hex, socket.gethostname(), _machine(), os.getpid(), _born(os.getpid()))
    there = read_owner(folder)
    if there is not None:
        _refuse_living(folder, there, wait)
    temporary = folder / f".{OWNER_FILE}.{mine.token}.tmp"
    try:
        if there is None or read_owner(folder) == there:
            with contextlib.suppress(FileNotFoundError):
                (folder / OWNER_FILE).unlink()
        temporary.write_text(_text(mine), encoding="ascii")
        try:
            os.link(temporary, folder / OWNER_FILE)  # of two that come at once, one succeeds
        except FileExistsError:
            rival = read_owner(folder)
            who = rival.words if rival else "another process"
            raise _owned(folder, who) from None
        except OSError:  # a file system without hard links: the last one wins, and the other sees it at its next beat
            os.replace(temporary, folder / OWNER_FILE)
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Claim(folder, mine)


def _refuse_living(folder: Path, there: Owner, wait: Callable[[float], object]) -> None:
    if _has_died(there):
        return
    if there.machine == _machine() and there.born is not None:
        raise _owned(folder, there.words)
    for _ in range(round(STALE_SECONDS / HEARTBEAT_SECONDS) + 1):
        now = read_owner(folder)
        if now is None:
            return
        if (now.token, now.beat) != (there.token, there.beat):
            raise _owned(folder, now.words)
        wait(HEARTBEAT_SECONDS)


def _owned(folder: Path, who: str) -> RunOwned:
    return RunOwned(f"{who} trains {folder.name}: look at it with `mnist-tui watch {folder.name}`, or stop it first")


def runs_here(owner: Owner) -> bool:
    """Whether the process is one of this machine, so that its life can be told by one look."""
    return bool(owner.machine) and owner.machine == _machine()


def _has_died(owner: Owner) -> bool:
    """Whether that process is gone for certain, which only its own machine can tell."""
    if not runs_here(owner):
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # somebody else's process: it is there
        pass
    return owner.born is not None and _born(owner.pid) not in (owner.born, None)


def _machine() -> str:
    """This boot and this process table."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except (OSError, ValueError):  # no Linux: process numbers are compared on one host alone
        return socket.gethostname()


def _born(pid: int) -> int | None:
    """When a process began, in ticks since the boot (field 22 of /proc/PID/stat); a zombie has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()
        return -1 if fields[0] in {"Z", "X"} else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def _text(owner: Owner) -> str:
    return json.dumps(attrs.asdict(owner)) + "\n"


def _write(folder: Path, owner: Owner) -> None:
    """Without forcing it to the disk: after a power cut nobody is alive anyway."""
    temporary = folder / f".{OWNER_FILE}.{owner.token}.tmp"
    temporary.write_text(_text(owner), encoding="ascii")
    os.replace(temporary, folder / OWNER_FILE)
