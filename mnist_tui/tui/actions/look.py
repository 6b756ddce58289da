"""What is looked at: screens, charts, digits, colours."""

from __future__ import annotations

from mnist_tui.tui.actions.base import SessionApp
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.theme import DARK_THEME, LIGHT_THEME
from mnist_tui.tui.widgets.chart_pair import Metric
from mnist_tui.tui.widgets.digit_panel import DigitPanel


class LookActions(SessionApp):
    """Nothing here changes what is trained."""

    def action_inspect(self) -> None:
        """Show the Inspect screen."""
        from mnist_tui.tui.screens.inspect import InspectScreen

        if any(isinstance(screen, InspectScreen) for screen in self.screen_stack):
            while not isinstance(self.screen, InspectScreen):
                self.pop_screen()
            self.show()
        else:
            self._know_drawings()
            self.show_screen(InspectScreen(self.session))

    def action_draw(self) -> None:
        """Show the Draw screen above what is in sight."""
        from mnist_tui.tui.screens.draw import DrawScreen

        if not any(isinstance(screen, DrawScreen) for screen in self.screen_stack):
            self._know_drawings()
            self.push_screen(DrawScreen(self.session))

    def action_open_picture(self) -> None:
        """Ask for a picture file."""
        from mnist_tui.tui.screens.picture import PictureScreen

        if not isinstance(self.screen, PictureScreen):
            self._know_drawings()
            self.push_screen(PictureScreen(self.session))

    def _know_drawings(self) -> None:
        from mnist_tui.tui.drawings import show_drawings

        sentence = show_drawings(self.session.browser)
        if sentence:
            self.say(sentence, "your digits", severity="warning")

    def on_digit_panel_opened(self, message: DigitPanel.Opened) -> None:
        """Look closer at a digit."""
        self.action_inspect()

    def action_train(self) -> None:
        """Show the Train screen."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        self.action_leave_layer()

    def action_leave_layer(self) -> None:
        """One layer back."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.session.batch = None
        self.show()

    def action_toggle_wrong(self) -> None:
        """Only misclassified digits, or all."""
        if self.session.browser.predictions is None:
            self.say("No prediction yet: it comes after the first epoch, or on e while training.")
        self.session.browser.toggle_wrong()
        self.show()

    @property
    def dashboard(self) -> TrainScreen:
        """The Train screen, below whatever is in sight."""
        screen = self.screen_stack[0]
        assert isinstance(screen, TrainScreen)
        return screen

    def action_toggle_log(self) -> None:
        """Logarithmic or linear charts."""
        self.dashboard.look(log=not self.dashboard.charts[0].view.log)

    def action_toggle_window(self) -> None:
        """The newest batches, or the whole run."""
        self.dashboard.look(recent=not self.dashboard.charts[0].view.recent, zoom=None)

    def action_cycle_unit(self) -> None:
        """Steps, epochs or training time along the charts."""
        self.dashboard.cycle_unit()

    def action_smooth(self, direction: int) -> None:
        """More or less smoothing of the average."""
        self.dashboard.cycle_smoothing(direction)

    def action_maximise(self) -> None:
        """Loss alone, accuracy alone, everything."""
        self.action_train()
        following: dict[Metric | None, Metric | None] = {None: "loss", "loss": "accuracy"}
        self.dashboard.maximise(following.get(self.dashboard.pair.maximised))

    def action_next_panel(self, direction: int) -> None:
        """Focus the next panel."""
        stops = self.screen.focus_chain
        if not stops:
            return
        place = stops.index(self.focused) if self.focused in stops else -1 if direction > 0 else 0
        self.screen.set_focus(stops[(place + direction) % len(stops)])

    def action_focus_next(self) -> None:
        """Every screen of Textual has Tab for this: in ours it goes by panels, in a dialog by its buttons."""
        if self.screen.is_modal:
            super().action_focus_next()
        else:
            self.action_next_panel(1)

    def action_focus_previous(self) -> None:
        """As above, backwards."""
        if self.screen.is_modal:
            super().action_focus_previous()
        else:
            self.action_next_panel(-1)

    def action_set(self, name: str) -> None:
        """Go to a hyperparameter and begin to type its value; a choice moves on by one."""
        self.action_train()
        self.dashboard.knobs.begin(name)

    def action_toggle_theme(self) -> None:
        """Dark or light."""
        self.theme = DARK_THEME if not self.current_theme.dark else LIGHT_THEME

    def action_speed(self) -> None:
        """Where the time goes."""
        from mnist_tui.tui.screens.speed import SpeedScreen

        if not isinstance(self.screen, SpeedScreen):
            self.push_screen(SpeedScreen(self.session))
            self.show()

    def action_help(self) -> None:
        """Every key."""
        from mnist_tui.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.session.ascii_only))
