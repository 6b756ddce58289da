"""Copying the index of a digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.screen import Screen

from mnist_tui.tui.wording import kind_of

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class Copying(Screen[None]):
    """A screen that shows a digit, whose index can be copied.

    Attributes:
        session: the run's state.
    """

    COPY_KEYS: ClassVar[list[Binding]] = [
        Binding(
            "y", "copy_index", "copy index", show=False, tooltip="copy the digit's index to the terminal's clipboard"
        ),
    ]

    session: Session

    @property
    def copied(self) -> tuple[int, str] | None:
        """The index that is copied, and of what: None where no digit of a split is shown."""
        browser = self.session.browser
        return None if browser.index is None else (browser.index, kind_of(browser, 1))

    def action_copy_index(self) -> None:
        """Copy the index of the digit under the cursor: the bare number, which is what code and tables take."""
        copied = self.copied
        if copied is None:
            self.notify("No digit is shown, so there is no index to copy.", severity="warning", markup=False)
            return
        index, what = copied
        self.app.copy_to_clipboard(str(index))
        self.notify(
            f"{index}, the index of this {what}. "
            "If it cannot be pasted, allow clipboard access (OSC 52) in the terminal's settings.",
            title="copied",
            markup=False,
        )
