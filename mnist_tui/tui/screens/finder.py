"""The learning-rate finder: the loss over the rate, as a copy of the network felt it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Click
from textual.screen import ModalScreen
from textual.widgets import Button

from mnist_tui.core.events import RateFound, RatesTried
from mnist_tui.core.hyperparameters import KNOBS
from mnist_tui.tui.widgets.framed import framed_line
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.render.chart import Drawing
    from mnist_tui.tui.session import Session

_BATCHES = 120  # what the finder tries at most; shown as a share


class RateChart(LineView):
    """The session's `finding`, with a cursor that `left` and `right` move."""

    DEFAULT_CSS = """
    RateChart { height: 1fr; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="rates")
        self._session = session
        self._shown: object = None
        self._drawing: Drawing | None = None
        self._suggested = False
        self.rate: float | None = None

    def show(self) -> None:
        """Repaint if the finder went on; its suggestion takes the cursor once."""
        finding = self._session.finding
        if isinstance(finding, RateFound) and not self._suggested:
            self._suggested = True
            rate = finding.suggestion or (finding.rates[len(finding.rates) // 2] if finding.rates else None)
            self.rate = None if rate is None else float(f"{rate:.3g}")  # as it is told; nobody can tell more apart
        key = (finding, self.rate, self.size)
        if key != self._shown:
            self._shown = key
            self.redraw()

    def move(self, cells: int) -> None:
        """Move the cursor along the axis."""
        if self.rate is not None and self._drawing is not None:
            from mnist_tui.render.rate_chart import HIGH, LOW

            decades = (HIGH - LOW) / max(1, self._drawing.frame.columns - 1)
            self._put(math.log10(self.rate) + cells * decades)

    def _put(self, decade: float) -> None:
        rate = float(f"{10.0 ** min(max(decade, -7.0), 1.0):.3g}")
        self.rate = float(KNOBS["learning_rate"].clamp(rate))
        self.show()

    def on_click(self, event: Click) -> None:
        """Put the cursor under the mouse."""
        from mnist_tui.render.rate_chart import HIGH, LOW

        if self._drawing is not None and isinstance(self._session.finding, RateFound):
            frame = self._drawing.frame
            self._put(LOW + (event.x - frame.left) / max(1, frame.columns - 1) * (HIGH - LOW))

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The chart, or that it is being made."""
        from mnist_tui.render import cells as kinds
        from mnist_tui.render.rate_chart import draw_rates

        palette, finding = self.palette, self._session.finding
        if finding is None or len(finding.rates) < 2:
            why = finding.reason if isinstance(finding, RateFound) else "a copy of the network tries the lowest rates"
            yield []
            yield [Segment(why.center(width), Style(color=palette.muted))]
            return
        suggestion = finding.suggestion if isinstance(finding, RateFound) else None
        ascii_only = self._session.ascii_only
        self._drawing = drawing = draw_rates(
            finding.rates, finding.losses, self.rate, suggestion, width, height, ascii_only
        )
        styles = {
            kinds.BLANK: Style(),
            kinds.AVERAGE: Style(color=palette.average),
            kinds.MARK: Style(color=palette.mark),
            kinds.LABEL: Style(color=palette.mark, bold=True),
            kinds.BEST: Style(color=palette.best, bold=True),
        }
        for y in range(len(drawing.frame.lines)):
            yield framed_line(drawing, y, styles, palette, palette.faint)


class FinderScreen(ModalScreen[None]):
    """Nothing is changed unless the cursor's rate is applied, which is an edit like any other."""

    AUTO_FOCUS = "#apply"
    BINDINGS = [
        Binding("left", "move(-1)", "lower rate"),
        Binding("right", "move(1)", "higher rate"),
        Binding("enter", "apply", "use the rate at the cursor", priority=True),
        Binding("escape", "leave", "leave everything as it was"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.set_class(session.ascii_only, "-ascii")
        self._session = session
        self.chart = RateChart(session)
        self.words = LineWords(self)

    def compose(self) -> ComposeResult:
        """Chart, words, buttons."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = " learning-rate finder: loss over rate, on a copy "
            dialog.border_subtitle = " left and right move, enter uses the rate, esc leaves all as it was "
            yield self.chart
            yield self.words
            with Horizontal():
                yield Button("Use this rate", variant="primary", id="apply")
                yield Button("Leave it", id="leave")

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring the curve up to date."""
        self.chart.show()
        self.words.redraw()

    def describe(self) -> str:
        """What there is to say about the finding."""
        finding = self._session.finding
        if isinstance(finding, RatesTried):
            return f"trying: {len(finding.rates) / _BATCHES:.0%}"
        if not isinstance(finding, RateFound):
            there = self._session.progress.active or self._session.start_wanted
            return "waiting for the batch under way" if there else "the run is over: there is nothing to try rates on"
        rate = self.chart.rate
        at = "" if rate is None else f"cursor at {rate:.3g}"
        if finding.suggestion is None:
            return f"no suggestion: {finding.reason}. {at}"
        return f"suggested: {finding.suggestion:.3g}, {finding.reason}. {at}"

    def action_move(self, cells: int) -> None:
        """Move the cursor."""
        self.chart.move(cells)
        self.words.redraw()

    def action_apply(self) -> None:
        """Put the cursor's rate in force, or what the focused button says."""
        focused = self.focused
        if focused is not None and focused.id == "leave":
            self.action_leave()
        elif self.chart.rate is not None:
            self._session.edit("learning_rate", self.chart.rate)
            self.dismiss()

    def action_leave(self) -> None:
        """Go, as if nothing had been."""
        if not isinstance(self._session.finding, RateFound):
            self._session.runner.cancel_rate()
        self.dismiss()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """As the keys."""
        if event.button.id == "apply":
            self.action_apply()
        else:
            self.action_leave()


class LineWords(LineView):
    """The screen's words on two lines."""

    DEFAULT_CSS = """
    LineWords { height: 2; }
    """

    def __init__(self, finder: FinderScreen) -> None:
        super().__init__(id="finding")
        self._finder = finder

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Wrapped."""
        import textwrap

        for line in textwrap.wrap(self._finder.describe(), max(8, width)):
            yield [Segment(line, Style(color=self.palette.text))]
