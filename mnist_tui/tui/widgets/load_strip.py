"""Speed and load of the machine that trains here, on a line or two below the settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class LoadStrip(LineView):
    """Not there before the first reading, nor where another process trains: its machine may be another."""

    DEFAULT_CSS = """
    LoadStrip { height: 1; display: none; padding: 0 1; }
    LoadStrip.-read { display: block; }
    LoadStrip.-gpu { height: 2; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="load")
        self._session = session
        self._shown: list[str] = []

    def show(self) -> None:
        """Read while there is training, and repaint if a figure changed."""
        monitor = self._session.monitor
        if monitor is None:
            return
        progress = self._session.progress
        monitor.watch(progress.device or "cpu", progress.phase == "training")
        if monitor.load is None:
            return
        self.set_class(True, "-read")
        self.set_class(monitor.load.gpu is not None, "-gpu")
        lines = self._lines_of(self.size.width)
        if lines != self._shown:
            self._shown = lines
            self.redraw()

    def _lines_of(self, width: int) -> list[str]:
        from mnist_tui.render.load import load_lines

        session = self._session
        if session.monitor is None or session.monitor.load is None:
            return []
        rate = session.progress.images_per_second if session.progress.phase == "training" else None
        return load_lines(rate, session.monitor.load, max(1, width), ascii_only=session.ascii_only)

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The figures that fit."""
        for line in self._lines_of(width):
            yield [Segment(line, Style(color=self.palette.muted))]
