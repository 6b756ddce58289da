"""Styles that are made once: a new one takes 5 us, and as long again to lie on a background and to have its codes."""

from __future__ import annotations

import functools

from rich.style import Style


@functools.lru_cache(maxsize=1024)
def pen(color: str, *, bold: bool = False, on: str | None = None) -> Style:
    """The very same style for the same colours.

    Args:
        color: of the characters, as all colours of a palette.
        bold: whether they are.
        on: their background; None: what is below them.
    """
    return Style(color=color, bgcolor=on, bold=bold or None)
