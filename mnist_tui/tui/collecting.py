"""Garbage collection that the eye does not see."""

from __future__ import annotations

import gc
import time

LONGEST = 0.02  # seconds: less than a frame at 30 a second

_began = 0.0


def keep_collections_short() -> None:
    """Have a collection that took long be the last one to look at what it kept.

    torch alone is 260 000 objects that stay for ever, and the first batches import 100 000 more: with them a full
    collection stops the screen for 140 ms, without for 8. What is kept and later unreachable in a circle stays too,
    which is little: what this program makes much of is not circular.
    """
    if _note not in gc.callbacks:
        gc.callbacks.append(_note)


def _note(phase: str, info: dict[str, int]) -> None:
    global _began
    if phase == "start":
        _began = time.perf_counter()
    elif info["generation"] == 2 and time.perf_counter() - _began > LONGEST:
        gc.freeze()
