"""Taking away what is shown."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding

from mnist_tui.tui.inspect.base import InspectPart


class Taking(InspectPart):
    """Taking away what is shown."""

    KEYS: ClassVar[list[Binding]] = []
