"""All matching digits as a wall of small pictures that scrolls like a pager; only what is visible is drawn."""

from __future__ import annotations

from collections import OrderedDict

import attrs
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mnist_tui.render.blocks import SIDE, draw_sized
from mnist_tui.render.blocks import Size as CellSize
from mnist_tui.render.mosaic import Lines, joined
from mnist_tui.render.palette import Palette
from mnist_tui.tui.session import Session
from mnist_tui.tui.theme import palette_in
from mnist_tui.tui.titles import fitting_title
from mnist_tui.tui.widgets.notice import draw_notice
from mnist_tui.tui.widgets.picture import draw_entry, size_of
from mnist_tui.tui.wording import count_words, why_empty

_LOOSEST = 3  # blanks between two pictures where there is room to spread them
_KEPT = 1000  # drawn digits kept: more than a 400 x 100 screen shows, some 3 MB


@attrs.frozen
class Grid:
    """Where pictures stand in a region of some size; each has a blank on both sides, shared with its neighbour.

    Attributes:
        width, height: of a picture with its caption, in cells.
        columns: pictures a row.
        pitch: cells from one picture to the next.
        row_height: cells from one row to the next.
        rows: whole rows in sight, at least one.
    """

    width: int
    height: int
    columns: int
    pitch: int
    row_height: int
    rows: int

    @classmethod
    def of(cls, size: CellSize, width: int, height: int) -> Grid:
        """The grid of pictures of a size in `width` x `height` cells."""
        wide, high = size_of(size)
        columns = max(1, (width - 1) // (wide + 1))
        row_height = high + (size != "dense")
        pitch = max(1, min((width - 1) // columns, wide + _LOOSEST))
        return cls(wide, high, columns, pitch, row_height, max(1, height // row_height))


class Gallery(ScrollView, can_focus=True):
    """The browser's order as rows of pictures; keys move the cursor through it and keep it in sight."""

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
    Gallery { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="gallery", classes="panel")
        self._session = session
        self._browser = session.browser
        self._shown: object = None
        self._place: object = None
        self._drawn: OrderedDict[tuple[int, bool], Lines] = OrderedDict()
        self._drawn_for: object = None
        self._blank = Style()  # of a picture's paper
        self._grid = Grid.of("half", 0, 0)

    @property
    def palette(self) -> Palette:
        """The colours of the theme and the look in force."""
        return self._session.look.inked(palette_in(self.app))

    @property
    def columns(self) -> int:
        """Pictures a row."""
        return self._grid.columns

    def on_mount(self) -> None:
        """Take the browser's state over."""
        self.show()

    def on_resize(self) -> None:
        """Another number of columns: keep the cursor in sight."""
        self._lay_out()

    def show(self) -> None:
        """Repaint if the browser changed, or the look."""
        shown = (self._browser.revision, self._session.look)
        if shown == self._shown:
            return
        self._shown = shown
        self._lay_out()

    def _lay_out(self) -> None:
        order = self._browser.order
        width, height = self.scrollable_content_region.size
        self._grid = grid = Grid.of(self._session.look.size, width, height)
        rows = -(-len(order) // self.columns)
        # What a page leaves over stands below the last row, so that the last page begins with a row too.
        left_over = max(0, height - grid.rows * grid.row_height) if rows > grid.rows else 0
        self.virtual_size = Size(width, rows * grid.row_height + left_over)
        self.border_title = fitting_title(count_words(self._browser), self.outer_size.width)
        self.border_subtitle = " enter looks closer " if order else ""
        place = (self._browser.position, grid.columns, grid.row_height, height)
        if place != self._place:  # a view that the wheel has moved stays where it is when an evaluation comes
            self._place = place
            self._keep_cursor_in_sight()
        self.refresh()

    def _keep_cursor_in_sight(self) -> None:
        row, first = self._browser.position // self.columns, self.scroll_offset.y / self._grid.row_height
        if row < first:
            self._scroll_to_row(row)
        elif row >= first + self._grid.rows:
            self._scroll_to_row(row - self._grid.rows + 1)
        else:
            self._scroll_to_row(round(first))

    def _scroll_to_row(self, row: int) -> None:
        self.scroll_to(y=row * self._grid.row_height, animate=False, force=True, immediate=True)

    def action_move(self, distance: int) -> None:
        """Move the cursor by digits."""
        self._move_to(self._browser.position + distance)

    def action_move_rows(self, rows: int) -> None:
        """Move the cursor by rows."""
        self._move_to(self._browser.position + rows * self.columns)

    def action_move_pages(self, pages: int) -> None:
        """Move the cursor by screens."""
        self._move_to(self._browser.position + pages * self._grid.rows * self.columns)

    def action_open(self) -> None:
        """Ask for a closer look at the digit under the cursor."""
        if self._browser.index is not None:
            self.post_message(self.Opened(self._browser.index))

    def _move_to(self, position: int) -> None:
        self._browser.move_to(position)
        self._place = None  # back to the cursor, also where it cannot move further
        self._shown = None
        self.post_message(self.Moved())  # who hears it brings all panels up to date, in one frame

    def on_click(self, event: Click) -> None:
        """Put the cursor on the picture under the mouse; a second click looks closer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        row = (offset.y + self.scroll_offset.y) // self._grid.row_height
        column = min(max(0, offset.x - 1) // self._grid.pitch, self.columns - 1)
        if row * self.columns + column < len(self._browser.order):
            self._move_to(row * self.columns + column)
            if event.chain == 2:
                self.action_open()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """A row further on; the cursor stays where it is."""
        self._scroll_rows(event, 1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """A row back."""
        self._scroll_rows(event, -1)

    def _scroll_rows(self, event: MouseScrollDown | MouseScrollUp, rows: int) -> None:
        event.stop()
        event.prevent_default()
        self._scroll_to_row(self.scroll_offset.y // self._grid.row_height + rows)

    def render_line(self, y: int) -> Strip:
        """One line across the pictures of a row, on the paper's colour, which is the panel's."""
        browser, grid, palette = self._browser, self._grid, self.palette
        width = self.virtual_size.width
        paper = Style(color=palette.accent, bgcolor=palette.paper)
        if not browser.order:
            lines = draw_notice(why_empty(browser), width, self.size.height, palette)
            return Strip(lines[y] if y < len(lines) else []).adjust_cell_length(width).apply_style(self.rich_style)
        row, line = divmod(y + self.scroll_offset.y, grid.row_height)
        first = row * grid.columns
        if browser.digits is None or line >= grid.height or first >= len(browser.order):
            return Strip.blank(width, paper)
        self._forget_outdated()
        bars = "||" if self._session.look.ascii_only else "▐▌"
        gap = Segment(" " * (grid.pitch - grid.width), self._blank)
        parts = [Segment(" ", self._blank)]
        for position in range(first, min(first + grid.columns, len(browser.order))):
            selected = position == browser.position
            if selected:
                parts[-1] = Segment(parts[-1].text[:-1], self._blank)
                parts.append(Segment(bars[0], paper))
            parts += self._picture(browser.order[position], selected, palette)[line]
            parts += [Segment(bars[1], paper), Segment(gap.text[1:], self._blank)] if selected else [gap]
        return Strip(joined(parts)).adjust_cell_length(width, self._blank)

    def _forget_outdated(self) -> None:
        """Pictures of another evaluation, theme or look."""
        context = (self._browser.evaluations, self.app.theme, self._session.look)
        if context != self._drawn_for:
            self._drawn.clear()
            self._drawn_for = context
            look = self._session.look
            self._blank = draw_sized(bytes(SIDE * SIDE), self.palette, look.glyphs, look.size)[0][0].style or Style()

    def _picture(self, index: int, selected: bool, palette: Palette) -> Lines:
        key = (index, selected)
        lines = self._drawn.get(key)
        if lines is None:
            look = self._session.look
            lines = draw_entry(self._browser, index, palette, look.glyphs, selected, look.size)
            self._drawn[key] = lines
            if len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
        else:
            self._drawn.move_to_end(key)
        return lines
