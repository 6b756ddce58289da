"""One hyperparameter on one line: arrows nudge it, enter types it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Blur, Click, Key, Paste
from textual.message import Message

from mnist_tui.core.knob import HyperparameterError, Knob, Value
from mnist_tui.tui.widgets.line_view import LineView

_ARROWS = 3  # cells of " ◂▸" at the right end
_LONGEST = 40  # characters a field takes; more is refused as it is typed


class KnobRow(LineView, can_focus=True):
    """A hyperparameter, its value, and whether the engine has confirmed it.

    Nothing global happens while a value is typed: every key is the field's own then.
    """

    class Changed(Message):
        """The row has a new, legal value."""

        def __init__(self, name: str, value: Value) -> None:
            super().__init__()
            self.name = name
            self.value = value

    class Remarked(Message):
        """The row has something to say: a refusal (`wrong`), or nothing any more."""

        def __init__(self, text: str, wrong: bool) -> None:
            super().__init__()
            self.text = text
            self.wrong = wrong

    BINDINGS = [
        Binding("left,minus", "nudge(-1)", "smaller", show=False),
        Binding("right,plus", "nudge(1)", "larger", show=False),
        Binding("enter", "type", "type a value", show=False),
        Binding("up", "neighbour(-1)", "setting above", show=False),
        Binding("down", "neighbour(1)", "setting below", show=False),
    ]

    DEFAULT_CSS = """
    KnobRow { height: 1; }
    KnobRow:focus { background: $panel; }
    """

    def __init__(self, knob: Knob, value: Value, *, ascii_only: bool = False) -> None:
        super().__init__(id=f"knob-{knob.name.replace('_', '-')}")
        self.knob = knob
        self.value = value
        self.pending = False
        self.waits = False
        self.typed: str | None = None
        self._ascii = ascii_only

    @property
    def takes_keys(self) -> bool:
        """Whether a value is being typed."""
        return self.typed is not None

    def show(self, value: Value, *, pending: bool, waits: bool) -> None:
        """Show `value`: `pending` until the engine confirms it, `waits` where it is for the next run."""
        if (value, pending, waits) != (self.value, self.pending, self.waits):
            self.value, self.pending, self.waits = value, pending, waits
            self.redraw()

    def action_nudge(self, direction: int) -> None:
        """Move the value one rung."""
        moved = self.knob.nudge(self.value, direction)
        if moved != self.value:
            self._change(moved)

    def action_neighbour(self, direction: int) -> None:
        """Focus the row above or below."""
        if direction < 0:
            self.screen.focus_previous(KnobRow)
        else:
            self.screen.focus_next(KnobRow)

    def action_type(self) -> None:
        """Begin to type a value."""
        self.typed = ""
        self.post_message(
            self.Remarked(f"type {self.knob.range_text}; esc keeps {self.knob.format(self.value)}", wrong=False)
        )
        self.redraw()

    def _change(self, value: Value) -> None:
        self.value = value
        self.redraw()
        self.post_message(self.Changed(self.knob.name, value))

    async def on_key(self, event: Key) -> None:
        """While typing, take every key; else leave it to the bindings."""
        if self.typed is None:
            return
        event.stop()
        event.prevent_default()
        match event.key:
            case "enter":
                self._commit()
            case "escape":
                self._leave_typing()
            case "backspace":
                self._retype(self.typed[:-1])
            case "ctrl+u":
                self._retype("")
            case "tab" | "down":
                if not self.typed or self._commit():
                    self.action_neighbour(1)
            case "shift+tab" | "up":
                if not self.typed or self._commit():
                    self.action_neighbour(-1)
            case _ if event.is_printable and event.character:
                self._retype(self.typed + event.character)

    def on_paste(self, event: Paste) -> None:
        """Take pasted text as typed."""
        event.stop()
        if self.typed is not None:
            self._retype(self.typed + " ".join(event.text.split()))

    def on_blur(self, event: Blur) -> None:
        """Leaving the row drops what was half typed."""
        if self.typed is not None:
            self._leave_typing()

    def on_click(self, event: Click) -> None:
        """The arrows nudge; the value begins typing."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        from_right = self.size.width - offset.x
        if from_right in {1, 2}:
            self.action_nudge(1 if from_right == 1 else -1)
        elif from_right > _ARROWS and offset.x > len(self.knob.label) + 1 and self.typed is None:
            self.action_type()

    def _retype(self, text: str) -> None:
        self.typed = text[:_LONGEST] if len(text) <= 4 * _LONGEST else text[: 4 * _LONGEST]
        self._remark()
        self.redraw()

    def _remark(self) -> None:
        """Check as typed: nothing typed yet is no mistake."""
        try:
            if self.typed:
                self.knob.parse(self.typed)
        except HyperparameterError as error:
            self.post_message(self.Remarked(str(error), wrong=True))
        else:
            self.post_message(self.Remarked(f"enter applies, esc keeps {self.knob.format(self.value)}", wrong=False))

    def _commit(self) -> bool:
        """Apply what was typed; on a mistake, nothing included, stay in the field and say what is wrong."""
        try:
            value = self.knob.parse(self.typed or "")
        except HyperparameterError as error:
            self.post_message(self.Remarked(str(error), wrong=True))
            return False
        self._leave_typing()
        if value != self.value:
            self._change(value)
        return True

    def _leave_typing(self) -> None:
        self.typed = None
        self.post_message(self.Remarked("", wrong=False))
        self.redraw()

    def _is_wrong(self) -> bool:
        try:
            if self.typed:
                self.knob.parse(self.typed)
        except HyperparameterError:
            return True
        return False

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Sign, label, value, arrows."""
        palette = self.palette
        focused = self.has_focus
        signs = ("*", "o") if self._ascii else ("●", "○")
        sign = Segment(
            (signs[0] if self.knob.live else signs[1]) + " ",
            Style(color=palette.right if self.knob.live else palette.faint),
        )
        arrows = Segment(" <>" if self._ascii else " ◂▸", Style(color=palette.accent if focused else palette.faint))
        words = self.knob.label
        value = self.knob.format(self.value)
        if self.waits:
            value = ("> " if self._ascii else "↻ ") + value
        room = max(1, width - 2 - len(words) - _ARROWS - 1)
        if self.typed is None and len(value) > room:  # half a number is another number: the label gives way
            words = words[: max(0, width - 4 - _ARROWS - len(value))] + ("~" if self._ascii else "…")
            room = width - 2 - len(words) - _ARROWS - 1
        label = Segment(words, Style(color=palette.text if focused else palette.muted, bold=focused))
        if self.typed is not None:
            shown = (self.typed + ("_" if self._ascii else "▏"))[-room:]
            wrong = self._is_wrong()
            style = Style(color=palette.background, bgcolor=palette.wrong if wrong else palette.accent, bold=True)
            if wrong and self._ascii:
                shown = (shown + "!")[-room:]
        else:
            shown = value if len(value) <= room else ("~" if self._ascii else "…")
            waiting = self.pending or self.waits
            style = Style(color=palette.warning if waiting else palette.text, bold=True, italic=waiting)
        padding = Segment(" " * max(1, width - 2 - len(words) - _ARROWS - len(shown)))
        yield [sign, label, padding, Segment(shown, style), arrows]
