"""Precision, recall and F1 of each class beside the pairs most often confused; a class or a pair is a filter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click

from mnist_tui.render.bars import bar
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.inspect.versus_line import versus_line
from mnist_tui.tui.widgets.confusion_matrix import ConfusionMatrix
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.core.predictions.confusion import Pair

_ROWS = 10
_GAP = 2
_ROOMY = 56  # cells from which on the titles are whole words


class ClassFigures(LineView, can_focus=True):
    """Figures of the ten classes, per cent, and the ten worst pairs.

    Attributes:
        cursor: row, and column: 0 the classes, 1 the pairs; drawn while the panel has the focus.
    """

    BINDINGS = [
        Binding("left", "move(0, -1)", "classes", show=False),
        Binding("right", "move(0, 1)", "confused pairs", show=False),
        Binding("up", "move(-1, 0)", "row up", show=False),
        Binding("down", "move(1, 0)", "row down", show=False),
        Binding("enter", "choose", "its digits", show=False, tooltip="only the digits of the class, or of the pair"),
        Binding("escape", "screen.leave_matrix", "back", show=False),
    ]

    DEFAULT_CSS = """
    ClassFigures { height: 14; }
    """

    def __init__(self, browser: DigitBrowser, *, ascii_only: bool = False) -> None:
        super().__init__(id="classes", classes="panel")
        self._browser = browser
        self._ascii = ascii_only
        self._shown: object = None
        self.cursor = (0, 1)

    def on_mount(self) -> None:
        """Write the title."""
        self.border_title = " classes, %, and confused pairs "
        self.show()

    def on_focus(self) -> None:
        """Show the cursor."""
        self.show()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.show()

    def show(self) -> None:
        """Repaint if there is another evaluation or another row under the cursor."""
        key = (self._browser.evaluations, self.cursor, self.has_focus, self._browser.query.get("vs"))
        if key != self._shown:
            self._shown = key
            self.redraw()

    # --- the cursor

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor."""
        column = min(max(self.cursor[1] + columns, 0), 1 if self._pairs() else 0)
        last = min(_ROWS, len(self._pairs())) - 1 if column else _ROWS - 1
        self.cursor = (min(max(self.cursor[0] + rows, 0), last), column)
        self.show()

    def action_choose(self) -> None:
        """Want the digits of the class or of the pair."""
        row, column = self.cursor
        pairs = self._pairs()
        if self._browser.predictions is None or (column and row >= len(pairs)):
            return
        chosen = (pairs[row].true, pairs[row].predicted) if column else (row, None)
        self.post_message(ConfusionMatrix.Chosen(*chosen))

    def on_click(self, event: Click) -> None:
        """Put the cursor there; where it is already, choose."""
        offset = event.get_content_offset(self)
        if offset is None or not 1 <= offset.y <= _ROWS:
            return
        place = (offset.y - 1, int(offset.x >= self._table_width(self.size.width)))
        if place[1] and place[0] >= len(self._pairs()):
            return
        if place == self.cursor:
            self.action_choose()
        self.cursor = place
        self.show()

    def _pairs(self) -> list[Pair]:
        if self._browser.predictions is None:
            return []
        from mnist_tui.core.predictions.confusion import confused_pairs

        return confused_pairs(self._browser.predictions.confusion())[:_ROWS]

    # --- the picture

    def _columns(self, width: int) -> list[tuple[str, int]]:
        """Titles and widths of the columns of numbers."""
        if width >= _ROOMY:
            return [("precision", 11), ("recall", 8), ("F1", 7), ("digits", 8)]
        return [("prec", 6), ("recall", 7), ("F1", 6), ("digits", 7)]

    def _names_width(self, width: int) -> int:
        return max(2, min(max(map(len, self._browser.classes)), 8 if width >= _ROOMY else 4))

    def _table_width(self, width: int) -> int:
        return self._names_width(width) + sum(wide for _, wide in self._columns(width)) + _GAP

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Titles, ten rows, and where there is room a line about all of it."""
        palette, predictions = self.palette, self._browser.predictions
        muted = Style(color=palette.muted)
        if predictions is None:
            return [[], [Segment("no evaluation yet".center(width), muted)]]
        names, columns, wide = self._browser.classes, self._columns(width), self._names_width(width)
        titles = "".join(f"{title:>{room}}" for title, room in columns)
        lines = [[Segment(" " * wide + titles + " " * _GAP, muted), Segment(f"true{self._to}predicted", muted)]]
        figures = predictions.per_class()
        lowest = min(figure.f1 for figure in figures)
        pairs = self._pairs()
        for row, figure in enumerate(figures):
            shares = (figure.precision, figure.recall, figure.f1)
            numbers = "".join(f"{100 * s:>{room}.1f}" for s, (_, room) in zip(shares, columns, strict=False))
            numbers += f"{figure.support:>{columns[3][1]}}"
            style = Style(color=palette.wrong if figure.f1 == lowest < 1 else palette.text)
            name = f"{names[row][:wide]:>{wide}}"
            if self._at(row, 0):
                cursor = self._cursor_style
                line = [Segment(name, cursor), Segment(numbers, cursor), Segment(self._pointer + " ", muted)]
            else:
                line = [Segment(name, muted), Segment(numbers, style), Segment(" " * _GAP)]
            if row < len(pairs):
                line += self._pair(pairs[row], pairs[0].count, width - self._table_width(width), self._at(row, 1))
            lines.append(line)
        mean = sum(figure.f1 for figure in figures) / len(figures)
        summary = f"accuracy {100 * predictions.accuracy:.2f} %, mean F1 {100 * mean:.2f} %"
        against = versus_line(self._browser, short=width < _ROOMY) if self._browser.query.get("vs") else ""
        return [*lines, [Segment((against or summary)[:width], muted)]]

    def _pair(self, pair: Pair, most: int, width: int, under: bool) -> list[Segment]:
        palette, names = self.palette, self._browser.classes
        counts = len(str(most)) + 1
        longest = max(map(len, names))
        name = max(1, min(longest, (width - counts - len(self._to)) // 2))
        words = f"{names[pair.true][:name]}{self._to}{names[pair.predicted][:name]}"
        words = f"{words:<{2 * name + len(self._to)}}{pair.count:>{counts}}"
        room = width - len(words) - 1
        style = self._cursor_style if under else Style(color=palette.text)
        line = [Segment(words, style)]
        if room >= 3:
            mark = self._pointer if under else " "
            line += [Segment(mark), Segment(bar(pair.count / most, room, self._ascii), Style(color=palette.wrong))]
        return line

    @property
    def _to(self) -> str:
        return "->" if self._ascii else "→"

    @property
    def _pointer(self) -> str:
        return "<" if self._ascii else "◂"

    def _at(self, row: int, column: int) -> bool:
        return self.has_focus and self.cursor == (row, column)

    @property
    def _cursor_style(self) -> Style:
        return Style(color=self.palette.background, bgcolor=self.palette.text, bold=True)
