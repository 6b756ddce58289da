"""What is shown where nothing else fits."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.core.progress import Progress
from mnist_tui.tui.widgets.line_view import LineView


class TooSmall(LineView):
    """A few lines that say so; what goes on behind them goes on."""

    DEFAULT_CSS = """
    TooSmall { display: none; height: 1fr; }
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__(id="too-small")
        self._progress = progress

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The size there is, and the one that is needed."""
        style = Style(color=self.palette.warning, bold=True)
        size = self.app.size
        texts = [f"{size.width}x{size.height}, needs 40x10"]
        if self._progress.active:
            waits = self._progress.phase == "paused"
            texts.insert(height > 1, "training is paused" if waits else "training goes on")
        for text in texts:
            yield [Segment(text[:width].center(width), style)]
