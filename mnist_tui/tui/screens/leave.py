"""The question before leaving while a run is under way."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from mnist_tui.core.progress import Progress


class LeaveScreen(ModalScreen[bool]):
    """Dismissed with true for "stop and save", false for going on."""

    AUTO_FOCUS = "#stop"
    BINDINGS = [
        Binding("escape", "answer(False)", "do not leave"),
        Binding("enter", "answer(True)", "stop and save", show=False),  # before a button has the focus
        Binding("left,up", "app.focus_previous", "other answer", show=False),
        Binding("right,down", "app.focus_next", "other answer", show=False),
    ]

    def __init__(self, progress: Progress, ascii_only: bool) -> None:
        super().__init__(classes="asks-to-leave")
        self.set_class(ascii_only, "-ascii")
        self._run = progress.name
        self._paused = progress.phase == "paused"
        self._short = False

    def compose(self) -> ComposeResult:
        """The question and two answers, of which the safe one is focused; the question alone where no more fits."""
        self._short = self._has_no_room
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = " leave? "
            if self._short:
                yield Static("stop and save? enter: yes, esc: no", markup=False)
                return
            dialog.border_subtitle = " enter stops, esc stays " if self._paused else " enter stops, esc goes on "
            state = "is paused" if self._paused else "is under way"
            yield Static(f"{self._run} {state}. Stop it and save everything?", markup=False)
            with Horizontal():
                yield Button("Stop and save", variant="primary", id="stop")
                yield Button("Stay paused" if self._paused else "Go on training", id="go-on")

    @property
    def _has_no_room(self) -> bool:
        width, height = self.app.size
        return width < 40 or height < 10

    def on_resize(self) -> None:
        """Ask in the other form where the room has changed that much."""
        if self._has_no_room != self._short:
            self.refresh(recompose=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer."""
        self.dismiss(event.button.id == "stop")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)
