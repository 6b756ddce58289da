"""Open any picture file, and see what the network sees of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from mnist_tui.inspecting import Answer, JudgeAgain, OpenPicture, PictureRefused, Prepared
from mnist_tui.tui.screens.prepared import PreparedScreen
from mnist_tui.tui.widgets.action_line import ActionLine
from mnist_tui.tui.widgets.path_field import PathField
from mnist_tui.tui.widgets.seen_panel import SeenPanel

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class PictureScreen(PreparedScreen, ModalScreen[None]):
    """A path is asked for until it is one of a picture; then the picture is shown, and what can be done with it."""

    AUTO_FOCUS = "#path"
    OWN_BINDINGS = [
        Binding("enter", "look_closer", "look closer", tooltip="this digit alone: its neighbours, and what decided"),
        Binding("k", "keep", "keep", tooltip="keep it among your digits, with the class that it is"),
        Binding("d", "draw_on", "draw on it", tooltip="take it to the canvas of the Draw screen"),
        Binding("o", "another", "another", tooltip="open another picture"),
        Binding("escape", "leave", "back", tooltip="back to where it was opened"),
    ]
    BINDINGS = [*OWN_BINDINGS]

    def __init__(self, session: Session) -> None:
        super().__init__(id="picture")
        self.set_class(session.ascii_only, "-ascii")
        self.session = session
        self.path = PathField(ascii_only=session.ascii_only)
        self.panel = SeenPanel(session.browser, glyphs=session.glyphs)
        self.name_of_picture = ""
        self._entered = ""  # the text of the path that was opened last
        self.actions = ActionLine(self.OWN_BINDINGS, ascii_only=session.ascii_only, on_escape="screen.leave")

    def compose(self) -> ComposeResult:
        """The path, the picture, the actions."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = " open a picture of a digit "
            yield self.path
            yield self.panel
            yield self.actions

    def on_mount(self) -> None:
        """Nothing is open yet."""
        self.show(charts=False, figures=False)

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring the picture up to date; another evaluation judges it anew."""
        asked = self.asked
        outdated = asked is not None and self.session.weights != asked.weights
        if self.seen is not None and outdated and not self.waiting:
            # Not the file anew: it may be another one by now, or gone.
            self.want(JudgeAgain(weights=self.session.weights, pixels=self.seen.pixels))
        self.look()
        self._show_seen()

    def _show_seen(self) -> None:
        loading = self.session.weights is not None
        hint = "PNG, JPEG or any other kind, of any size: a photograph of a digit on paper will do."
        self.panel.show(self.seen, hint if loading or self.seen is None else self.hint())
        self.panel.display = self.actions.display = self.seen is not None

    def on_path_field_entered(self, message: PathField.Entered) -> None:
        """Have it read."""
        self._entered = self.path.text
        self.path.mark("it is being read")
        self.want(OpenPicture(weights=self.session.weights, path=message.path))

    def take(self, answer: Answer) -> None:
        """Show the picture, or why there is none; then the path is still there to be corrected.

        Who types the next path by now keeps what is typed, and the focus.
        """
        asked = answer.question
        opened = isinstance(asked, OpenPicture) and self.path.text == self._entered
        if isinstance(answer, Prepared):
            self.seen = answer
            if isinstance(asked, OpenPicture):
                self.name_of_picture = asked.path.name
            self._show_seen()
            if opened:
                self.path.mark("as the network sees it:")
                if self.focused is self.path:
                    self.set_focus(self.actions)
        elif opened:
            self.path.mark(getattr(answer, "message", ""), refused=True)
            if isinstance(answer, PictureRefused):
                self.seen = None  # its prediction would stand below the name of another file
                self._show_seen()
                self.set_focus(self.path)

    def title_of_picture(self) -> str:
        """The file's name."""
        return self.name_of_picture

    # --- what can be done

    def on_path_field_left(self, message: PathField.Left) -> None:
        """Go; or back to the picture that is shown."""
        self.action_leave()

    def action_leave(self) -> None:
        """Go."""
        self.dismiss()

    def action_another(self) -> None:
        """Type another path."""
        self.set_focus(self.path)

    def action_back_to_table(self) -> None:
        """Back to what can be done, after a question."""
        self.set_focus(self.actions)

    def action_draw_on(self) -> None:
        """Take the picture to the canvas."""
        seen = self.ready()
        if seen is not None:
            self.session.canvas.replace(seen.pixels)
            self.dismiss()
            self.app.call_later(self.app.run_action, "app.draw")
