"""A widget that draws itself line by line and keeps the lines until something changed."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from textual.app import RenderResult
from textual.strip import Strip
from textual.visual import VisualType
from textual.widget import Widget

from mnist_tui.render.palette import Palette
from mnist_tui.tui.theme import palette_of


class LineView(Widget, inherit_bindings=False):
    """Base of the drawn panels: `draw_lines` makes all lines at once, `redraw` throws them away."""

    DEFAULT_CSS = """
    LineView { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Strip] | None = None
        self._drawn_for: object = None

    @property
    def palette(self) -> Palette:
        """The colours of the theme in force."""
        return palette_of(self.app.current_theme.dark)

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The widget's content; lines may be too few, too many, too long or too short."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def redraw(self) -> None:
        """Draw anew at the next repaint."""
        self._lines = None
        self.refresh()

    def notify_style_update(self) -> None:
        """The theme changed, or a class."""
        super().notify_style_update()
        self._lines = None

    def render(self) -> RenderResult | VisualType:
        """Nothing: the lines are drawn by `render_line`."""
        return ""

    def render_line(self, y: int) -> Strip:
        """One line of the content, exactly as wide as the widget."""
        width, height = self.size
        if self._lines is None or self._drawn_for != (width, height):
            self._drawn_for = (width, height)
            drawn = list(self.draw_lines(width, height))[:height]
            self._lines = [Strip(line).adjust_cell_length(width) for line in drawn]
        return self._lines[y] if y < len(self._lines) else Strip.blank(width)
