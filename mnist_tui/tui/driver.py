"""Textual's Linux driver with two holes closed that would end a training run, and fewer interruptions of it.

A stray SIGCONT (the kernel sends one with every hangup, batch systems before they cancel) restarts the application mode
and leaks threads; bytes that are no UTF-8 (legacy mouse reports after a reattach, Textual issue 6668) end the program.
And of two resizes in quick succession the later one was told first now and then: the screen kept the wrong size.
"""

from __future__ import annotations

import asyncio
import codecs
import functools
import signal
from typing import Any

from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size

from mnist_tui.core.suspension import suspension
from mnist_tui.tui.output import Output


def _lenient_decoder(name: str) -> Any:
    return functools.partial(codecs.getincrementaldecoder(name), errors="replace")


class GuardedDriver(LinuxDriver):
    """Ignores a SIGCONT that no SIGTSTP came before, replaces bytes that are no UTF-8, and writes a frame at once."""

    _suspended = False
    _frame: list[str] | None = None

    @property
    def output(self) -> Output | None:
        """The thread that writes, while there is one."""
        return self._writer_thread if isinstance(self._writer_thread, Output) else None

    def start_application_mode(self) -> None:
        """Textual's, with another writing thread than the module's own, and with sizes in the order they came in."""
        linux_driver.WriterThread = Output  # type: ignore[attr-defined]
        super().start_application_mode()  # type: ignore[no-untyped-call]
        loop = asyncio.get_running_loop()
        signal.signal(signal.SIGWINCH, lambda *_: asyncio.run_coroutine_threadsafe(self._tell_size(), loop))

    async def _tell_size(self) -> None:
        """Read the terminal's size here, not in the handler: a second signal interrupts that between look and word."""
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            await self._app._post_message(Resize(size, size))

    def write(self, data: str) -> None:
        """Hand `data` to the writing thread; the parts of a synchronised frame go together.

        Each hand-over wakes that thread, which takes a core and the GIL from the training: one a frame, not three.
        """
        if data == SYNC_START:
            self._frame = [data]
        elif self._frame is None:
            super().write(data)
        else:
            self._frame.append(data)
            if data == SYNC_END:
                whole, self._frame = "".join(self._frame), None
                super().write(whole)

    def run_input_thread(self) -> None:
        """Read keys; the module's own decoder is strict."""
        linux_driver.getincrementaldecoder = _lenient_decoder  # type: ignore[attr-defined, assignment]
        super().run_input_thread()

    def _sigtstp_application(self, *arguments: Any) -> None:
        self._suspended = True
        with suspension():
            super()._sigtstp_application(*arguments)  # stops here until somebody lets the process go on

    def _sigcont_application(self, *arguments: Any) -> None:
        if self._suspended:
            self._suspended = False
            super()._sigcont_application(*arguments)
