"""How digits are drawn."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding

from mnist_tui.tui.inspect.base import InspectPart


class Viewing(InspectPart):
    """How digits are drawn."""

    KEYS: ClassVar[list[Binding]] = []
