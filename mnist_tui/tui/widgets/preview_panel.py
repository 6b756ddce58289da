"""Training images as they are stored, and below each what augmentation feeds the network."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.core.idx import PIXELS
from mnist_tui.tui.session import Session
from mnist_tui.tui.widgets.line_view import LineView
from mnist_tui.tui.widgets.picture import SMALL_SIZE, draw_small

_GAP = 2


class PreviewPanel(LineView):
    """The session's `preview`; asks for a new one when the strengths on the rows change."""

    DEFAULT_CSS = """
    PreviewPanel { height: 18; display: none; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="preview", classes="panel")
        self._session = session
        self._asked: object = None
        self._shown: object = None
        self.border_title = " augmentation: stored above, as the network is fed below "

    def show(self) -> None:
        """Ask for what is wanted now; repaint where an answer came."""
        wanted, progress = self._session.wanted, self._session.progress
        key = (wanted, progress.dataset)
        if self._asked != key and progress.train_size:
            self._asked = key
            self._session.runner.request_preview(wanted)
        shown = (self._session.preview, self._session.look)
        if shown != self._shown:
            self._shown = shown
            self.redraw()

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Pairs side by side; in a low panel the pair is beside each other."""
        preview, look = self._session.preview, self._session.look
        palette = look.inked(self.palette)
        muted = Style(color=palette.muted)
        if preview is None:
            return [[], [Segment("the first images are on their way".center(width), muted)]]
        stacked = height >= 2 * SMALL_SIZE[1]
        columns = (width + _GAP) // (SMALL_SIZE[0] + _GAP)
        lines: list[list[Segment]] = [[] for _ in range(SMALL_SIZE[1] * (2 if stacked else 1))]
        for number in range(min(columns if stacked else columns // 2, len(preview.originals) // PIXELS)):
            for row, (images, caption) in enumerate(((preview.originals, "stored"), (preview.augmented, "fed"))):
                pixels = images[number * PIXELS : (number + 1) * PIXELS]
                top = row * SMALL_SIZE[1] if stacked else 0
                for offset, line in enumerate(draw_small(pixels, caption, muted, palette, look.glyphs)):
                    lines[top + offset] += [*line, Segment(" " * _GAP)]
        return lines
