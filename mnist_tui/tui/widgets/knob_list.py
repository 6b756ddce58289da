"""The rows of the hyperparameters: up and down choose one, arrows nudge it, enter types it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.binding import Binding
from textual.events import Blur, Click, Key, Paste
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from mnist_tui.core.knob import HyperparameterError, Knob, Value
from mnist_tui.tui.finishing import Background, finished
from mnist_tui.tui.theme import palette_in
from mnist_tui.tui.widgets.knob_row import ARROWS, KnobRow


class KnobList(ScrollView, can_focus=True):
    """All rows, one of them current: it has the keys.

    Nothing global happens while a value is typed: every key is the field's own then. One widget for all of them, since
    a widget costs the first frame a millisecond.
    """

    class Changed(Message):
        """A row has a new, legal value."""

        def __init__(self, name: str, value: Value) -> None:
            super().__init__()
            self.name = name
            self.value = value

    class Moved(Message):
        """Another row is current."""

        def __init__(self, knob: Knob) -> None:
            super().__init__()
            self.knob = knob

    class Remarked(Message):
        """The current row has something to say: a refusal (`wrong`), or nothing any more."""

        def __init__(self, text: str, wrong: bool) -> None:
            super().__init__()
            self.text = text
            self.wrong = wrong

    BINDINGS = [
        Binding("left,minus", "nudge(-1)", "smaller", show=False),
        Binding("right,plus", "nudge(1)", "larger", show=False),
        Binding("enter", "type", "type a value", show=False),
        Binding("up", "move(-1)", "setting above", show=False),
        Binding("down", "move(1)", "setting below", show=False),
    ]

    DEFAULT_CSS = """
    KnobList { height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    """

    def __init__(self, rows: Sequence[KnobRow]) -> None:
        super().__init__(id="knob-list")
        self.rows = rows
        self._places = {row.knob.name: place for place, row in enumerate(rows)}
        self._place = 0
        self.set_reactive(KnobList.virtual_size, Size(1, len(rows)))

    @property
    def current(self) -> KnobRow:
        """The row that has the keys while the list has the focus."""
        return self.rows[self._place]

    @property
    def takes_keys(self) -> bool:
        """Whether a value is being typed."""
        return self.current.typed is not None

    def choose(self, name: str) -> None:
        """Make the row of hyperparameter `name` the current one."""
        self._go(self._places[name])
        self.reveal()

    def show(self, name: str, value: Value, *, pending: bool, waits: bool) -> None:
        """Show `value` on a row, as `KnobRow.show` says."""
        place = self._places[name]
        if self.rows[place].show(value, pending=pending, waits=waits):
            self.refresh_line(place)

    def action_nudge(self, direction: int) -> None:
        """Move the value one rung."""
        row = self.current
        moved = row.knob.nudge(row.value, direction)
        if moved != row.value:
            self._change(moved)

    def action_move(self, direction: int) -> None:
        """Go to the row above or below; from the last to the first."""
        self._go((self._place + direction) % len(self.rows))

    def _go(self, place: int) -> None:
        if place == self._place:
            return
        self._stop_typing()
        self.refresh_line(self._place)
        self.refresh_line(place)
        self._place = place
        self.reveal()
        self.post_message(self.Moved(self.current.knob))

    def reveal(self) -> None:
        """Scroll the current row into sight: the list, and what it is scrolled in where the panels are stacked."""
        self.scroll_to_region(Region(0, self._place, 1, 1), animate=False, force=True, immediate=True)
        y = self.content_region.y + self._place - self.scroll_offset.y
        for container in self.ancestors:
            if isinstance(container, Widget) and container.allow_vertical_scroll:
                seen = container.content_region
                distance = max(0, y - seen.bottom + 1) - max(0, seen.y - y)
                container.scroll_relative(y=distance, animate=False, force=True, immediate=True)
                y -= distance

    def action_type(self) -> None:
        """Begin to type a value."""
        row = self.current
        row.typed = ""
        self._remark(f"type {row.knob.range_text}; esc keeps {row.knob.format(row.value)}", wrong=False)
        self.refresh_line(self._place)

    def _remark(self, text: str, *, wrong: bool) -> None:
        self.post_message(self.Remarked(text, wrong))

    def _change(self, value: Value) -> None:
        row = self.current
        row.value = value
        self.refresh_line(self._place)
        self.post_message(self.Changed(row.knob.name, value))

    async def on_key(self, event: Key) -> None:
        """While typing, take every key; else leave it to the bindings."""
        typed = self.current.typed
        if typed is None:
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "enter":
                self._commit()
            case "escape":
                self._stop_typing()
            case "backspace":
                self._retype(typed[:-1])
            case "ctrl+u":
                self._retype("")
            case "tab" | "down":
                if not typed or self._commit():
                    self.action_move(1)
            case "shift+tab" | "up":
                if not typed or self._commit():
                    self.action_move(-1)
            case _ if event.is_printable and event.character:
                self._retype(typed + event.character)

    def on_paste(self, event: Paste) -> None:
        """Take pasted text as typed."""
        event.stop()
        typed = self.current.typed
        if typed is not None:
            self._retype(typed + " ".join(event.text.split()))

    def on_focus(self) -> None:
        """The current row lights up, and is in sight."""
        self.refresh_line(self._place)
        self.reveal()

    def on_blur(self, event: Blur) -> None:
        """Leaving the list drops what was half typed."""
        self._stop_typing()
        self.refresh_line(self._place)

    def on_click(self, event: Click) -> None:
        """Go to the row; its arrows nudge, its value begins typing."""
        offset = event.get_content_offset(self)
        place = offset.y + self.scroll_offset.y if offset is not None else len(self.rows)
        if offset is None or place >= len(self.rows):
            return
        self._go(place)
        from_right = self.scrollable_content_region.width - offset.x
        if from_right in {1, 2}:
            self.action_nudge(1 if from_right == 1 else -1)
        elif from_right > ARROWS and offset.x > len(self.current.knob.label) + 1 and not self.takes_keys:
            self.action_type()

    def _retype(self, text: str) -> None:
        row = self.current
        row.type(text)
        mistake = row.mistake
        self._remark(mistake or f"enter applies, esc keeps {row.knob.format(row.value)}", wrong=bool(mistake))
        self.refresh_line(self._place)

    def _commit(self) -> bool:
        """Apply what was typed; on a mistake, nothing included, stay in the field and say what is wrong."""
        row = self.current
        try:
            value = row.parse()
        except HyperparameterError as error:
            self._remark(str(error), wrong=True)
            return False
        self._stop_typing()
        if value != row.value:
            self._change(value)
        return True

    def _stop_typing(self) -> None:
        if self.current.typed is not None:
            self.current.typed = None
            self._remark("", wrong=False)
            self.refresh_line(self._place)

    def render_line(self, y: int) -> Strip:
        """A row, or nothing below the last."""
        place = y + self.scroll_offset.y
        if place >= len(self.rows):
            return Strip([])
        palette, width = palette_in(self.app), self.scrollable_content_region.width
        focused = self.has_focus and place == self._place
        base = Style(color=palette.text, bgcolor=palette.panel if focused else palette.surface)
        return finished(self.rows[place].draw(width, palette, focused=focused), width, Background(base))
