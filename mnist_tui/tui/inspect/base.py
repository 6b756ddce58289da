"""What every part of the Inspect screen may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session
    from mnist_tui.tui.widgets.confusion_matrix import ConfusionMatrix
    from mnist_tui.tui.widgets.digit_panel import DigitPanel
    from mnist_tui.tui.widgets.gallery import Gallery


class InspectPart(Screen[None]):
    """A screen over a session's browser.

    Attributes:
        session: the run's state, and who answers questions.
        gallery: all digits that are wanted.
        closeup: the one under the cursor.
        confusion: the matrix.
    """

    session: Session
    gallery: Gallery
    closeup: DigitPanel
    confusion: ConfusionMatrix

    def say(self, text: str, title: str = "", *, severity: str = "information") -> None:
        """Show a sentence for a few seconds; it is never parsed as markup."""
        self.notify(text, title=title, severity=severity, markup=False)  # type: ignore[arg-type]

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def show_digits(self) -> None:
        """Bring the panels up to date after something else is looked at."""
        self.show(charts=False, figures=False)
