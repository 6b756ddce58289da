"""One hyperparameter on one line: its value, what is typed in its place, and how that is drawn."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from mnist_tui.core.knob import HyperparameterError, Knob, Value
from mnist_tui.render.palette import Palette

ARROWS = 3  # cells of " ◂▸" at the right end
_EXACT = 12  # cells; a longer number that leaves its label no room is told in four digits
_LONGEST = 40  # characters a field takes; more is refused as it is typed


class KnobRow:
    """A hyperparameter, its value, and whether the engine has confirmed it.

    Attributes:
        knob: what is known about it.
        value: what is wanted.
        pending: the engine has not confirmed it.
        waits: it is for the next run.
        typed: what stands in the field, None where nothing is typed.
    """

    def __init__(self, knob: Knob, value: Value, *, ascii_only: bool = False) -> None:
        self.knob = knob
        self.value = value
        self.pending = False
        self.waits = False
        self.typed: str | None = None
        self._ascii = ascii_only

    def show(self, value: Value, *, pending: bool, waits: bool) -> bool:
        """Take over `value`: `pending` until the engine confirms it, `waits` where it is for the next run.

        Returns:
            Whether the row looks different now.
        """
        before = self.value, self.pending, self.waits
        self.value, self.pending, self.waits = value, pending, waits
        return before != (value, pending, waits)

    def type(self, text: str) -> None:
        """Have `text` in the field."""
        self.typed = text[:_LONGEST] if len(text) <= 4 * _LONGEST else text[: 4 * _LONGEST]

    def parse(self) -> Value:
        """The value that is typed.

        Raises:
            HyperparameterError: it is none.
        """
        return self.knob.parse(self.typed or "")

    @property
    def mistake(self) -> str:
        """What is wrong with what is typed, in a sentence; nothing typed yet is no mistake."""
        try:
            if self.typed:
                self.parse()
        except HyperparameterError as error:
            return str(error)
        return ""

    def draw(self, width: int, palette: Palette, *, focused: bool) -> list[Segment]:
        """Sign, label, value, arrows."""
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
        room = max(1, width - 2 - len(words) - ARROWS - 1)
        if self.typed is None and len(value) > max(room, _EXACT) and isinstance(self.value, float):
            value = f"{'~' if self._ascii else '≈'}{self.value:.4g}"
        if self.typed is None and len(value) > room:  # half a number is another number: the label gives way
            words = words[: max(0, width - 4 - ARROWS - len(value))] + ("~" if self._ascii else "…")
            room = width - 2 - len(words) - ARROWS - 1
        label = Segment(words, Style(color=palette.text if focused else palette.muted, bold=focused))
        if self.typed is not None:
            shown = (self.typed + ("_" if self._ascii else "▏"))[-room:]
            wrong = bool(self.mistake)
            style = Style(color=palette.background, bgcolor=palette.wrong if wrong else palette.accent, bold=True)
            if wrong and self._ascii:
                shown = (shown + "!")[-room:]
        else:
            shown = value if len(value) <= room else ("~" if self._ascii else "…")
            waiting = self.pending or self.waits
            style = Style(color=palette.warning if waiting else palette.text, bold=True, italic=waiting)
        padding = Segment(" " * max(1, width - 2 - len(words) - ARROWS - len(shown)))
        return [sign, label, padding, Segment(shown, style), arrows]
