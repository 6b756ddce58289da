"""A chart that is read and moved with keys and mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from textual.actions import SkipAction
from textual.binding import Binding
from textual.events import MouseDown, MouseEvent, MouseMove, MouseScrollDown, MouseScrollUp, MouseUp
from textual.message import Message

from mnist_tui.tui.widgets.chart_view import ChartView

if TYPE_CHECKING:
    from mnist_tui.render.axes import Axis
    from mnist_tui.render.navigation import Changes

_WHEEL = 0.8  # of the window that a notch towards the chart leaves


@attrs.frozen(repr=False, eq=False)
class _Drag:
    """A button that is held: the column of the screen where it went down, and the window at that moment."""

    column: int
    x: Axis
    moved: bool = False


class MetricChart(ChartView, can_focus=True):
    """Loss or accuracy, with a cursor to read and a window to move.

    How it is looked at changes at once, so that the next key builds on it, and is posted, so that the other chart
    follows.
    """

    BINDINGS = [
        Binding("left", "move_cursor(-1)", "cursor left", show=False, tooltip="read the batches to the left"),
        Binding("right", "move_cursor(1)", "cursor right", show=False, tooltip="read the batches to the right"),
        Binding("home", "move_cursor(-1000000)", "first batch", show=False, tooltip="cursor to the first batch"),
        Binding("end", "move_cursor(1000000)", "newest batch", show=False, tooltip="cursor to the newest batch"),
        Binding("shift+left", "pan(-0.25)", "move left", show=False, tooltip="move the window a quarter to the left"),
        Binding("shift+right", "pan(0.25)", "move right", show=False, tooltip="move the window a quarter to the right"),
        Binding("plus,equals_sign", "zoom(0.5)", "zoom in", show=False, tooltip="half the window, about the cursor"),
        Binding("minus", "zoom(2)", "zoom out", show=False, tooltip="twice the window"),
        Binding("0", "show_all", "whole run", show=False, tooltip="the whole run again"),
        Binding("enter", "maximise", "full screen", show=False, tooltip="this chart alone, or all panels again"),
        Binding("escape", "clear", "no cursor", show=False, tooltip="cursor and zoom away"),
    ]

    class Looked(Message):
        """`chart` is looked at in another way; `changes` are fields of its view."""

        def __init__(self, chart: MetricChart, changes: Changes) -> None:
            super().__init__()
            self.chart = chart
            self.changes = changes

    class Maximised(Message):
        """The chart of `metric` should fill the screen, or no more."""

        def __init__(self, metric: str) -> None:
            super().__init__()
            self.metric = metric

    _drag: _Drag | None = None

    def _look(self, changes: Changes) -> None:
        if changes:
            self.look(**changes)
            self.post_message(self.Looked(self, changes))

    def _full(self) -> Axis:
        from mnist_tui.render.chart import axis_of

        view = attrs.evolve(self.view, zoom=None, recent=False)
        return axis_of(self._history, view, self._planned(view.unit))

    # --- keys

    def action_move_cursor(self, cells: int) -> None:
        """Move the cursor; the first time, to the newest batch."""
        from mnist_tui.render.navigation import move_cursor

        if self._drawing is not None:
            columns = self._drawing.frame.columns
            if self.view.cursor is None and cells < -1:  # home means the first batch also the first time
                self._put(self._drawing.x.low)
            else:
                self._look(move_cursor(self._history, self.view, self._drawing.x, columns, cells))

    def action_pan(self, share: float) -> None:
        """Move the window."""
        from mnist_tui.render.navigation import pan

        if self._drawing is not None:
            self._look(pan(self._drawing.x, self._full(), share))

    def action_zoom(self, factor: float) -> None:
        """Make the window `factor` times as wide."""
        self._zoom(factor, None)

    def _zoom(self, factor: float, about: float | None) -> bool:
        """Zoom; false where nothing changes."""
        from mnist_tui.render.navigation import zoom

        if self._drawing is None:
            return False
        changes = zoom(self._history, self.view, self._drawing.x, self._full(), factor, about)
        self._look(changes)
        return bool(changes)

    def action_show_all(self) -> None:
        """Show the whole run."""
        self._look({"zoom": None, "recent": False})

    def action_maximise(self) -> None:
        """Fill the screen, or no more."""
        self.post_message(self.Maximised(self.view.metric))

    def action_clear(self) -> None:
        """Take cursor and zoom away, then the full screen; the screen's own escape is next."""
        if self.view.cursor is not None or self.view.zoom is not None:
            self._look({"cursor": None, "zoom": None})
        elif self.screen.has_class(f"only-{self.view.metric}"):
            self.action_maximise()
        else:
            raise SkipAction()

    # --- mouse

    def _put(self, target: float) -> None:
        from mnist_tui.render.navigation import put_cursor

        if self._drawing is not None:
            self._look(put_cursor(self._history, self.view, self._drawing.x, target))

    def _pointed(self, event: MouseEvent) -> float | None:
        """What the pointer is at on the x axis; None outside."""
        from mnist_tui.render.marks import centre_of

        offset = event.get_content_offset(self)
        if offset is None or self._drawing is None:
            return None
        frame = self._drawing.frame
        cell = offset.x - frame.left
        return centre_of(cell, self._drawing.x, frame.columns) if 0 <= cell < frame.columns else None

    def on_mouse_down(self, event: MouseDown) -> None:
        """Perhaps a drag begins."""
        if event.button == 1 and self._drawing is not None:
            self._drag = _Drag(event.screen_x, self._drawing.x)
            self.capture_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        """Move the window with the pointer while the button is held."""
        drag = self._drag
        if drag is None or self._drawing is None or (event.screen_x == drag.column and not drag.moved):
            return
        from mnist_tui.render.navigation import pan

        self._drag = attrs.evolve(drag, moved=True)
        share = (drag.column - event.screen_x) / max(1, self._drawing.frame.columns)
        self._look(pan(drag.x, self._full(), share))

    def on_mouse_up(self, event: MouseUp) -> None:
        """Where the button went down and up at one place, the cursor comes."""
        drag, self._drag = self._drag, None
        if drag is None:
            return
        self.release_mouse()
        target = self._pointed(event)
        if not drag.moved and target is not None:
            self._put(target)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Zoom in about the pointer."""
        self._wheel(event, _WHEEL)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Zoom out; where that is no more, the panels scroll as ever."""
        self._wheel(event, 1 / _WHEEL)

    def _wheel(self, event: MouseScrollUp | MouseScrollDown, factor: float) -> None:
        about = self._pointed(event)
        if about is not None and self._zoom(factor, about):
            event.stop()
            event.prevent_default()
