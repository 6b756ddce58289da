"""Draw a digit, and see at once what the network makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.events import Resize

from mnist_tui.core.canvas import BRUSHES
from mnist_tui.inspecting import Answer, Prepare, Prepared
from mnist_tui.tui.screens.prepared import PreparedScreen
from mnist_tui.tui.widgets.action_line import ActionLine
from mnist_tui.tui.widgets.canvas_view import CanvasView
from mnist_tui.tui.widgets.kept_panel import KeptPanel
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.seen_panel import SeenPanel
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session

_TURN = 10.0  # degrees


class DrawScreen(PreparedScreen):
    """The canvas, and beside it what the network sees and says; the weights are those of the evaluation looked at."""

    AUTO_FOCUS = "#canvas"
    OWN_BINDINGS = [
        Binding("p", "pen", "pen", tooltip="pen down or up: while it is down, arrows draw; with shift they always do"),
        Binding("enter", "look_closer", "look closer", tooltip="this digit alone: its neighbours, and what decided"),
        Binding("k", "keep", "keep", tooltip="keep it among your digits, with the class that it is"),
        Binding("backspace", "take_back", "undo", tooltip="as before the last stroke, or turn, or noise"),
        Binding("c,delete", "clear", "clear", key_display="c", tooltip="an empty canvas"),
        Binding("b", "brush", "brush", tooltip="fine, medium or broad strokes"),
        Binding("E", "eraser", "erase", tooltip="erase, or draw again; the right mouse button erases too"),
        Binding("comma", "rotate(-1)", "turn left", key_display=",", tooltip="turn it by 10 degrees, anticlockwise"),
        Binding("semicolon", "rotate(1)", "turn right", key_display=";", tooltip="turn it by 10 degrees, clockwise"),
        Binding("n", "noise", "noise", tooltip="noise on every pixel"),
        Binding("D", "drop", "drop last", tooltip="take the digit that was kept last away, after a question"),
        Binding("H,ctrl+left", "shift(-1, 0)", "move left", show=False, tooltip="move it by a pixel to the left"),
        Binding("J,ctrl+down", "shift(0, 1)", "move down", show=False, tooltip="move it by a pixel down"),
        Binding("K,ctrl+up", "shift(0, -1)", "move up", show=False, tooltip="move it by a pixel up"),
        Binding("L,ctrl+right", "shift(1, 0)", "move right", show=False, tooltip="move it by a pixel to the right"),
    ]
    BINDINGS = [*OWN_BINDINGS, Binding("u", "point_to_undo", show=False)]

    def __init__(self, session: Session) -> None:
        super().__init__(id="draw")
        ascii_only = session.ascii_only
        self.set_class(ascii_only, "-ascii")
        self.session = session
        self.drawn = session.canvas
        self.status = StatusBar(session)
        self.view = CanvasView(self.drawn, glyphs=session.glyphs)
        self.panel = SeenPanel(session.browser, glyphs=session.glyphs)
        self.kept = KeptPanel(session.browser, glyphs=session.glyphs)
        self.actions = ActionLine(self.OWN_BINDINGS, ascii_only=ascii_only)

    def compose(self) -> ComposeResult:
        """Status, canvas beside what is seen and kept, actions, keys."""
        yield self.status
        with Horizontal(id="panels"):
            yield self.view
            with Vertical(id="judged"):
                yield self.panel
                yield self.kept
        yield self.actions
        yield TooSmall(self.session.progress)
        yield KeyBar()

    def on_mount(self) -> None:
        """Ask about what is already drawn."""
        self._ask()
        self.show(charts=False, figures=True)

    def on_resize(self, event: Resize) -> None:
        """Where there is room, what the network sees is as large as what is drawn."""
        self.set_class(event.size.width >= 160 and event.size.height >= 52, "-large")

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date; another evaluation judges anew."""
        if figures:
            self.status.show()
        if self.asked is not None and self.session.weights != self.asked.weights:
            self._ask()
        self.look()
        self.view.show()
        self._show_seen()
        self.kept.show()

    def _show_seen(self) -> None:
        if self.drawn.blank:
            self.panel.show(None, f"Drag the mouse, or press p and go with the arrows. {self._before()}".strip())
        else:
            self.panel.show(self.seen, self.hint() if self.session.weights is None else "torch is being loaded")

    def _before(self) -> str:
        return self.hint() if self.session.weights is None else ""

    def on_canvas_view_changed(self, message: CanvasView.Changed) -> None:
        """Have it judged; what is asked last is what is answered."""
        self._ask()

    def _ask(self) -> None:
        if self.drawn.blank:
            self.asked = self.seen = None
            self._show_seen()
        else:
            self.want(Prepare(weights=self.session.weights, pixels=self.drawn.pixels))

    def take(self, answer: Answer) -> None:
        """Show what the network made of it."""
        if isinstance(answer, Prepared):
            self.seen = answer
            self._show_seen()

    def title_of_picture(self) -> str:
        """It has no name."""
        return "your drawing"

    # --- what can be done with the canvas

    def action_back_to_table(self) -> None:
        """Go back to the canvas."""
        self.set_focus(self.view)

    def action_pen(self) -> None:
        """Put the pen down, or lift it."""
        self.set_focus(self.view)
        self.view.toggle_pen()

    def action_take_back(self) -> None:
        """As before the last stroke."""
        if not self.drawn.undo():
            self.say("There is no stroke to take back.")
        self.view.show()

    def action_point_to_undo(self) -> None:
        """Nothing of the run is undone by somebody who wants a stroke back."""
        self.say("u takes back edits of the run: backspace takes back the stroke")

    def action_clear(self) -> None:
        """Empty the canvas."""
        self.drawn.clear()
        self.view.show()

    def action_brush(self) -> None:
        """Another width."""
        self.drawn.brush = (self.drawn.brush + 1) % len(BRUSHES)
        self.view.show()

    def action_eraser(self) -> None:
        """Erase, or draw."""
        self.drawn.lift()
        self.drawn.erasing = not self.drawn.erasing
        self.view.show()

    def action_rotate(self, direction: int) -> None:
        """Turn the drawing."""
        self.drawn.rotate(direction * _TURN)
        self.view.show()

    def action_shift(self, x: int, y: int) -> None:
        """Move the drawing."""
        self.drawn.shift(x, y)
        self.view.show()

    def action_noise(self) -> None:
        """Make it noisy."""
        self.drawn.add_noise()
        self.view.show()
