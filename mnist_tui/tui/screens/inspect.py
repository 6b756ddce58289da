"""Screen 2: a wall of digits, the chosen one large, the confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from mnist_tui.tui.widgets.confusion_matrix import ConfusionMatrix
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.gallery import Gallery
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class InspectScreen(Screen[None]):
    """Walk through the test digits; every picture, caption and count comes from the same evaluation."""

    AUTO_FOCUS = "#gallery"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-stacked"), (76, "-narrow"), (110, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (33, "-tall")]

    def __init__(self, session: Session) -> None:
        super().__init__(id="inspect")
        self._session = session

    def compose(self) -> ComposeResult:
        """Status, gallery, digit, matrix, keys."""
        session = self._session
        yield StatusBar(session.progress, session.settings, ascii_only=session.ascii_only)
        with Horizontal(id="panels"):
            yield Gallery(session.browser, glyphs=session.glyphs)
            with Vertical(id="closer"):
                yield DigitPanel(session.browser, glyphs=session.glyphs, filmstrip=False, id="closeup")
                yield ConfusionMatrix(session.browser, ascii_only=session.ascii_only)
        yield TooSmall()
        yield KeyBar()

    def show(self, *, charts: bool) -> None:
        """Bring every panel up to date."""
        self.query_one(StatusBar).show()
        self.query_one(Gallery).show()
        self.query_one(DigitPanel).show()
        self.query_one(ConfusionMatrix).show()
