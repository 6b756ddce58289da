"""The bottom line: the keys that matter here, taken from the list of all; a click does what the key does."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.tui.keys import KEYS
from mnist_tui.tui.widgets.line_view import LineView


class KeyBar(LineView):
    """As many of the shown keys as fit, the most important first."""

    DEFAULT_CSS = """
    KeyBar { height: 1; background: $panel; }
    """

    def __init__(self) -> None:
        super().__init__(id="keys")

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """`key words` pairs."""
        palette = self.palette
        line: list[Segment] = [Segment(" ")]
        used = 1
        for key, words, action in self._shown():
            if used + len(key) + len(words) + 3 > width:
                break
            click = Style(meta={"@click": action})
            line += [
                Segment(key, Style(color=palette.accent, bold=True) + click),
                Segment(f" {words}", Style(color=palette.muted) + click),
                Segment("  "),
            ]
            used += len(key) + len(words) + 3
        yield line

    def _shown(self) -> Iterable[tuple[str, str, str]]:
        for binding in KEYS:
            if binding.show:
                key = binding.key_display or binding.key.split(",")[0]
                action = binding.action if binding.action.startswith("app.") else f"app.{binding.action}"
                yield key, binding.description, action
