"""Time that a process spends stopped by Ctrl+Z, which no figure of its training may count."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

_suspended = 0.0
_since: float | None = None


def training_clock() -> float:
    """Seconds of a clock that stands still while the process is suspended."""
    now = time.perf_counter() if _since is None else _since
    return now - _suspended


@contextlib.contextmanager
def suspension() -> Iterator[None]:
    """Around what stops the process: the clock stands from before it until after it, whichever thread runs first."""
    global _suspended, _since
    _since = time.perf_counter()
    try:
        yield
    finally:
        _suspended += time.perf_counter() - _since
        _since = None
