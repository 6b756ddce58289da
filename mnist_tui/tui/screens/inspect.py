"""Screen 2: a wall of digits, the chosen one large, the confusion matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from mnist_tui.tui.inspect.compare import Comparing
from mnist_tui.tui.inspect.find import Finding
from mnist_tui.tui.inspect.look import Looking
from mnist_tui.tui.inspect.take import Taking
from mnist_tui.tui.inspect.view import Viewing
from mnist_tui.tui.widgets.class_figures import ClassFigures
from mnist_tui.tui.widgets.confusion_matrix import ConfusionMatrix
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.gallery import Gallery
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.search_line import SearchLine
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class InspectScreen(Finding, Viewing, Comparing, Taking, Looking):
    """Walk through the digits; every picture, caption and count comes from the same evaluation."""

    AUTO_FOCUS = "#gallery"
    OWN_BINDINGS = [*Finding.KEYS, *Comparing.KEYS, *Taking.KEYS, *Viewing.KEYS]
    BINDINGS = [*OWN_BINDINGS]

    def __init__(self, session: Session) -> None:
        super().__init__(id="inspect")
        self.set_class(session.ascii_only, "-ascii")
        self.session = session
        self.status = StatusBar(session)
        self.search = SearchLine(session.browser, self.looked_at, ascii_only=session.ascii_only)
        self.gallery = Gallery(session)
        self.closeup = DigitPanel(session, filmstrip=False, id="closeup")
        self.confusion = ConfusionMatrix(session.browser, ascii_only=session.ascii_only)
        self.classes_panel = ClassFigures(session.browser, ascii_only=session.ascii_only)

    def compose(self) -> ComposeResult:
        """Status, what is searched, gallery, digit, matrix, keys."""
        yield self.status
        yield self.search
        with Horizontal(id="panels"):
            yield self.gallery
            with Vertical(id="closer"):
                yield self.closeup
                yield self.confusion
                yield self.classes_panel
        yield TooSmall(self.session.progress)
        yield KeyBar(self.OWN_BINDINGS)

    def on_gallery_moved(self, message: Gallery.Moved) -> None:
        """The large digit and the matrix follow the cursor at once."""
        self.show_digits()

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date."""
        if figures:
            self.status.show()
        self.show_finding()
        self.gallery.show()
        self.closeup.show()
        self.show_comparison()
