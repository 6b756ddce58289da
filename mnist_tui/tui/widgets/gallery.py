"""All matching digits as a wall of small pictures that scrolls like a pager; only what is visible is drawn."""

from __future__ import annotations

from collections import OrderedDict

from rich.segment import Segment
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mnist_tui.render.blocks import Glyphs
from mnist_tui.render.palette import Palette
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.theme import palette_of
from mnist_tui.tui.widgets.digit_panel import draw_entry
from mnist_tui.tui.widgets.notice import draw_notice
from mnist_tui.tui.widgets.picture import SMALL_SIZE
from mnist_tui.tui.wording import count_words, why_empty

_GAP = 2
_KEPT = 600  # drawn digits kept: more than a 400 x 100 screen shows, about 2 MB


class Gallery(ScrollView, can_focus=True):
    """The browser's order as rows of pictures; the cursor moves through it and keeps itself in sight."""

    class Moved(Message):
        """The cursor is on another picture."""

    class Opened(Message):
        """A picture was chosen for a closer look; `index` is its place in the split."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    BINDINGS = [
        Binding("left", "move(-1)", "previous digit", show=False),
        Binding("right", "move(1)", "next digit", show=False),
        Binding("up", "move_rows(-1)", "row up", show=False),
        Binding("down", "move_rows(1)", "row down", show=False),
        Binding("pageup", "move_pages(-1)", "page up", show=False),
        Binding("pagedown", "move_pages(1)", "page down", show=False),
        Binding("home", "move(-1000000)", "first digit", show=False),
        Binding("end", "move(1000000)", "last digit", show=False),
        Binding("enter", "open", "look closer", show=False),
    ]

    DEFAULT_CSS = """
    Gallery { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    def __init__(self, browser: DigitBrowser, *, glyphs: Glyphs = "half") -> None:
        super().__init__(id="gallery", classes="panel")
        self._browser = browser
        self._glyphs: Glyphs = glyphs
        self._shown = -1
        self._drawn: OrderedDict[tuple[int, bool], list[Strip]] = OrderedDict()
        self._drawn_for: object = None

    @property
    def palette(self) -> Palette:
        """The colours of the theme in force."""
        return palette_of(self.app.current_theme.dark)

    @property
    def columns(self) -> int:
        """Pictures a row."""
        return max(1, (self.scrollable_content_region.width + _GAP) // (SMALL_SIZE[0] + _GAP))

    @property
    def _row_height(self) -> int:
        return SMALL_SIZE[1] + 1

    def on_mount(self) -> None:
        """Take the browser's state over."""
        self.show()

    def on_resize(self) -> None:
        """Another number of columns: keep the cursor in sight."""
        self._lay_out()

    def show(self) -> None:
        """Repaint if the browser changed."""
        if self._browser.revision == self._shown:
            return
        self._shown = self._browser.revision
        self._lay_out()

    def _lay_out(self) -> None:
        order = self._browser.order
        rows = -(-len(order) // self.columns)
        self.virtual_size = Size(self.scrollable_content_region.width, rows * self._row_height)
        self.border_title = f" {count_words(self._browser)} "
        self._keep_cursor_in_sight()
        self.refresh()

    def _keep_cursor_in_sight(self) -> None:
        row = self._browser.position // self.columns
        self.scroll_to_region(Region(0, row * self._row_height, 1, self._row_height), animate=False, force=True)

    def action_move(self, distance: int) -> None:
        """Move the cursor by digits."""
        self._move_to(self._browser.position + distance)

    def action_move_rows(self, rows: int) -> None:
        """Move the cursor by rows."""
        self._move_to(self._browser.position + rows * self.columns)

    def action_move_pages(self, pages: int) -> None:
        """Move the cursor by screens."""
        visible = max(1, self.scrollable_content_region.height // self._row_height)
        self._move_to(self._browser.position + pages * visible * self.columns)

    def _move_to(self, position: int) -> None:
        self._browser.move_to(position)
        self.show()
        self.post_message(self.Moved())

    def action_open(self) -> None:
        """Ask for a closer look at the picture under the cursor."""
        if self._browser.index is not None:
            self.post_message(self.Opened(self._browser.index))

    def on_click(self, event: Click) -> None:
        """Put the cursor on the picture under the mouse; a second click looks closer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = (offset.y + self.scroll_offset.y) // self._row_height
        column = min(offset.x // (SMALL_SIZE[0] + _GAP), self.columns - 1)
        if row * self.columns + column < len(self._browser.order):
            self._move_to(row * self.columns + column)
            if event.chain == 2:
                self.action_open()

    def render_line(self, y: int) -> Strip:
        """One line across the pictures of a row."""
        width = self.scrollable_content_region.width
        if not self._browser.order:
            lines = draw_notice(why_empty(self._browser), width, self.size.height, self.palette)
            return Strip(lines[y] if y < len(lines) else []).adjust_cell_length(width).apply_style(self.rich_style)
        row, line = divmod(y + self.scroll_offset.y, self._row_height)
        if self._browser.digits is None or line >= SMALL_SIZE[1]:
            return Strip.blank(width, self.rich_style)
        first = row * self.columns
        parts: list[Segment] = []
        for position in range(first, min(first + self.columns, len(self._browser.order))):
            index = self._browser.order[position]
            parts += [*self._picture(index, position == self._browser.position)[line], Segment(" " * _GAP)]
        return Strip(parts).adjust_cell_length(width).apply_style(self.rich_style)

    def _picture(self, index: int, selected: bool) -> list[Strip]:
        context = (self._browser.evaluations, self.app.theme)
        if context != self._drawn_for:
            self._drawn.clear()
            self._drawn_for = context
        key = (index, selected)
        strips = self._drawn.get(key)
        if strips is None:
            strips = draw_entry(self._browser, index, self.palette, self._glyphs, selected)
            self._drawn[key] = strips
            if len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        return strips
