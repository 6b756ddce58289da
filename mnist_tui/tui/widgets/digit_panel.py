"""One test digit as block art beside its ten probabilities, and the digits that come next."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from textual.binding import Binding
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from mnist_tui.render.bars import draw_bars
from mnist_tui.render.blocks import SIDE
from mnist_tui.render.mosaic import Lines
from mnist_tui.render.pens import pen
from mnist_tui.render.words import grouped
from mnist_tui.tui.session import Session
from mnist_tui.tui.suspicion import suggested_class
from mnist_tui.tui.widgets.line_view import LineView
from mnist_tui.tui.widgets.notice import draw_notice
from mnist_tui.tui.widgets.picture import SMALL_SIZE, draw_entry
from mnist_tui.tui.wording import kind_of, title_choices, why_empty

Line = list[Segment]

_FULL_HEIGHT = 15  # a caption and fourteen lines of art
_BARS_WIDTH = 22
_FILM_GAP = 3
_SMALL = SIDE // 2
_MOST_SMALL = 256  # pictures of the filmstrip that are kept


class DigitPanel(LineView, can_focus=True):
    """The digit under the browser's cursor.

    Args:
        session: what is looked at, and how digits are drawn.
        filmstrip: fill the room to the right with the digits that come next.
    """

    class Opened(Message):
        """The digit was chosen for a closer look."""

    BINDINGS = [
        Binding("left", "move(-1)", "previous digit", show=False),
        Binding("right", "move(1)", "next digit", show=False),
        Binding("up", "move(-10)", "ten digits back", show=False),
        Binding("down", "move(10)", "ten digits on", show=False),
        Binding("home", "move(-1000000)", "first digit", show=False),
        Binding("end", "move(1000000)", "last digit", show=False),
        Binding("enter", "open", "look closer", show=False),
    ]

    DEFAULT_CSS = """
    DigitPanel { height: 17; }
    """

    def __init__(self, session: Session, *, filmstrip: bool = True, id: str = "digits") -> None:
        super().__init__(id=id, classes="panel")
        self._session = session
        self._browser = session.browser
        self._filmstrip = filmstrip
        self._shown: object = None
        self._entitled: object = None
        self._small: dict[int, Lines] = {}
        self._small_as: object = None

    def on_mount(self) -> None:
        """Write the title."""
        self.show()

    def show(self) -> None:
        """Repaint if the browser changed, or the look."""
        shown = (self._browser.revision, self._session.look)
        if shown == self._shown:
            return
        self._shown = shown
        entitled = (self._browser.evaluations, self._browser.query, self._browser.sort)
        if entitled != self._entitled:  # not for every key: titles take a tenth of its time
            self._entitled = entitled
            self.entitle_with(*title_choices(self._browser, brief=not self._filmstrip))
        total = len(self._browser.order)
        self.border_subtitle = f" {grouped(self._browser.position + 1)} of {grouped(total)} " if total else ""
        self.redraw()

    def action_move(self, distance: int) -> None:
        """Move the cursor."""
        self._browser.move(distance)
        self.show()

    def action_open(self) -> None:
        """Ask for a closer look."""
        self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The next digit."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The digit before."""
        event.stop()
        self.action_move(-1)

    def on_click(self, event: Click) -> None:
        """A second click looks closer."""
        if event.chain == 2:
            self.action_open()

    @property
    def _ascii(self) -> bool:
        return self._session.look.ascii_only

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Caption, block art, bars, filmstrip."""
        index = self._browser.index
        test = self._browser.digits
        if test is None or index is None:
            reason = why_empty(self._browser, searchable=False) if self._filmstrip else ""  # the gallery says it
            return draw_notice(reason, width, min(height, 4), self.palette)
        full = height >= _FULL_HEIGHT - 1
        pixels = test.digit(index)
        side = SIDE if full else _SMALL
        art = self._session.look.draw(pixels, self.palette, "full" if full else "half")
        gap = Segment("   " if full else "  ")
        room = width - side - len(gap.text)
        bars = self._bars(index, min(room, _BARS_WIDTH if self._filmstrip and full else max(room, 0)), full)
        lines = [self._caption(index, width)] if height > len(art) else []
        top = len(lines)
        start = max(0, (len(art) - len(bars)) // 2)
        bars_width = max((sum(len(s.text) for s in line) for line in bars), default=0)
        film = self._film(width - side - len(gap.text) - bars_width - _FILM_GAP, height - top)
        film = [[] for _ in range((len(art) - len(film)) // 2)] + film
        for y, picture in enumerate(art):
            line: Line = [*picture, gap]
            own = bars[y - start] if start <= y < start + len(bars) else []
            line += own
            if film and y < len(film):
                line += [Segment(" " * (bars_width - sum(len(s.text) for s in own) + _FILM_GAP)), *film[y]]
            lines.append(line)
        return lines

    def _caption(self, index: int, width: int) -> Line:
        palette, browser = self.palette, self._browser
        names = browser.classes
        assert browser.digits is not None
        true = browser.digits.labels[index]
        muted = pen(palette.muted)
        if browser.predictions is None:
            why = "not judged yet" if browser.album.shown else "no prediction yet"
            return [
                Segment(f"{kind_of(browser, 1)} {index}  true ", muted),
                Segment(names[true], pen(palette.text, bold=True)),
                Segment(f"  {why}", muted),
            ]
        entry = browser.predictions.describe(index)
        right = entry["predicted"] == true
        sign = ("+" if right else "x") if self._ascii else ("✓" if right else "✗")
        arrow = "->" if self._ascii else "→"
        verdict = pen(palette.right if right else palette.wrong, bold=True)
        share_of_true = "" if right else f"  p(true) {entry['probability_true'] * 100:.1f} %"
        pieces = [
            Segment(f"{sign} true {names[true]} {arrow} predicted {names[entry['predicted']]}", verdict),
            Segment(f"  {entry['probability'] * 100:.1f} % sure", pen(palette.text)),
            Segment(share_of_true, pen(palette.text)),
            Segment(f"  loss {entry['loss']:.2f}", muted),
            Segment(f"  {kind_of(browser, 1)} {index}", muted),
        ]
        rather = suggested_class(browser, index)
        if rather is not None:
            pieces.insert(0, Segment(f"label {names[true]}, suggested {names[rather]}  ", verdict))
        while len(pieces) > 1 and sum(len(piece.text) for piece in pieces) > width:
            pieces.pop()  # whole words, never half a number
        return pieces

    def _bars(self, index: int, width: int, full: bool) -> list[Line]:
        predictions, names = self._browser.predictions, self._browser.classes
        if width < 12:
            return []
        assert self._browser.digits is not None
        true = self._browser.digits.labels[index]
        shares = predictions.bars(index) if predictions else None
        predicted = int(predictions.predicted[index]) if predictions else -1
        if full:
            return draw_bars(shares, true, predicted, names, width, self.palette, self._ascii)
        half = min((width - 2) // 2, _BARS_WIDTH)
        if half < 12:
            return []
        column = draw_bars(shares, true, predicted, names, half, self.palette, self._ascii)
        return [[*column[row], Segment("  "), *column[row + 5]] for row in range(5)]

    def _film(self, width: int, height: int) -> list[Line]:
        """Small pictures of the digits that come next, row by row."""
        columns, rows = (width + 2) // (SMALL_SIZE[0] + 2), height // SMALL_SIZE[1]
        if not self._filmstrip or columns < 1 or rows < 1:
            return []
        lines: list[Line] = [[] for _ in range(rows * SMALL_SIZE[1])]
        first = self._browser.position + 1
        for place, index in enumerate(self._browser.order[first : first + columns * rows]):
            top = place // columns * SMALL_SIZE[1]
            for offset, line in enumerate(self._entry(index)):
                lines[top + offset] += [*line, Segment("  ")]
        return lines

    def _entry(self, index: int) -> Lines:
        """A small picture; when the cursor moves by one, all but one of them were there before."""
        look, palette = self._session.look, self.palette
        drawn_as = (self._browser.evaluations, look, palette)
        if drawn_as != self._small_as or len(self._small) >= _MOST_SMALL:
            self._small_as = drawn_as
            self._small.clear()
        entry = self._small.get(index)
        if entry is None:
            entry = self._small[index] = draw_entry(self._browser, index, look.inked(palette), look.glyphs)
        return entry
