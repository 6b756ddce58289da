"""All runs as a table that scrolls; only the lines in sight are drawn."""

from __future__ import annotations

from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mnist_tui.core.catalogue import RunEntry
from mnist_tui.core.notes import printable
from mnist_tui.render.palette import Palette
from mnist_tui.render.runs_table import GAP, Column, fit, fitting, header, text_of
from mnist_tui.tui.shelf import Shelf
from mnist_tui.tui.theme import curve_colours, palette_in

_MARK = 3  # cells of the letter of a chosen run


class RunsTable(ScrollView, can_focus=True):
    """The shelf's runs, the newest first, under a line of titles that stays."""

    class Moved(Message):
        """The cursor is on another run."""

    class Opened(Message):
        """The run in `folder` is to be looked at."""

        def __init__(self, folder: Path) -> None:
            super().__init__()
            self.folder = folder

    class Resumed(Message):
        """The run in `folder` is to be trained on."""

        def __init__(self, folder: Path) -> None:
            super().__init__()
            self.folder = folder

    class Chosen(Message):
        """The cursor's run is to be laid over the others, or no more."""

    BINDINGS = [
        Binding("up", "move(-1)", "run above", show=False),
        Binding("down", "move(1)", "run below", show=False),
        Binding("pageup", "move_pages(-1)", "page up", show=False),
        Binding("pagedown", "move_pages(1)", "page down", show=False),
        Binding("home", "move(-1000000)", "newest run", show=False),
        Binding("end", "move(1000000)", "oldest run", show=False),
        Binding("enter", "screen.act", "what can be done", show=False, tooltip="what can be done with the run"),
    ]

    DEFAULT_CSS = """
    RunsTable { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    def __init__(self, shelf: Shelf, *, ascii_only: bool = False) -> None:
        super().__init__(id="runs", classes="panel")
        self._shelf = shelf
        self._ascii = ascii_only
        self._title = ""
        self._columns: list[Column] = []
        self._lines: dict[int, Strip] = {}
        self._drawn_for: object = None

    @property
    def palette(self) -> Palette:
        """The colours of the theme in force."""
        return palette_in(self.app)

    def on_mount(self) -> None:
        """Take over what is known."""
        self.show()

    def on_resize(self) -> None:
        """Other columns fit."""
        self.show()

    def show(self) -> None:
        """Repaint the lines that came out different."""
        shelf, region = self._shelf, self.scrollable_content_region
        count = len(shelf.entries)
        title = f" {count} run{'s' if count != 1 else ''} in {printable(str(shelf.runs_dir), 60)} "
        if self._title != title:
            self._title = title
            self.border_title = Content(title)
        self._columns = fitting(shelf.entries, max(1, region.width - _MARK)) if shelf.entries else []
        if self.virtual_size != Size(region.width, count + 1):
            self.virtual_size = Size(region.width, count + 1)
            self.refresh(layout=True)
        self._keep_cursor_in_sight()
        key = (region.size, self.scroll_offset, self.app.theme, self.has_focus)
        before, self._lines = self._lines, {}
        if key != self._drawn_for:
            self._drawn_for = key
            self.refresh()
            return
        changed = [y for y in range(region.height) if before.get(y) != self.render_line(y)]
        if changed:
            self.refresh(*(Region(0, y, region.width, 1) for y in changed))

    def _keep_cursor_in_sight(self) -> None:
        place, top = self._shelf.position, self.scroll_offset.y
        visible = max(1, self.scrollable_content_region.height - 1)
        wanted = min(max(top, place - visible + 1), place)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    def action_move(self, distance: int) -> None:
        """Move the cursor."""
        self._move_to(self._shelf.position + distance)

    def action_move_pages(self, pages: int) -> None:
        """Move the cursor by screens."""
        self._move_to(self._shelf.position + pages * max(1, self.scrollable_content_region.height - 1))

    def _move_to(self, position: int) -> None:
        self._shelf.move_to(position)
        self.show()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        """Put the cursor there; in the first column, choose the run; twice, look at it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < 1:
            return
        place = offset.y - 1 + self.scroll_offset.y
        if place < len(self._shelf.entries):
            self._move_to(place)
            if offset.x < _MARK:
                self.post_message(self.Chosen())
            elif event.chain == 2:
                self.post_message(self.Opened(self._shelf.entries[place].folder))

    def render_line(self, y: int) -> Strip:
        """The titles, or a run."""
        strip = self._lines.get(y)
        if strip is None:
            width = self.scrollable_content_region.width
            segments = self._titles() if y == 0 else self._row(y - 1 + self.scroll_offset.y)
            strip = Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)
            self._lines[y] = strip
        return strip

    def notify_style_update(self) -> None:
        """The theme changed, or a class."""
        super().notify_style_update()
        self._lines = {}

    def _titles(self) -> list[Segment]:
        muted = Style(color=self.palette.muted)
        if not self._columns:
            nothing = f"{printable(str(self._shelf.runs_dir), 60)} holds no run yet: 1 goes back, space begins one"
            return [Segment(nothing if self._shelf.looked else "looking …"[: 7 if self._ascii else None], muted)]
        return [Segment(" " * _MARK), Segment(header(self._columns), muted)]

    def _row(self, place: int) -> list[Segment]:
        if place >= len(self._shelf.entries):
            return []
        entry = self._shelf.entries[place]
        under = place == self._shelf.position
        back = Style(bgcolor=self.palette.panel, bold=True) if under else Style()
        letter = self._shelf.letter_of(entry.folder)
        colours = curve_colours(self.palette)
        pointer = (">" if self._ascii else "▸") if under else " "
        segments = [
            Segment(pointer, Style(color=self.palette.accent) + back),
            Segment(
                letter or " ", Style(color=colours[self._shelf.chosen.index(entry.folder)] if letter else None) + back
            ),
            Segment(" ", back),
        ]
        for number, column in enumerate(self._columns):
            text = fit(text_of(entry, column, self._ascii), column)
            segments.append(Segment(" " * GAP if number else "", back))
            segments.append(Segment(text, Style(color=self._colour(entry, column)) + back))
        return segments

    def _colour(self, entry: RunEntry, column: Column) -> str:
        palette = self.palette
        if column.title == "state":
            return state_colour(entry.state_in_words, palette)
        if column.title == "test":
            return palette.best
        return palette.text if column.title == "run" else palette.muted


def state_colour(state: str, palette: Palette) -> str:
    """Green for what goes well, amber for what stands still, red for what went wrong."""
    match state:
        case "live" | "finished":
            return palette.right
        case "paused" | "stopped" | "stalled":
            return palette.warning
        case _:
            return palette.wrong
