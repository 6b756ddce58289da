"""What is shown where nothing else fits."""

from __future__ import annotations

import textwrap
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

    def on_mount(self) -> None:
        """No toast covers it: it says what they would."""
        self.screen.add_class("-tells")

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """What is said now, if anything is, and else the size there is, and the one that is needed."""
        style = Style(color=self.palette.warning, bold=True)
        said = [notification.message for notification in self.app._notifications]
        if said:
            texts = textwrap.wrap(said[-1], max(1, width))
        else:
            size = self.app.size
            texts = [f"{size.width}x{size.height}, needs 40x10"]
            state = self._state()
            if state:
                texts.insert(height > 1, state)
        for text in texts:
            yield [Segment(text[:width].center(width), style)]

    def _state(self) -> str:
        progress = self._progress
        if progress.unsaved or progress.error:
            return "not saved" if progress.unsaved else "the run failed"
        if not progress.active:
            return ""
        if getattr(self.app, "leaving", False):
            return "saving the run"
        return "training is paused" if progress.phase == "paused" else "training goes on"
