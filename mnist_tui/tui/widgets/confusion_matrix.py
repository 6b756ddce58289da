"""The 10 x 10 confusion matrix: rows are true classes, columns predicted ones; a cell is a filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.message import Message

from mnist_tui.core.notes import harmless
from mnist_tui.render.confusion import MatrixMode, cell_style, cell_words
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.inspect.versus_line import versus_line
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.core.predictions.confusion import Pair

_LINES = 11  # a header and ten rows
_WIDE = 52  # cells from which on a title is a whole sentence
_HEADER = -1  # the place of headers: row -1 holds the predicted classes, column -1 the true ones


class ConfusionMatrix(LineView, can_focus=True):
    """The shown evaluation as counts, as shares of each row, or as changes against the other evaluation.

    Attributes:
        mode: which of them.
        cursor: row and column, -1 for headers; drawn while the matrix has the focus.
    """

    class Chosen(Message):
        """A cell (both classes), a header (one of them) or the corner (none) was chosen."""

        def __init__(self, true: int | None, predicted: int | None) -> None:
            super().__init__()
            self.true = true
            self.predicted = predicted

    BINDINGS = [
        Binding("left", "move(0, -1)", "predicted class before", show=False),
        Binding("right", "move(0, 1)", "next predicted class", show=False),
        Binding("up", "move(-1, 0)", "true class before", show=False),
        Binding("down", "move(1, 0)", "next true class", show=False),
        Binding("enter", "choose", "its digits", show=False, tooltip="only its digits; on a header, of one class"),
        Binding("escape", "screen.leave_matrix", "back", show=False),
    ]

    DEFAULT_CSS = """
    ConfusionMatrix { height: 14; }
    """

    def __init__(self, browser: DigitBrowser, *, ascii_only: bool = False) -> None:
        super().__init__(id="confusion", classes="panel")
        self._browser = browser
        self._ascii = ascii_only
        self._shown: object = None
        self.mode: MatrixMode = "counts"
        self.cursor: tuple[int, int] | None = None

    def on_mount(self) -> None:
        """Write the title."""
        self.show()

    def on_resize(self) -> None:
        """Another title fits."""
        self._shown = None
        self.show()

    def on_focus(self) -> None:
        """Show the cursor, first on the pair most often confused."""
        if self.cursor is None:
            self.cursor = self._worst()
        self.show()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.show()

    def show(self) -> None:
        """Repaint if there is another evaluation, another digit under the cursor, or another cell."""
        vs = self._browser.query.get("vs")
        key = (self._browser.evaluations, self._browser.index, self.mode, self.cursor, self.has_focus, vs)
        if key != self._shown:
            self._shown = key
            title = self._title()
            if self.size.height < _LINES + 1 and (self.has_focus or vs):
                title = self._reading() or title  # no line is left for it below
            self.border_title = Content(f" {harmless(title)} ")
            self.redraw()

    # --- the cursor

    def action_move(self, rows: int, columns: int) -> None:
        """Move the cursor, over the headers too."""
        row, column = self.cursor or (0, 0)
        self.cursor = (min(max(row + rows, _HEADER), 9), min(max(column + columns, _HEADER), 9))
        self.show()

    def action_choose(self) -> None:
        """Want the digits of the cell."""
        if self.cursor is not None and self._browser.predictions is not None:
            row, column = self.cursor
            self.post_message(self.Chosen(row if row >= 0 else None, column if column >= 0 else None))

    def on_click(self, event: Click) -> None:
        """Put the cursor there; where it is already, choose."""
        offset = event.get_content_offset(self)
        if offset is None or self._browser.predictions is None or offset.y >= _LINES:
            return
        gutter, cell = self._widths(self.size.width)
        place = (offset.y - 1, max(_HEADER, (offset.x - gutter) // cell) if offset.x >= gutter else _HEADER)
        if place[1] > 9:
            return
        if place == self.cursor:
            self.action_choose()
        self.cursor = place
        self.show()

    def _worst(self) -> tuple[int, int]:
        pairs = self._pairs()
        return (pairs[0].true, pairs[0].predicted) if pairs else (0, 0)

    # --- the picture

    def _widths(self, width: int) -> tuple[int, int]:
        """Cells of the row headers with the blank behind them, and of a column."""
        longest = max(map(len, self._browser.classes))
        cell = max(3, min(6, (width - min(longest, 8) - 1) // 10 if longest > 2 and width >= 58 else (width - 3) // 10))
        return max(3, min(longest + 1, width - 10 * cell)), cell

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Header, ten rows, and where there is room a line about the cell under the cursor."""
        palette, predictions = self.palette, self._browser.predictions
        muted = Style(color=palette.muted)
        if predictions is None:
            return [[], [Segment("no evaluation yet: e evaluates while training".center(width), muted)]]
        values = self._values()
        if values is None:
            words = "nothing to compare with yet: C chooses" if self._browser.split == "test" else _ONLY_TEST
            return [[], [Segment(words.center(width), muted)]]
        gutter, cell = self._widths(width)
        index = self._browser.index
        here = None if index is None else (int(predictions.labels[index]), int(predictions.predicted[index]))
        greatest = max(abs(values[a][b]) for a in range(10) for b in range(10) if a != b)
        nothing = "." if self._ascii else "·"
        names = self._browser.classes
        lines = [[self._label("all" if self._cursor else "", (_HEADER, _HEADER), gutter, left=True)]]
        lines[0] += [self._label(names[digit][: cell - 1], (_HEADER, digit), cell) for digit in range(10)]
        for true, row in enumerate(values):
            line = [self._label(names[true][: gutter - 1], (true, _HEADER), gutter - 1), Segment(" ")]
            for predicted, value in enumerate(row):
                place = (true, predicted)
                text = f"{cell_words(value, self.mode, cell - 1, nothing):>{cell}}"
                style = cell_style(value, self.mode, true == predicted, greatest, palette)
                if place == self._cursor:
                    text, style = _marked(text, self._pointer), self._cursor_style
                elif place == here:
                    text = _marked(text, "*" if self._ascii else "•")
                    style = Style(color=palette.background, bgcolor=palette.accent, bold=True)
                line.append(Segment(text, style))
            lines.append(line)
        return [*lines, [Segment(self._reading()[:width], muted)]]

    @property
    def _cursor(self) -> tuple[int, int] | None:
        return self.cursor if self.has_focus else None

    @property
    def _pointer(self) -> str:
        return ">" if self._ascii else "▸"

    @property
    def _cursor_style(self) -> Style:
        return Style(color=self.palette.background, bgcolor=self.palette.text, bold=True)

    def _label(self, name: str, place: tuple[int, int], width: int, *, left: bool = False) -> Segment:
        text = f"{name:{'<' if left else '>'}{width}}"
        if place != self._cursor:
            return Segment(text, Style(color=self.palette.muted))
        marked = self._pointer + text[1:] if text[0] == " " else text
        return Segment(marked, self._cursor_style + Style(underline=True))

    def _values(self) -> Sequence[Sequence[float]] | None:
        """What stands in the cells; None where there is nothing to compare with."""
        from mnist_tui.core.predictions.confusion import difference, row_shares

        predictions, other = self._browser.predictions, self._browser.other
        assert predictions is not None
        if self.mode == "counts":
            return predictions.confusion()
        if self.mode == "shares":
            return row_shares(predictions.confusion())
        return None if other is None else difference(predictions.confusion(), other.predictions.confusion())

    def _pairs(self) -> list[Pair]:
        if self._browser.predictions is None:
            return []
        from mnist_tui.core.predictions.confusion import confused_pairs

        return confused_pairs(self._browser.predictions.confusion())

    def _title(self) -> str:
        words = "true down, predicted across" if self.size.width >= _WIDE else "true by predicted"
        if self.mode == "counts":
            return f"confusion: {words}"
        if self.mode == "shares":
            return f"confusion, % of a row: {words}" if self.size.width >= _WIDE else "confusion: % of each true class"
        other = self._browser.other
        return f"confusion: change against {other.name}" if other is not None else "confusion: change"

    def _reading(self) -> str:
        """What the cell under the cursor says; without one, what became of the other evaluation's mistakes."""
        predictions = self._browser.predictions
        if predictions is None:
            return ""
        if self._cursor is None:
            pairs = self._pairs()
            often = f"most often confused: {self._arrow(pairs[0].true, pairs[0].predicted)}" if pairs else "no mistake"
            return versus_line(self._browser, short=self.size.width < _WIDE) or often
        counts, (row, column) = predictions.confusion(), self._cursor
        names = self._browser.classes
        if row < 0 and column < 0:
            return "enter: every class"
        if row < 0:
            claimed = sum(line[column] for line in counts)
            return f"predicted {names[column]}: {claimed}, {claimed - counts[column][column]} of them wrong"
        support = sum(counts[row])
        if column < 0:
            return f"true {names[row]}: {support}, {support - counts[row][row]} of them wrong"
        share = f", {100 * counts[row][column] / support:.1f} % of true {names[row]}" if support else ""
        return f"{self._arrow(row, column)}: {counts[row][column]}{share}"

    def _arrow(self, true: int, predicted: int) -> str:
        names = self._browser.classes
        return f"{names[true]}{'->' if self._ascii else '→'}{names[predicted]}"


_ONLY_TEST = "only evaluations of the test digits are compared"


def _marked(text: str, sign: str) -> str:
    """A cell with a sign before its number: at its left edge it would seem to belong to the cell before."""
    number = text.lstrip()
    return f"{sign}{number}".rjust(len(text)) if len(number) < len(text) else sign + text[1:]
