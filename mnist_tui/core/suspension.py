"""Time that a process spent stopped by Ctrl+Z, which no figure of its training may count."""

from __future__ import annotations

import time

_suspended = 0.0


def training_clock() -> float:
    """Seconds of a clock that stands still while the process is suspended."""
    return time.perf_counter() - _suspended


def note_suspension(seconds: float) -> None:
    """The process was suspended for `seconds`."""
    global _suspended
    _suspended += max(0.0, seconds)
