"""Screen 1: hyperparameters, the two charts, the test digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from mnist_tui.render.view import View
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.knob_panel import KnobPanel
from mnist_tui.tui.widgets.metric_chart import MetricChart
from mnist_tui.tui.widgets.run_facts import RunFacts
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class TrainScreen(Screen[None]):
    """The dashboard."""

    AUTO_FOCUS = "#digits"

    def __init__(self, session: Session) -> None:
        super().__init__(id="train")
        self._session = session
        self.set_class(session.ascii_only, "-ascii")
        ascii_only = session.ascii_only
        self.status = StatusBar(session.progress, session.settings, ascii_only=ascii_only)
        self.knobs = KnobPanel(session.wanted, ascii_only=ascii_only)
        self.facts = RunFacts(session)
        self.charts = [
            MetricChart(
                View(metric, x_labels=metric == "accuracy", ascii_only=ascii_only),
                session.history,
                session.progress,
                session.hint,
            )
            for metric in ("loss", "accuracy")
        ]
        self.digits = DigitPanel(session.browser, glyphs=session.glyphs)

    def compose(self) -> ComposeResult:
        """Status, panels, keys."""
        yield self.status
        with Horizontal(id="panels"):
            with Vertical(id="settings"):
                yield self.knobs
                yield self.facts
            with Vertical(id="pictures"):
                yield from self.charts
                yield self.digits
        yield TooSmall(self._session.progress)
        yield KeyBar()

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date; charts and running figures only where they may move."""
        session = self._session
        if figures:
            self.status.show()
            self.facts.show()
        self.knobs.show(session.wanted, session.progress)
        self.digits.show()
        if charts:
            for chart in self.charts:
                chart.show()

    def look(self, **changes: object) -> None:
        """Change how both charts are looked at."""
        for chart in self.charts:
            chart.look(**changes)
