"""Copying the index of a digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import Screen

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session

_CALLED = {"test": "test digit", "training": "training digit", "drawings": "drawing"}


class Copying(Screen[None]):
    """A screen that shows a digit, whose index can be copied.

    Attributes:
        session: the run's state.
    """

    COPY_KEYS: ClassVar[list[Binding]] = [
        Binding("y", "copy_index", "copy index", tooltip="copy the digit's index to the terminal's clipboard"),
    ]

    session: Session

    def action_copy_index(self) -> None:
        """Copy the index of the digit under the cursor: the bare number, which is what code and tables take."""
        browser = self.session.browser
        if browser.index is None:
            self.notify("No digit is shown, so there is no index to copy.", severity="warning", markup=False)
            return
        self.app.copy_to_clipboard(str(browser.index))
        self.notify(
            f"{browser.index}, the index of this {_CALLED[browser.split]}. "
            "If it cannot be pasted, allow clipboard access (OSC 52) in the terminal's settings.",
            title="copied",
            markup=False,
        )
