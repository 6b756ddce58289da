"""A real terminal for a program under measurement: a pty of a given size that answers, types, reads and keeps time.

Every byte is read as soon as `select` says so and kept with its time of arrival. It answers the query for synchronized
output as xterm-compatible terminals do, so that the program brackets its frames.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

FRAME_BEGINS, FRAME_ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
RIGHT, LEFT, ENTER = b"\x1b[C", b"\x1b[D", b"\r"
TRAINING, PAUSED, DONE = "● training".encode(), "‖ paused".encode(), "✓ done".encode()  # the dashboard's status line

_QUERY, _ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_SIP = 256  # bytes that a slow line takes at once
_TICK = 0.005  # how often a child is asked whether it has ended


class TimedOut(Exception):
    """What was waited for did not come."""


class Terminal:
    """Runs `command` in a pty of `columns` x `rows`; as a context manager it leaves no process behind.

    With a `rate` it takes so many bytes a second and no more, as a slow line does.

    Attributes:
        started: when the child was forked; all times are `time.perf_counter` seconds.
        output: every byte so far.
        chunks: the time of arrival and the length of each read.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        columns: int = 120,
        rows: int = 36,
        rate: int = 0,
    ) -> None:
        self._rate = rate
        self._next_read = 0.0
        child = {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.output = bytearray()
        self.chunks: list[tuple[float, int]] = []
        self.exit_code: int | None = None
        self._open = True
        self.started = time.perf_counter()
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            try:
                for number in (signal.SIGHUP, signal.SIGINT):  # ignored under nohup and `&`, and handed down
                    signal.signal(number, signal.SIG_DFL)
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.chdir(directory)
                os.execvpe(command[0], list(command), child)
            finally:
                os._exit(127)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._pid

    @property
    def mark(self) -> int:
        """The place in `output` where the next byte will be."""
        return len(self.output)

    def write(self, keys: bytes) -> float:
        """Type `keys`; returns when."""
        now = time.perf_counter()
        os.write(self._descriptor, keys)
        return now

    def pump(self, seconds: float) -> None:
        """Read for `seconds`."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if not self._read(left):
                time.sleep(left)

    def wait_until(self, holds: Callable[[bytes], bool], since: int, seconds: float = 60.0) -> float:
        """Read until `holds` of what came after `since`; returns when the chunk that made it true arrived.

        Raises:
            TimedOut: it did not come within `seconds`, or the program closed its terminal before.
        """
        end = time.perf_counter() + seconds
        seen = -1
        while True:
            if len(self.output) != seen:
                seen = len(self.output)
                if holds(bytes(self.output[since:])):
                    return self.chunks[-1][0] if self.chunks else self.started
            left = end - time.perf_counter()
            if left <= 0 or not self._read(left):
                raise TimedOut(f"after {len(self.output)} bytes, the last being {bytes(self.output[-200:])!r}")

    def wait_for(self, *tokens: bytes, since: int = 0, seconds: float = 60.0) -> float:
        """As `wait_until`, for all of `tokens`."""
        return self.wait_until(lambda output: all(token in output for token in tokens), since, seconds)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        os.kill(self._pid, number)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self._descriptor)
        self._descriptor = -1
        self._open = False

    def wait_for_exit(self, seconds: float = 30.0, *, reading: bool = True) -> tuple[int, float]:
        """Read until the process is gone, or only wait for it; its exit code and the time it was reaped.

        Raises:
            TimedOut: it still ran after `seconds`.
        """
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if self._reap():
                assert self.exit_code is not None
                return self.exit_code, time.perf_counter()
            if not reading or not self._read(_TICK):
                time.sleep(_TICK)
        raise TimedOut(f"process {self._pid} still runs after {seconds} s")

    def kill(self) -> None:
        """End the process if it still runs, and close the terminal."""
        if self.exit_code is None:
            os.kill(self._pid, signal.SIGKILL)
            while not self._reap():
                self._read(_TICK)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def between(self, start: float, end: float) -> bytes:
        """What arrived from `start` to `end`."""
        position, parts = 0, []
        for arrived, length in self.chunks:
            if start <= arrived <= end:
                parts.append(bytes(self.output[position : position + length]))
            position += length
        return b"".join(parts)

    def _reap(self) -> bool:
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if pid:
            self.exit_code = os.waitstatus_to_exitcode(status)
        return bool(pid)

    def _read(self, seconds: float) -> bool:
        """Read once, waiting up to `seconds`; false where the other side has closed the terminal."""
        if not self._open:
            return False
        early = self._next_read - time.perf_counter() if self._rate else 0.0
        if early > 0:
            time.sleep(min(early, seconds))
            return True
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if not readable:
            return True
        try:
            data = os.read(self._descriptor, _SIP if self._rate else 1 << 16)
        except OSError:  # EIO: the last process on the other side is gone
            data = b""
        if not data:
            self._open = False
            return False
        self.chunks.append((time.perf_counter(), len(data)))
        if self._rate:
            self._next_read = time.perf_counter() + len(data) / self._rate
        self.output += data
        # Only the new bytes and what a query cut in two needs: a search of everything would slow the reader down.
        if self.output.find(_QUERY, max(0, len(self.output) - len(data) - len(_QUERY) + 1)) >= 0:
            os.write(self._descriptor, _ANSWER)
        return True
