"""What the operating system lets run first."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

NICE = 5
"""How far the training stands behind the screen; 0 is as far as the screen itself, 19 the farthest.

With two threads on two cores, a key was answered in 13 ms instead of 18 (p50; p95 21 instead of 29 to 31):
`benchmarks.key_latency`. What the training loses or gains by it was not read by itself.
"""


def let_others_first() -> None:
    """Put the calling thread, and those that it starts, behind the other threads of this process, where that exists.

    Linux alone has it by thread. Other programs come before it, too, but for those of another login or tmux pane, where
    the kernel shares the processor out by session.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + NICE))
