"""A picture to look into that is no digit of a split."""

from __future__ import annotations

import attrs


@attrs.frozen
class Subject:
    """784 bytes of pixels, what they are in words, and their class where it is known."""

    pixels: bytes
    title: str
    true: int | None = None
