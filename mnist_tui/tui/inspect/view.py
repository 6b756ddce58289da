"""How digits are drawn."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding

from mnist_tui.tui.inspect.base import InspectPart
from mnist_tui.tui.looks import Look

_NOTE_SECONDS = 2.0  # the change itself is seen at once


class Viewing(InspectPart):
    """How digits are drawn."""

    KEYS: ClassVar[list[Binding]] = [
        Binding("v", "cycle_size", "size", tooltip="the gallery's digits: full, half or dense size"),
        Binding(
            "b", "cycle_glyphs", "glyphs", tooltip="draw digits with half blocks, quadrants, braille, shades, ASCII"
        ),
        Binding(
            "p",
            "cycle_palette",
            "palette",
            show=False,
            tooltip="the colours of digits: ink, viridis, cividis, high contrast",
        ),
    ]

    def action_cycle_size(self) -> None:
        """Smaller digits in the gallery, or the largest again."""
        look = self.session.look.with_next_size()
        self._look(look, f"Digits at {look.size_words}.")

    def action_cycle_glyphs(self) -> None:
        """The next kind of glyphs, unless only ASCII may be drawn."""
        if self.session.ascii_only:
            self.say("--ascii allows ASCII characters alone: start without it for other glyphs.")
            return
        look = self.session.look.with_next_glyphs()
        names = {"half": "half blocks", "quadrant": "quadrants", "shade": "shades", "ascii": "ASCII"}
        self._look(look, f"Digits in {names.get(look.glyphs, look.glyphs)}.")

    def action_cycle_palette(self) -> None:
        """The next colours of strokes."""
        look = self.session.look.with_next_palette()
        self._look(look, f"Digits in the palette {look.palette}.")

    def _look(self, look: Look, words: str) -> None:
        self.session.look = look
        self.show_digits()
        self.notify(words, timeout=_NOTE_SECONDS, markup=False)
