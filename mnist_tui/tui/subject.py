"""What is looked at closely."""

from __future__ import annotations

import attrs


@attrs.frozen
class Subject:
    """One picture of 784 bytes, what to call it, and its class where that is known."""

    pixels: bytes
    title: str
    true: int | None = None
