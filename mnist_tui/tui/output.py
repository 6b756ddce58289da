"""The thread that writes to the terminal, and how long the terminal makes it wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from queue import Queue
from typing import IO

from textual.drivers._writer_thread import WriterThread


class Output(WriterThread):
    """Textual's, but nobody who hands something over ever waits: its queue of 30 stops the keys on a slow link.

    Whoever hands over is to look at `backlog` first, or the queue grows.
    """

    def __init__(self, file: IO[str]) -> None:
        super().__init__(file)
        self._queue: Queue[str | None] = Queue()
        self._through: Callable[[], None] | None = None
        self._waited = 0.0
        self._since: float | None = None

    @property
    def backlog(self) -> int:
        """What was handed over and is not all taken by the terminal."""
        return self._queue.unfinished_tasks

    @property
    def waited(self) -> float:
        """Seconds spent in writing so far, which is waiting for the terminal but for microseconds."""
        since = self._since
        return self._waited + (time.monotonic() - since if since is not None else 0.0)

    def tell_when_through(self, tell: Callable[[], None]) -> None:
        """Call `tell` once, in the writing thread, when all that was handed over is written."""
        self._through = tell
        if not self.backlog:
            self._tell()

    def run(self) -> None:
        """Write and flush, one after the other."""
        while (text := self._queue.get()) is not None:
            self._since = began = time.monotonic()
            self._file.write(text)
            self._file.flush()
            self._since = None
            self._waited += time.monotonic() - began
            self._queue.task_done()
            if self._through is not None and not self.backlog:
                self._tell()
        self._queue.task_done()
        self._tell()  # the end may have been handed over before the last check

    def _tell(self) -> None:
        tell, self._through = self._through, None
        if tell is not None:
            tell()
