"""The canvas one draws on, by mouse and by keys."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from textual.binding import Binding
from textual.events import Blur, Focus, MouseDown, MouseEvent, MouseMove, MouseUp
from textual.message import Message

from mnist_tui.core.canvas import BRUSHES, Canvas
from mnist_tui.core.idx import SIDE
from mnist_tui.render.blocks import Glyphs
from mnist_tui.render.canvas import draw_field, fits_double
from mnist_tui.tui.widgets.line_view import LineView

_RIGHT_BUTTON = 3


class CanvasView(LineView, can_focus=True):
    """Drag to draw, with the right button to erase; arrows move a cursor, with shift or with the pen down they draw.

    Attributes:
        cursor: column and row of the pixel under it.
        pen_down: whether moving it draws.
    """

    class Changed(Message):
        """Something else is drawn."""

    ALLOW_SELECT = False
    BINDINGS = [
        Binding("left", "move(-1, 0)", "cursor", show=False),
        Binding("right", "move(1, 0)", "cursor", show=False),
        Binding("up", "move(0, -1)", "cursor", show=False),
        Binding("down", "move(0, 1)", "cursor", show=False),
        Binding("shift+left", "paint(-1, 0)", "draw to the left", show=False),
        Binding("shift+right", "paint(1, 0)", "draw to the right", show=False),
        Binding("shift+up", "paint(0, -1)", "draw upwards", show=False),
        Binding("shift+down", "paint(0, 1)", "draw downwards", show=False),
    ]

    def __init__(self, canvas: Canvas, *, glyphs: Glyphs = "half") -> None:
        super().__init__(id="canvas", classes="panel")
        self._canvas = canvas
        self._glyphs: Glyphs = glyphs
        self._shown: object = None
        self.cursor = (SIDE // 2, 6)
        self.pen_down = False

    def on_mount(self) -> None:
        """Write the title."""
        self.show()

    def show(self) -> None:
        """Repaint what changed, and say so when it is the drawing."""
        canvas = self._canvas
        state = (canvas.revision, canvas.brush, canvas.erasing, self.cursor, self.pen_down, self.has_focus)
        if state == self._shown:
            return
        changed = not isinstance(self._shown, tuple) or self._shown[0] != canvas.revision
        self._shown = state
        tool = BRUSHES[canvas.brush][0] + (" eraser" if canvas.erasing else " brush")
        self.border_title = f" draw: {tool}{', pen down' if self.pen_down else ''} "
        self.redraw()
        if changed:
            self.post_message(self.Changed())

    # --- by keys

    def action_move(self, x: int, y: int) -> None:
        """Move the cursor; with the pen down, draw."""
        if self.pen_down:
            self.action_paint(x, y)
            return
        self._canvas.lift()
        self._go(x, y)

    def action_paint(self, x: int, y: int) -> None:
        """Move the cursor and draw; all that is drawn without a gap is one stroke."""
        if not self._canvas.drawing:
            self._canvas.press(*self._middle())
        self._go(x, y)
        self._canvas.drag(*self._middle())
        self.show()

    def toggle_pen(self) -> None:
        """Put the pen down, or lift it."""
        self.pen_down = not self.pen_down
        if self.pen_down:
            self._canvas.press(*self._middle())
        else:
            self._canvas.lift()
        self.show()

    def _go(self, x: int, y: int) -> None:
        column, row = self.cursor
        self.cursor = (min(max(column + x, 0), SIDE - 1), min(max(row + y, 0), SIDE - 1))
        self.show()

    def _middle(self) -> tuple[float, float]:
        return self.cursor[0] + 0.5, self.cursor[1] + 0.5

    def on_focus(self, event: Focus) -> None:
        """Show the cursor."""
        self.show()

    def on_blur(self, event: Blur) -> None:
        """Hide it, and end the stroke."""
        self.pen_down = False
        self._canvas.lift()
        self.show()

    # --- by mouse

    def on_mouse_down(self, event: MouseDown) -> None:
        """Begin a stroke; the mouse is the canvas' own until the button is let go."""
        event.stop()
        self.capture_mouse()
        self.pen_down = False
        place = self._place(event)
        self._canvas.press(*place, erase=True if event.button == _RIGHT_BUTTON else None)
        self._follow(place)

    def on_mouse_move(self, event: MouseMove) -> None:
        """Draw on, in a straight line between two reports."""
        if self._canvas.drawing and self.app.mouse_captured is self:
            event.stop()
            place = self._place(event)
            self._canvas.drag(*place)
            self._follow(place)

    def on_mouse_up(self, event: MouseUp) -> None:
        """End the stroke."""
        if self.app.mouse_captured is self:
            event.stop()
            self.release_mouse()
            self._canvas.lift()

    def _follow(self, place: tuple[float, float]) -> None:
        """Have the cursor where the mouse is."""
        column, row = (min(max(int(value), 0), SIDE - 1) for value in place)
        self.cursor = (column, row)
        self.show()

    def _place(self, event: MouseEvent) -> tuple[float, float]:
        """Where the mouse is, in pixels of the canvas; some terminals report fractions of a cell, else its middle."""
        x, y = event.pointer_x - self.gutter.left, event.pointer_y - self.gutter.top
        x, y = (value + 0.5 if value == int(value) else value for value in (x, y))
        return (x / 2, y) if self._double else (x, 2 * y)

    # --- the picture

    @property
    def _double(self) -> bool:
        return fits_double(*self.size)

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The canvas, and the cursor while the keys are its own."""
        cursor = self.cursor if self.has_focus else None
        double = fits_double(width, height)
        return draw_field(self._canvas.pixels, self.palette, self._glyphs, double=double, cursor=cursor)
