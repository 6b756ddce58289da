"""The confusion matrix, another evaluation to compare with, and likely errors in the labels."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding

from mnist_tui.tui.inspect.base import InspectPart


class Comparing(InspectPart):
    """The confusion matrix, another evaluation to compare with, and likely errors in the labels."""

    KEYS: ClassVar[list[Binding]] = []
