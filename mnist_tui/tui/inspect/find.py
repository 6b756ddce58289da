"""Which digits are shown, of which split, by which evaluation."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding

from mnist_tui.tui.inspect.base import InspectPart


class Finding(InspectPart):
    """Which digits are shown, of which split, by which evaluation."""

    KEYS: ClassVar[list[Binding]] = []
