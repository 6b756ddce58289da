"""Textual's Linux driver with two holes closed that would end a training run.

A stray SIGCONT (the kernel sends one with every hangup, batch systems before they cancel) restarts the application mode
and leaks threads; bytes that are no UTF-8 (legacy mouse reports after a reattach, Textual issue 6668) end the program.
"""

from __future__ import annotations

import codecs
import functools
from typing import Any

from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver


def _lenient_decoder(name: str) -> Any:
    return functools.partial(codecs.getincrementaldecoder(name), errors="replace")


class GuardedDriver(LinuxDriver):
    """Ignores a SIGCONT that no SIGTSTP came before, and replaces bytes that are no UTF-8."""

    _suspended = False

    def run_input_thread(self) -> None:
        """Read keys; the module's own decoder is strict."""
        linux_driver.getincrementaldecoder = _lenient_decoder  # type: ignore[attr-defined, assignment]
        super().run_input_thread()

    def _sigtstp_application(self, *arguments: Any) -> None:
        self._suspended = True
        super()._sigtstp_application(*arguments)

    def _sigcont_application(self, *arguments: Any) -> None:
        if self._suspended:
            self._suspended = False
            super()._sigcont_application(*arguments)
