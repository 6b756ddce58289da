"""The real program in a real pseudo-terminal, read by a terminal emulator."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyte

from tests.e2e.nursery import sit_at, start_forked

SYNC_QUERY, SYNC_ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_SIP = 512  # bytes that a slow line takes at once
LEFT_ALTERNATE_SCREEN = b"\x1b[?1049l"


def altered(folder: Path, codes: Mapping[str, str]) -> dict[str, str | None]:
    """An environment in which, for each `module -> code`, the code runs inside the module once that is imported.

    So a fault is put into the real program.
    """
    place = folder / "altered"
    place.mkdir(exist_ok=True)
    (place / "sitecustomize.py").write_text(_HOOK.format(codes=dict(codes)))
    return {"PYTHONPATH": f"{place}:{os.environ.get('PYTHONPATH', os.getcwd())}"}


def _read_by_python(variables: Iterable[str]) -> bool:
    """Whether one of `variables` is read when Python starts, and never again."""
    return any(name.startswith(("LC_", "LANG", "PYTHON")) and name != "PYTHONPATH" for name in variables)


def torch_takes_for_ever(folder: Path) -> dict[str, str | None]:
    """An environment in which torch is imported for ever; where only the screen matters that saves the 2 s it takes."""
    code = "import threading\ndef load_engine(settings, source, test, importing, launch=None):\n"
    return altered(folder, {"mnist_tui.loading": code + " importing(True)\n threading.Event().wait()"})


_HOOK = """
import importlib.abc, importlib.util, sys

codes = {codes!r}

class After(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        code = codes.pop(name, None)
        if code is None:
            return None
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module
        def exec_module(module):
            execute(module)
            exec(code, vars(module))
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, After())
"""


class Terminal:
    """A child process on a pseudo-terminal of `columns` x `rows`.

    Args:
        arguments: of `mnist-tui`.
        folder: its runs are kept in `runs` there.
        columns, rows: the window's size.
        environment: variables to set, or, where None, to take away.
        limits: resource limits of the process.
        redirect: descriptors that are a file and not the terminal.
        rate: bytes a second that are read; 0 for all there are.
        anew: whether it imports torch by itself, as it does for everybody else; else it has that from a process of the
            tests, and is seconds sooner.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        *,
        columns: int = 120,
        rows: int = 36,
        environment: Mapping[str, str | None] | None = None,
        limits: Mapping[int, int] | None = None,
        redirect: Mapping[int, str] | None = None,
        rate: int = 0,
        anew: bool = False,
    ) -> None:
        self._rate = rate
        settings: dict[str, str | None] = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "MNIST_TUI_RUNS_DIR": str(folder / "runs"),
            **(environment or {}),
        }
        child_environment = {key: value for key, value in settings.items() if value is not None}
        self.output = bytearray()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.exit_code: int | None = None
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.attributes_before = termios.tcgetattr(slave)
        anew = anew or sys.platform != "linux" or _read_by_python(environment or {})
        start = self._start_anew if anew else start_forked
        self.pid = start(arguments, slave, child_environment, limits or {}, redirect or {})
        self._slave = slave
        self.master = master

    @staticmethod
    def _start_anew(
        arguments: Sequence[str],
        terminal: int,
        environment: Mapping[str, str],
        limits: Mapping[int, int],
        redirect: Mapping[int, str],
    ) -> int:
        """As `start_forked`, from a program's file."""
        pid = os.fork()
        if pid == 0:
            sit_at(terminal, limits, redirect)
            os.execve(sys.executable, [sys.executable, "-m", "mnist_tui", *arguments], environment)
        return pid

    def pump(self, seconds: float = 0.05) -> bool:
        """Read what arrives within `seconds`; false where nothing did."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self.master, _SIP if self._rate else 65536)
        except OSError as error:
            if error.errno == errno.EIO:
                return False
            raise
        self.output += data
        if self._rate:
            select.select([], [], [], len(data) / self._rate)
        if SYNC_QUERY in data:
            os.write(self.master, SYNC_ANSWER)
        # pyte knows neither kitty's keyboard protocol nor private queries that end in `u` or `$p`
        self._stream.feed(data.replace(b"\x1b[>25u", b"").replace(b"\x1b[<u", b"").replace(SYNC_QUERY, b""))
        return True

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(self.screen.display)

    def until(self, seen: str | Callable[[str], bool], seconds: float = 30.0) -> str:
        """Read until `seen` is on the screen, or true of it; fail with the screen where it never is."""
        check: Callable[[str], bool] = (lambda text: seen in text) if isinstance(seen, str) else seen
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if check(self.text):
                return self.text
            self.pump()
            if self._ended() and not self.pump(0):
                break
        if check(self.text):
            return self.text
        raise AssertionError(f"never saw {seen!r} (exit {self.exit_code}):\n{self.text}")

    def wait_for(self, true: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait, without reading, until something outside the screen is true."""
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came true (exit {self.exit_code}):\n{self.text}")
            select.select([], [], [], 0.05)

    @property
    def unread(self) -> int:
        """Bytes that the program has written and nobody has read; it stands still once the buffer is full."""
        (count,) = struct.unpack("i", fcntl.ioctl(self.master, termios.FIONREAD, b"\0" * 4))
        return int(count)

    @property
    def said(self) -> str:
        """What was written to the normal screen after the alternate one was left."""
        text = bytes(self.output).rpartition(LEFT_ALTERNATE_SCREEN)[2].decode(errors="replace")
        return re.sub(r"\x1b\[[?<>=]?[0-9;]*[a-zA-Z]|\r", "", text)

    @property
    def joined(self) -> str:
        """What is on the screen, with lines that were broken at its edge in one piece."""
        return "".join(self.screen.display)

    def type(self, keys: str) -> None:
        """Send keys as a terminal does."""
        os.write(self.master, keys.encode())

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        os.kill(self.pid, number)

    def resize(self, columns: int, rows: int) -> None:
        """Change the window's size."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self._slave)
        self._slave = -1
        os.close(self.master)
        self.master = -1

    def _ended(self) -> bool:
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code is not None

    def wait_until_stopped(self, seconds: float = 30.0) -> None:
        """Read until the program has stopped, as by Ctrl+Z; where nobody reads it waits to say its last word."""
        deadline = time.monotonic() + seconds
        while not os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                raise AssertionError(f"not stopped after {seconds} s:\n{self.text}")
            self.pump()

    def wait(self, seconds: float = 20.0, *, reading: bool = True) -> int:
        """Read until the program ends, or only wait for it; its exit code."""
        deadline = time.monotonic() + seconds
        while not self._ended():
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {seconds} s:\n{self.text}")
            if self.master >= 0 and reading:
                self.pump()
            else:
                select.select([], [], [], 0.05)
        while self.master >= 0 and self.pump(0):
            pass
        assert self.exit_code is not None
        return self.exit_code

    @property
    def restored(self) -> bool:
        """Whether the terminal is as the shell left it: normal screen, no mouse, a cursor, echo."""
        modes = termios.tcgetattr(self._slave)
        return (
            bytes(self.output).rfind(LEFT_ALTERNATE_SCREEN) > bytes(self.output).rfind(b"\x1b[?1049h")
            and bytes(self.output).rfind(b"\x1b[?1003l") > bytes(self.output).rfind(b"\x1b[?1003h")
            and bytes(self.output).rfind(b"\x1b[?25h") > bytes(self.output).rfind(b"\x1b[?25l")
            and modes[3] == self.attributes_before[3]
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for descriptor in (self.master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)
