"""The clipboard of the terminal at the other end of the line."""

from __future__ import annotations

import base64


def osc52(text: str) -> str:
    """The escape sequence that asks a terminal to put `text` on its clipboard (xterm's OSC 52)."""
    return f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
