"""Garbage collection that the eye does not see."""

from __future__ import annotations

import gc
import time

LONGEST = 0.02  # seconds of this thread's work, however busy the machine is: less than a frame at 30 a second

_began = 0.0


def keep_collections_short() -> None:
    """Have a collection that took long be the last one to look at what it kept.

    torch alone is 260 000 objects that stay for ever, and the first batches import 100 000 more: with them a full
    collection stops the screen for 140 ms, without for 8. What is kept and later unreachable in a circle stays too,
    until `let_go`.
    """
    if _note not in gc.callbacks:
        gc.callbacks.append(_note)


def let_go() -> None:
    """Collect what an app that ended leaves behind, which is circular, and keep the rest as before; 0.2 s."""
    if _note in gc.callbacks:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def _note(phase: str, info: dict[str, int]) -> None:
    global _began
    if phase == "start":
        _began = time.thread_time()
    elif info["generation"] == 2 and time.thread_time() - _began > LONGEST:
        gc.freeze()
