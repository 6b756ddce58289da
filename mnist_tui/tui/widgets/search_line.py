"""One line above the digits: a chip for each condition, and how many digits there are; one may type in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Blur, Click, Key, Paste
from textual.message import Message

from mnist_tui.core.query import Query, Sort
from mnist_tui.core.search import EXAMPLES, SearchError, line, parse, words
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.inspect.looked_at import Piece, fit
from mnist_tui.tui.widgets.line_view import LineView

_LONGEST = 200  # characters a line takes
_HINTS = ("finds digits: wrong true:4 pred:9 conf<0.6", "finds digits", "")
_KEPT = 50  # searches that up recalls


class SearchLine(LineView, can_focus=True):
    """The conditions of the browser's query as chips; while it is typed in, what is shown follows every key.

    Args:
        browser: what is looked at.
        looked_at: the words of the right end.

    Attributes:
        typed: what is typed; None where nothing is.
        remark: why what is typed is not understood; empty where it is.
        unfinished: its last word alone is not, and may become something yet.
    """

    class Searched(Message):
        """Other digits are wanted."""

    class Left(Message):
        """Typing is over."""

    BINDINGS = [Binding("enter", "type", "type conditions", show=False)]

    DEFAULT_CSS = """
    SearchLine { height: 1; padding: 0 1; }
    SearchLine.-typing { height: 2; }
    """

    def __init__(
        self, browser: DigitBrowser, looked_at: Callable[[], Sequence[Piece]], *, ascii_only: bool = False
    ) -> None:
        super().__init__(id="search")
        self._browser = browser
        self._looked_at = looked_at
        self._ascii = ascii_only
        self._shown: object = None
        self._before: tuple[Query, Sort, int | None] = (browser.query, browser.sort, None)
        self._recalled = 0
        self.typed: str | None = None
        self.remark = ""
        self.unfinished = False

    @property
    def takes_keys(self) -> bool:
        """Whether conditions are being typed."""
        return self.typed is not None

    def show(self) -> None:
        """Repaint if a word changed."""
        shown = (self._browser.query, self._browser.classes, list(self._looked_at()))
        if shown != self._shown:
            self._shown = shown
            self.redraw()

    # --- typing

    def action_type(self) -> None:
        """Begin to type, with the conditions in force."""
        if self.typed is not None:
            return
        browser = self._browser
        self._before = (browser.query, browser.sort, browser.index)
        self._recalled = len(browser.searches)
        text = line(browser.query, browser.classes)
        self.typed, self.remark = f"{text} " if text else "", ""
        self.add_class("-typing")
        self.screen.set_focus(self)
        self.redraw()

    async def on_key(self, event: Key) -> None:
        """While typing, take every key; else leave it to the bindings."""
        if self.typed is None:
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "enter":
                self._keep()
            case "escape":
                self._put_back()
            case "backspace":
                self._retype(self.typed[:-1])
            case "ctrl+w":
                kept = self.typed.rstrip().rpartition(" ")[0]
                self._retype(f"{kept} " if kept else "")
            case "ctrl+u":
                self._retype("")
            case "up" | "down":
                self._recall(-1 if event.key == "up" else 1)
            case _ if event.is_printable and event.character:
                self._retype(self.typed + event.character)

    def on_paste(self, event: Paste) -> None:
        """Take pasted text as typed."""
        event.stop()
        if self.typed is not None:
            self._retype(self.typed + " ".join(event.text[: 4 * _LONGEST].split()))

    def on_focus(self) -> None:
        """Show where the keys go."""
        self.redraw()

    def on_blur(self, event: Blur) -> None:
        """What is shown by then is kept."""
        if self.typed is not None:
            self._leave()
        self.redraw()

    def on_click(self, event: Click) -> None:
        """Begin to type, unless something was clicked that does another thing."""
        if "@click" not in event.style.meta:
            self.action_type()

    def _retype(self, text: str) -> None:
        """Show at once what the line asks for; where it is not understood, what was shown stays."""
        self.typed, self.remark = text[:_LONGEST], ""
        try:
            search = parse(self.typed, self._browser.classes)
        except SearchError as error:
            self.remark = str(error)
            self.unfinished = self._understood(self.typed.rpartition(" ")[0]) and not self.typed.endswith(" ")
        else:
            wanted = (search.query, search.sort or self._before[1])
            if wanted != (self._browser.query, self._browser.sort):
                self._browser.ask(*wanted)
                self.post_message(self.Searched())
        self.redraw()

    def _understood(self, text: str) -> bool:
        try:
            parse(text, self._browser.classes)
        except SearchError:
            return False
        return True

    def _recall(self, direction: int) -> None:
        searches = self._browser.searches
        self._recalled = min(max(self._recalled + direction, 0), len(searches))
        self._retype(searches[self._recalled] if self._recalled < len(searches) else "")

    def _keep(self) -> None:
        """Enter: what is not understood is not left."""
        text = " ".join((self.typed or "").split())
        if self.remark:
            self.unfinished = False
            self.redraw()
            return
        searches = self._browser.searches
        if text:
            searches[:] = [*(search for search in searches if search != text), text][-_KEPT:]
        self._leave()
        self.post_message(self.Left())

    def _put_back(self) -> None:
        query, sort, index = self._before
        if (query, sort) != (self._browser.query, self._browser.sort):
            self._browser.ask(query, sort)
        if index is not None and index != self._browser.index and index in self._browser.order:
            self._browser.move_to(self._browser.order.index(index))
        self._leave()
        self.post_message(self.Searched())
        self.post_message(self.Left())

    def _leave(self) -> None:
        self.typed, self.remark = None, ""
        self.remove_class("-typing")
        self.redraw()

    # --- the picture

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The chips or the field, and the count; below a field, what is wrong or what can be typed."""
        if self.typed is None:
            yield self._chips(width)
            return
        palette = self.palette
        count = self._tail(width // 2)
        room = max(8, width - 4 - _length(count))
        shown = (self.typed + ("_" if self._ascii else "▏"))[-room:]
        wrong = bool(self.remark) and not self.unfinished
        field = Style(color=palette.background, bgcolor=palette.wrong if wrong else palette.accent, bold=True)
        gap = Segment(" " * max(2, width - 2 - len(shown) - _length(count)))
        yield [Segment("/ ", Style(color=palette.accent, bold=True)), Segment(shown, field), gap, *count]
        if self.remark:
            sign = "" if self.unfinished else "x " if self._ascii else "✗ "
            colour = palette.muted if self.unfinished else palette.wrong
            yield [Segment("  "), Segment(_whole(sign + self.remark, width - 2), Style(color=colour))]
        else:
            up = "up" if self._ascii else "↑"
            hint = f"enter keeps, esc puts back, {up} recalls · {EXAMPLES}"
            hint = hint.replace("·", "-") if self._ascii else hint
            yield [Segment("  "), Segment(_whole(hint, width - 2), Style(color=palette.muted))]

    def _chips(self, width: int) -> list[Segment]:
        palette, browser = self.palette, self._browser
        key = (
            Style(color=palette.background, bgcolor=palette.accent, bold=True)
            if self.has_focus
            else Style(color=palette.accent, bold=True)
        )
        begin = [Segment("/", key + Style(meta={"@click": "screen.search"})), Segment(" ")]
        chips = [self._chip(words(part, browser.classes), part.field) for part in browser.query.conditions]
        needed = 2 + sum(map(_length, chips))
        tail = self._tail(max(width - needed - 2, 0))
        room = width - 2 - _length(tail) - 2
        hidden = 0
        while len(chips) - hidden > 0 and sum(map(_length, chips[hidden:])) + (5 if hidden else 0) > room:
            hidden += 1
        middle = [segment for chip in chips[hidden:] for segment in chip]
        if hidden and room >= 5:
            more = Style(color=palette.accent, meta={"@click": "screen.search"})
            middle = [Segment(f"+{hidden}".ljust(5), more), *middle]
        if not chips:
            click = Style(color=palette.muted, meta={"@click": "screen.search"})
            hint = next(
                (text for text in _HINTS if len(text) <= room),
                "",
            )
            middle = [Segment(hint, click)]
        gap = Segment(" " * max(0, width - 2 - _length(middle) - _length(tail)))
        return [*begin, *middle, gap, *tail]

    def _chip(self, text: str, field: str) -> list[Segment]:
        palette = self.palette
        click = Style(meta={"@click": f"screen.take_off({field!r})"})
        chip = Style(color=palette.text, bgcolor=palette.panel, bold=True) + click
        cross = Style(color=palette.accent, bgcolor=palette.panel) + click
        ends = ("[", "]") if self._ascii else (" ", " ")
        return [
            Segment(f"{ends[0]}{text} ", chip),
            Segment(("x" if self._ascii else "×") + ends[1], cross),
            Segment(" "),
        ]

    def _tail(self, width: int) -> list[Segment]:
        palette = self.palette
        line: list[Segment] = []
        for piece, text in fit(self._looked_at(), width):
            style = Style(color=palette.text if piece.strong else palette.muted, bold=piece.strong)
            if piece.action:
                style += Style(meta={"@click": f"screen.{piece.action}"})
            line += [Segment(" - " if self._ascii else " · ", Style(color=palette.faint)), Segment(text, style)]
        return line[1:]


def _length(segments: Iterable[Segment]) -> int:
    return sum(len(segment.text) for segment in segments)


def _whole(text: str, width: int) -> str:
    """As many whole words as fit."""
    return text if len(text) <= width else text[: max(0, width) + 1].rpartition(" ")[0]
