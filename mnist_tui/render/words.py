"""Numbers as people say them."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """A duration: `41 s`, `3 min 05 s`, `2 h 07 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def grouped(number: int) -> str:
    """Thousands apart by a space: `2 104`."""
    return f"{number:,}".replace(",", " ")
