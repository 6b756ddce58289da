"""The newest single step: what each layer felt and did, and the batch's digits with their losses."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding

from mnist_tui.core.events import BatchInspected
from mnist_tui.core.idx import PIXELS
from mnist_tui.render.words import grouped
from mnist_tui.tui.looks import Look
from mnist_tui.tui.session import Session
from mnist_tui.tui.widgets.line_view import LineView
from mnist_tui.tui.widgets.picture import SMALL_SIZE, draw_small

Line = list[Segment]
_TABLE_WIDTH = 35
_GAP = 2


class BatchPanel(LineView, can_focus=True):
    """The session's `batch`, the hardest image first."""

    BINDINGS = [
        Binding("left", "move(-1)", "previous digit of the batch", show=False),
        Binding("right", "move(1)", "next digit of the batch", show=False),
        Binding("up", "move(-5)", "five digits back", show=False),
        Binding("down", "move(5)", "five digits on", show=False),
    ]

    DEFAULT_CSS = """
    BatchPanel { height: 18; display: none; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="batch", classes="panel")
        self._session = session
        self._shown: tuple[BatchInspected | None, Look] | None = None
        self._first = 0

    def show(self) -> None:
        """Repaint if another batch was inspected, or the look changed."""
        batch = self._session.batch
        shown = (batch, self._session.look)
        if shown == self._shown or batch is None:
            return
        if self._shown is None or self._shown[0] is not batch:
            self._first = 0
        self._shown = shown
        count = grouped(batch.batch_size)
        self.border_title = f" batch {grouped(batch.step)}, one step: {count} digits, hardest first "
        self.border_subtitle = " esc: back to the test digits "
        self.redraw()

    def action_move(self, distance: int) -> None:
        """Show the digits further on, or back."""
        batch = self._session.batch
        if batch is not None:
            self._first = min(max(0, self._first + distance), max(0, len(batch.labels) - 1))
            self.redraw()

    def on_mouse_scroll_down(self) -> None:
        """Digits further on."""
        self.action_move(1)

    def on_mouse_scroll_up(self) -> None:
        """Digits before."""
        self.action_move(-1)

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The layers on the left, the digits beside them."""
        batch = self._session.batch
        if batch is None:
            return []
        table = self._table(batch)
        pictures = self._pictures(batch, width - _TABLE_WIDTH, height)
        lines: list[Line] = []
        for y in range(max(len(table), len(pictures))):
            left = table[y] if y < len(table) else []
            room = _TABLE_WIDTH - sum(len(segment.text) for segment in left)
            lines.append([*left, Segment(" " * room), *(pictures[y] if y < len(pictures) else [])])
        return lines

    def _table(self, batch: BatchInspected) -> list[Line]:
        palette = self.palette
        muted, text = Style(color=palette.muted), Style(color=palette.text)
        lines: list[Line] = [[Segment(f"{'layer':<6}{'gradient':>10}{'step/weights':>15}", muted)]]
        for layer in batch.layers:
            ratio = "-" if layer.update_ratio is None else f"{layer.update_ratio:.2e}"
            lines.append(
                [
                    Segment(f"{layer.name:<6}", Style(color=palette.accent, bold=True)),
                    Segment(f"{layer.gradient_norm:>10.3g}{ratio:>15}", text),
                ]
            )
        lines += [
            [],
            [Segment(f"loss {batch.loss:.4g}, {batch.correct} of {batch.batch_size} right", text)],
            [Segment("both are lengths (2-norms)", muted)],
        ]
        return lines

    def _pictures(self, batch: BatchInspected, width: int, height: int) -> list[Line]:
        columns, rows = (width + _GAP) // (SMALL_SIZE[0] + _GAP), max(1, height // SMALL_SIZE[1])
        if columns < 1:
            return []
        names, look = self._session.browser.classes, self._session.look
        palette = look.inked(self.palette)
        lines: list[Line] = [[] for _ in range(rows * SMALL_SIZE[1])]
        for place, number in enumerate(range(self._first, len(batch.labels))[: columns * rows]):
            pixels = batch.images[number * PIXELS : (number + 1) * PIXELS]
            true, predicted = batch.labels[number], batch.predicted[number]
            right = true == predicted
            caption = names[true] if right else f"{names[true]}>{names[predicted]}"
            caption = f"{caption} {batch.losses[number]:.3g}"
            colour = self.palette.right if right else self.palette.wrong
            top = place // columns * SMALL_SIZE[1]
            picture = draw_small(pixels, caption, Style(color=colour), palette, look.glyphs)
            for offset, line in enumerate(picture):
                lines[top + offset] += [*line, Segment(" " * _GAP)]
        return lines
