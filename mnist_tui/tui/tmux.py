"""What tmux keeps from the terminal it runs in, and how it gets there."""

from __future__ import annotations

import os
import subprocess
import threading

_PATIENCE = 2.0  # seconds for a tmux server that is busy


def inside_tmux() -> bool:
    """Whether the screen is a pane of tmux."""
    return bool(os.environ.get("TMUX"))


def wrap(sequence: str) -> str:
    """An escape sequence for the terminal outside: tmux hands it on where its `allow-passthrough` is on."""
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def load_buffer(text: str) -> threading.Thread:
    """Have tmux keep `text` as its newest buffer and hand it to the clipboard of the terminal outside.

    tmux 3.2 and later do so as they come; they drop what a program in a pane writes for the clipboard unless
    `set-clipboard` or `allow-passthrough` is on, and both are off by default. It is done by a thread, as nobody waits
    for it; where there is no such tmux nothing happens.
    """
    thread = threading.Thread(target=_load_buffer, args=(text,), name="tmux", daemon=True)
    thread.start()
    return thread


def _load_buffer(text: str) -> None:
    command = ["tmux", "load-buffer", "-w", "-"]
    try:
        subprocess.run(command, input=text.encode(), capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
