"""Screen 1: hyperparameters, the two charts, the test digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from mnist_tui.render.chart import View
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.knob_panel import KnobPanel
from mnist_tui.tui.widgets.metric_chart import MetricChart
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class TrainScreen(Screen[None]):
    """The dashboard."""

    AUTO_FOCUS = "#digits"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-stacked"), (76, "-narrow"), (110, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (33, "-tall")]

    def __init__(self, session: Session) -> None:
        super().__init__(id="train")
        self._session = session

    def compose(self) -> ComposeResult:
        """Status, panels, keys."""
        session = self._session
        ascii_only = session.ascii_only
        yield StatusBar(session.progress, session.settings, ascii_only=ascii_only)
        with Horizontal(id="panels"):
            yield KnobPanel(session.wanted, ascii_only=ascii_only)
            with Vertical(id="pictures"):
                for metric in ("loss", "accuracy"):
                    view = View(metric, x_labels=metric == "accuracy", ascii_only=ascii_only)
                    yield MetricChart(view, session.history, session.progress, session.hint)
                yield DigitPanel(session.browser, glyphs=session.glyphs)
        yield TooSmall()
        yield KeyBar()

    @property
    def charts(self) -> list[MetricChart]:
        """Loss and accuracy."""
        return list(self.query(MetricChart))

    def show(self, *, charts: bool) -> None:
        """Bring every panel up to date; the charts only where they may move."""
        session = self._session
        self.query_one(StatusBar).show()
        self.query_one(KnobPanel).show(session.wanted, session.progress)
        self.query_one(DigitPanel).show()
        if charts:
            for chart in self.charts:
                chart.show()

    def look(self, **changes: object) -> None:
        """Change how both charts are looked at."""
        for chart in self.charts:
            chart.look(**changes)
