"""Leaving well: signals become facts that a loop looks at, and the terminal is given back even if the screen is stuck.

Textual handles neither SIGTERM nor SIGHUP, and an asyncio handler does not run while a stalled terminal blocks the
loop; so the handlers here are raw, and only note what came.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

from mnist_tui.core.suspension import suspension

DEBUG_VARIABLE = "MNIST_TUI_DEBUG"
RESTORE_TERMINAL = (
    b"\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[0m"
)
_REASONS: dict[int, str] = {
    signal.SIGTERM: "SIGTERM: somebody, or a batch system, ended it",
    signal.SIGHUP: "the terminal was gone",
    signal.SIGINT: "Ctrl+C",
}
SCREEN_SECONDS = 2.0  # how long a signal waits for the screen to end by itself
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Departure:
    """Which signal asked the process to go, and how often.

    Attributes:
        number: the first signal that came, or None.
        asked: set once a signal came; a thread may wait for it.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.asked = threading.Event()
        self.interrupts = 0
        self._alone = False

    def listen(self) -> None:
        """Note SIGTERM, SIGHUP and SIGINT from now on; what is ignored (nohup) stays ignored."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note)

    def suspend_honestly(self) -> None:
        """Let Ctrl+Z stop the process as ever, and keep that time out of the figures."""
        if signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN:
            signal.signal(signal.SIGTSTP, _suspend)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self._alone and number == signal.SIGHUP:
            return  # a closed terminal may send more than one
        if number == signal.SIGINT:
            self.interrupts += 1
        if self.number is None:
            self.number = number
        self.asked.set()

    @property
    def reason(self) -> str:
        """Why to go, for the record."""
        return _REASONS.get(self.number, "") if self.number is not None else ""

    @property
    def hung_up(self) -> bool:
        """Whether the terminal is gone."""
        return self.number == signal.SIGHUP

    def outlive_terminal(self) -> None:
        """The terminal is gone and is not needed: wait for a signal of another kind."""
        self._alone = True
        self.asked.clear()
        self.number = None

    @property
    def exit_code(self) -> int:
        """128 plus the signal; 0 where none came."""
        return 128 + self.number if self.number is not None else 0


def _suspend(number: int, _: FrameType | None) -> None:
    with suspension():
        os.kill(os.getpid(), signal.SIGSTOP)  # until SIGCONT


def say(line: str) -> None:
    """A line on stderr; a terminal that is gone is no reason to fail again."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)


def leave_at_once(code: int) -> NoReturn:
    """End the process without Python's clean-up: an unjoined torch thread would abort it instead."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def leave_stuck_screen(gone: threading.Event, attributes: list[object] | None, departure: Departure) -> None:
    """After a signal: end the process unless the screen is `gone` soon; a terminal that nobody reads may hold it."""
    if not gone.wait(SCREEN_SECONDS):
        restore_terminal(attributes)
        leave_unread(departure.exit_code)


def leave_unread(code: int) -> NoReturn:
    """As `leave_at_once` where a reader has stalled: whoever writes to it holds the stream, and a flush would wait."""
    os._exit(code)


def restore_terminal(attributes: list[object] | None) -> None:
    """Give the terminal back without Textual: leave the alternate screen, stop the mouse, show the cursor, echo again.

    It never blocks: a terminal that nobody reads cannot be restored, and is not waited for.
    """
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return  # there is no terminal any more
    with contextlib.suppress(OSError):
        os.write(descriptor, RESTORE_TERMINAL)
    if attributes is not None:
        import termios

        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, attributes)  # type: ignore[arg-type]
    os.close(descriptor)


def forget_terminal() -> None:
    """Put nothing in the terminal's place: what still writes to it fails no more, and what reads from it ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def terminal_attributes() -> list[object] | None:
    """What `restore_terminal` needs; None where stdin is no terminal."""
    try:
        import termios

        return list(termios.tcgetattr(0))
    except (ImportError, OSError, termios.error):
        return None
