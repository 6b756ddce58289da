"""The bottom line: the keys that matter here, taken from the list of all; a click does what the key does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding

from mnist_tui.tui.keys import KEYS
from mnist_tui.tui.widgets.line_view import LineView

_FIRST = ("toggle_training", "toggle_wrong", "help")


class KeyBar(LineView):
    """As many of the shown keys as fit, the most important first.

    Args:
        own: the screen's own keys.
        first: the actions that come before them, of those that hold everywhere.
    """

    DEFAULT_CSS = """
    KeyBar { height: 1; background: $panel; }
    """

    def __init__(self, own: Sequence[Binding] = (), first: Collection[str] = _FIRST) -> None:
        super().__init__(id="keys")
        self._own, self._first = own, first

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """`key words` pairs; the palette, which has all the rest, at the right end."""
        *entries, palette_entry = self.entries(width)
        line: list[Segment] = [Segment(" ")]
        for entry in entries:
            line += [*self._segments(entry), Segment("  ")]
        gap = width - 1 - sum(len(segment.text) for segment in line) - _length(palette_entry)
        yield [*line, Segment(" " * max(0, gap)), *self._segments(palette_entry)]

    def entries(self, width: int) -> list[tuple[str, str, str]]:
        """Key, words and action of what is shown in `width` cells; the palette is the last."""
        shown = [_entry(binding) for binding in KEYS if binding.show]
        if self._own:
            first = [entry for entry in shown if entry[2].split(".", 1)[1] in self._first]
            own = [_entry(binding, "screen") for binding in self._own if binding.show]
            shown = [*first, *own, *(entry for entry in shown if entry not in first)]
        palette_entry = next(entry for entry in shown if entry[2].endswith("command_palette"))
        fitting: list[tuple[str, str, str]] = []
        used = 2 + _length(palette_entry)
        for entry in shown:
            used += _length(entry) + 2
            if entry is not palette_entry and used > width:
                break
            if entry is palette_entry:
                used -= _length(entry) + 2
            else:
                fitting.append(entry)
        return [*fitting, palette_entry]

    def _segments(self, entry: tuple[str, str, str]) -> list[Segment]:
        key, words, action = entry
        click = Style(meta={"@click": action})
        return [
            Segment(key, Style(color=self.palette.accent, bold=True) + click),
            Segment(f" {words}", Style(color=self.palette.muted) + click),
        ]


def _entry(binding: Binding, owner: str = "app") -> tuple[str, str, str]:
    action = binding.action if binding.action.startswith("app.") else f"{owner}.{binding.action}"
    return binding.key_display or binding.key.split(",")[0], binding.description, action


def _length(entry: tuple[str, str, str]) -> int:
    return len(entry[0]) + 1 + len(entry[1])
