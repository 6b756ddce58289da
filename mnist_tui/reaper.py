"""The end of a training without a screen whose lines nobody reads any more."""

from __future__ import annotations

import threading
import time

from mnist_tui.leaving import Departure, leave_unread
from mnist_tui.runner.local import LocalRunner

LOOK_SECONDS = 0.2
UNREAD_SECONDS = 10.0  # how long a line waits to be read, once a signal has come and the run is saved
IMPATIENT_SECONDS = 1.0  # and once a second one has


class Reaper:
    """After a signal saves the run and ends the process, also where the thread that prints is stuck in a line.

    A reader that is slow, and reads, is waited for.
    """

    def __init__(self, departure: Departure, runner: LocalRunner) -> None:
        self._departure = departure
        self._runner = runner
        self._told = 0.0
        self._gone = threading.Event()
        threading.Thread(target=self._watch, name="reaper", daemon=True).start()

    def told(self) -> None:
        """A line got through."""
        self._told = time.monotonic()

    def close(self) -> None:
        """All is told."""
        self._gone.set()

    def _watch(self) -> None:
        while not self._gone.wait(LOOK_SECONDS):
            if self._departure.asked.is_set():
                self._runner.stop(self._departure.reason)  # also one that began after the signal
            if not self._departure.asked.is_set() or not self._runner.wait_until_idle(0):
                self.told()
            patience = IMPATIENT_SECONDS if self._departure.interrupts > 1 else UNREAD_SECONDS
            if time.monotonic() - self._told > patience:
                leave_unread(self._departure.exit_code)
