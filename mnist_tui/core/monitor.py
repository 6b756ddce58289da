"""The machine's load, read once a second by a thread of its own: asking a driver may block."""

from __future__ import annotations

import threading

from mnist_tui.core.speed import MachineLoad

SECONDS = 1.0


class Monitor:
    """Reads while somebody watches, and sleeps without waking while nobody does.

    Attributes:
        load: the newest reading; None before the first.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.load: MachineLoad | None = None
        self._seconds = seconds
        self._device = "cpu"
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, device: str, wanted: bool) -> None:
        """Read from now on, or do not; `device` is what is trained on: `cpu`, `cuda:0`, `mps`."""
        self._device = device
        if not wanted:
            self._wanted.clear()
        elif not self._wanted.is_set():
            self._wanted.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._read, name="telemetry", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread, without waiting for a driver."""
        self._closed.set()
        self._wanted.set()

    def _read(self) -> None:
        from mnist_tui.core.telemetry import Telemetry

        telemetry, device = Telemetry(self._device), self._device
        while not self._closed.wait(self._seconds):
            if not self._wanted.is_set():
                self._wanted.wait()
                telemetry = Telemetry(self._device)  # what was before is no part of the next reading
            elif self._device != device:
                telemetry, device = Telemetry(self._device), self._device
            else:
                self.load = telemetry.read()
