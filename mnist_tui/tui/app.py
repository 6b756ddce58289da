"""The application: one timer drains the runner, keys become wishes, and leaving always saves first."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable
from functools import partial
from typing import Protocol, runtime_checkable

from textual.app import App, SystemCommand
from textual.screen import Screen

from mnist_tui.core.errors import UserError
from mnist_tui.core.events import (
    BatchesTrained,
    CheckpointSaved,
    DataLoaded,
    EngineLoaded,
    Event,
    RunFailed,
    RunFinished,
    SaveFailed,
)
from mnist_tui.core.hyperparameters import KNOBS
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.leaving import Departure
from mnist_tui.tui.driver import GuardedDriver
from mnist_tui.tui.keys import KEYS
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.session import Session
from mnist_tui.tui.theme import DARK_THEME, LIGHT_THEME, themes
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.knob_row import KnobRow

DRAIN_HZ = 10.4
FIGURES_SECONDS = 0.5  # nobody reads faster, and every repainted figure costs bytes and training time


def _preload() -> None:
    from mnist_tui.render.frame import preload

    preload()


@runtime_checkable
class Panels(Protocol):
    """A screen that shows the session."""

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date."""


class MnistApp(App[int]):
    """The dashboard over a `Session`; its return value is the exit code."""

    # Screens that are opened later are imported when they are: 20 ms of the time to the first frame.

    TITLE = "mnist-tui"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-stacked"), (76, "-narrow"), (110, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (33, "-tall")]
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    BINDINGS = list(KEYS)

    def __init__(self, session: Session, screen: ScreenSettings, departure: Departure | None = None) -> None:
        super().__init__(driver_class=GuardedDriver)
        self.session = session
        self.departure = departure or Departure()
        self._settings = screen
        self._leaving = False
        self._exit_code = 0
        self.impatient = False  # asked a third time, and wants no waiting for the save
        self._charts_shown = self._figures_shown = 0.0
        self._again_until = 0.0
        self.set_class(session.ascii_only, "-ascii")
        for theme in themes():
            self.register_theme(theme)
        self.theme = LIGHT_THEME if screen.theme == "light" else DARK_THEME

    def get_default_screen(self) -> Screen[None]:
        """The dashboard."""
        return TrainScreen(self.session)

    def on_mount(self) -> None:
        """After the first frame: load the engine, and begin to look at what it says."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        gc.freeze()
        gc.enable()
        threading.Thread(target=_preload, name="preload", daemon=True).start()
        self.session.runner.load()
        if self._settings.start:
            self.session.start()
        self.set_interval(1 / DRAIN_HZ, self.tick)

    # --- the clock

    def tick(self) -> None:
        """Take in what happened and show what changed."""
        eventful = False
        for event in self.session.drain():
            self._react(event)
            eventful = eventful or not isinstance(event, BatchesTrained)
        if self.departure.asked.is_set() and not self._leaving:
            self._stop_and_leave(self.departure.exit_code)
        now = time.monotonic()
        charts = now - self._charts_shown >= 0.98 / self._settings.fps
        if charts:
            self._charts_shown = now
        figures = eventful or now - self._figures_shown >= FIGURES_SECONDS
        if figures:
            self._figures_shown = now
        self.show(charts=charts, figures=figures)

    def show(self, *, charts: bool = True, figures: bool = True) -> None:
        """Bring the screen in sight up to date; charts and running figures only where they may move."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Panels):
                screen.show(charts=charts, figures=figures)
                return

    def _react(self, event: Event) -> None:
        match event:
            case DataLoaded() if event.source.notice:
                self._say(event.source.notice, "data", severity="warning")
            case EngineLoaded() if event.notice:
                self._say(event.notice, "device", severity="warning")
            case RunFailed():
                self._say(event.message, "the run could not go on", severity="error")
            case SaveFailed():
                self._say(event.message, "not saved", severity="warning")
            case CheckpointSaved(kind="last") if self._announce_save:
                self._announce_save = False
                self._say(event.path, "saved")
            case RunFinished(status="done"):
                self._say(self._result(), "the run is done")
            case _:
                pass
        if isinstance(event, (RunFailed, RunFinished)) and self._leaving:
            self.exit(self._exit_code)

    _announce_save = False

    def _result(self) -> str:
        accuracy = self.session.progress.test_accuracy
        words = f"{accuracy * 100:.2f} % of the test digits are right. " if accuracy is not None else ""
        return words + "i and m show the mistakes."

    def _say(self, text: str, title: str = "", *, severity: str = "information") -> None:
        self.notify(text, title=title, severity=severity, markup=False)  # type: ignore[arg-type]

    # --- the run

    def action_toggle_training(self) -> None:
        """Start, pause or resume."""
        session, progress = self.session, self.session.progress
        if progress.phase == "paused":
            session.runner.resume()
        elif progress.active:
            session.runner.pause()
        elif progress.phase == "failed" and not progress.device:
            self._say(progress.error, "nothing can be trained", severity="error")
        elif progress.over and progress.run and time.monotonic() > self._again_until:
            self._again_until = time.monotonic() + 5
            self._say("It is on the disk. Press space again to begin a new run.", f"{progress.run} is over")
        elif not session.start_wanted:
            session.start()
        self.show()

    def action_step(self) -> None:
        """Train one batch, then wait."""
        progress = self.session.progress
        if progress.active:
            self.session.runner.step_once()
        elif progress.over:
            self._say("The run is over: space, twice, begins a new one.")
        else:
            self._say(self._not_yet())

    def action_evaluate(self) -> None:
        """Evaluate the test set now."""
        if self.session.progress.active:
            self.session.runner.request_evaluation()
        elif self.session.progress.over:
            self._say("The run is over: its last evaluation is the one that is shown.")
        else:
            self._say(self._not_yet())

    def _not_yet(self) -> str:
        return "The run is just beginning." if self.session.start_wanted else "There is no run yet: space begins one."

    def action_save(self) -> None:
        """Write a checkpoint now."""
        progress = self.session.progress
        if progress.active:
            self._announce_save = True
            self.session.runner.request_save()
        elif progress.run:
            self._say(progress.unsaved or progress.folder, "not saved" if progress.unsaved else "already saved")
        else:
            self._say("There is nothing to save yet: space begins a run.")

    def action_scale_rate(self, factor: float) -> None:
        """Halve or double the learning rate."""
        rate = KNOBS["learning_rate"].clamp(self.session.wanted.learning_rate * factor)
        self.session.edit("learning_rate", rate)
        self.show()

    def on_knob_row_changed(self, message: KnobRow.Changed) -> None:
        """A row was edited."""
        try:
            self.session.edit(message.name, message.value)
        except UserError as error:
            self._say(str(error), severity="error")
        self.show()

    # --- what is looked at

    def action_inspect(self) -> None:
        """Show the Inspect screen."""
        from mnist_tui.tui.screens.inspect import InspectScreen

        if not isinstance(self.screen, InspectScreen):
            self.push_screen(InspectScreen(self.session))

    def on_digit_panel_opened(self, message: DigitPanel.Opened) -> None:
        """Look closer at a digit."""
        self.action_inspect()

    def action_train(self) -> None:
        """Show the Train screen."""
        self.action_leave_layer()

    def action_leave_layer(self) -> None:
        """One layer back."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
            self.show()

    def action_toggle_wrong(self) -> None:
        """Only misclassified digits, or all."""
        if self.session.browser.predictions is None:
            self._say("No prediction yet: it comes after the first epoch, or on e while training.")
        self.session.browser.toggle_wrong()
        self.show()

    def action_toggle_log(self) -> None:
        """Logarithmic or linear charts."""
        for screen in self.screen_stack:
            if isinstance(screen, TrainScreen):
                screen.look(log=not screen.charts[0].view.log)

    def action_toggle_window(self) -> None:
        """The newest batches, or the whole run."""
        for screen in self.screen_stack:
            if isinstance(screen, TrainScreen):
                screen.look(recent=not screen.charts[0].view.recent)

    def action_toggle_theme(self) -> None:
        """Dark or light."""
        self.theme = DARK_THEME if not self.current_theme.dark else LIGHT_THEME

    def action_help(self) -> None:
        """Every key."""
        from mnist_tui.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.session.ascii_only))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every binding in the command palette, and Textual's own commands that fit."""
        for binding in KEYS:
            if not binding.action.startswith(("app.", "leave_layer", "interrupt")):
                title = (binding.tooltip or binding.description).capitalize()
                action = binding.action
                yield SystemCommand(title, f"key {binding.key_display or binding.key}", partial(self._run, action))
        yield SystemCommand("Save a picture of the screen", "as SVG", self.deliver_screenshot)

    def _run(self, action: str) -> None:
        self.call_later(self.run_action, action)

    # --- leaving

    def action_leave(self) -> None:
        """Leave; while a run is under way, ask first."""
        progress = self.session.progress
        if not progress.active:
            self.exit(0)
        elif not self._asking:
            from mnist_tui.tui.screens.leave import LeaveScreen

            self.push_screen(LeaveScreen(progress.run, self.session.ascii_only), self._answered)

    @property
    def _asking(self) -> bool:
        return self.screen.has_class("asks-to-leave")

    def _answered(self, stop: bool | None) -> None:
        if stop:
            self._stop_and_leave(0)

    def action_interrupt(self) -> None:
        """Ctrl+C and Ctrl+Q: ask; a second one saves and leaves with 130; a third leaves at once."""
        if self._leaving and self._exit_code == 130:
            self.impatient = True
            self.exit(130)
        elif self._leaving:
            self._exit_code = 130
            self._say("Saving the run. Once more leaves at once.")
        elif self._asking:
            self._stop_and_leave(130)
        else:
            self.action_leave()

    async def action_quit(self) -> None:
        """Textual's own way out is ours."""
        self.action_leave()

    def _stop_and_leave(self, code: int) -> None:
        """Stop the run, which saves it, and leave when it is over."""
        self._leaving, self._exit_code = True, code
        if self.session.progress.active:
            self.session.runner.stop()
            self._say("Saving the run …" if not self.session.ascii_only else "Saving the run ...")
        else:
            self.exit(code)
