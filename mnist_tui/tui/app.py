"""The application: one timer drains the runner, keys become wishes, and leaving always saves first."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, runtime_checkable

from textual.app import SystemCommand
from textual.filter import ANSIToTruecolor, LineFilter
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender

from mnist_tui.core import events
from mnist_tui.core.dataset import DATASET_KNOB
from mnist_tui.core.hyperparameters import KNOBS
from mnist_tui.core.lazily import load_now
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.leaving import Departure
from mnist_tui.tui.actions.leave import LeaveActions
from mnist_tui.tui.actions.run import RunActions
from mnist_tui.tui.actions.runs import RunsActions
from mnist_tui.tui.collecting import keep_collections_short
from mnist_tui.tui.keys import KEYS
from mnist_tui.tui.link import Link
from mnist_tui.tui.looks import is_light
from mnist_tui.tui.parsed import ParsedStylesheet
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.session import Session
from mnist_tui.tui.styles import LATER, MODES, read_styles
from mnist_tui.tui.theme import DARK_THEME, LIGHT_THEME, PlainScrollBar, themes
from mnist_tui.tui.update import SparingCompositor
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.dom import DOMNode
    from textual.widget import Widget

    from mnist_tui.core.resuming import Resumption

SWITCH_SECONDS = 1e-4  # for which the training waits for this thread: with Python's 5 ms it loses a hundredth more
DRAIN_HZ = 10.0
RING_SECONDS = 60.0
FIGURES_SECONDS = 0.5  # nobody reads faster, and every repainted figure costs bytes and training time
LOAD_SECONDS = 1.0  # while nothing is trained: the machine's load is all that may change


def _preload() -> None:
    from mnist_tui.render.frame import preload

    preload()


@runtime_checkable
class Panels(Protocol):
    """A screen that shows the session."""

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date."""


@cache
def _is_panels(kind: type) -> bool:
    return issubclass(kind, Panels)


def _has_panels(screen: Screen[Any]) -> TypeGuard[Panels]:
    """Whether `screen` shows the session; to ask a protocol takes 20 us before Python 3.12."""
    return _is_panels(type(screen))


class MnistApp(RunActions, RunsActions, LeaveActions):
    """The dashboard."""

    # Screens that are opened later are imported when they are: 20 ms of the time to the first frame.

    TITLE = "mnist-tui"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-stacked"), (76, "-narrow"), (110, "-roomy")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (33, "-tall")]
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    BINDINGS = list(KEYS)

    def __init__(
        self,
        session: Session,
        screen: ScreenSettings,
        departure: Departure | None = None,
        resumption: Resumption | None = None,
        *,
        comes_from: MnistApp | None = None,
        beside: Session | None = None,
    ) -> None:
        super().__init__(session, screen)
        self._resumption = resumption
        if resumption is not None:  # until it is loaded, too, the line says which run goes on
            session.progress.expected = resumption.folder.name
        self._beside = beside  # what is trained here while another run is looked at
        self._shelf = comes_from.shelf if comes_from else None  # back from another run: to the Runs screen as it was
        self.departure = departure or Departure()
        self.link = Link(self, screen.fps)
        self._charts_shown = self._figures_shown = 0.0
        self._moved = True  # something happened that the charts have not shown
        self._colours_settled = False
        self._going_on = False  # with a run that was left, and no batch since
        self.set_class(session.ascii_only, "-ascii")
        ScrollBar.renderer = PlainScrollBar if session.ascii_only else ScrollBarRender
        for theme in themes():
            self.register_theme(theme)
        self.theme = LIGHT_THEME if is_light(screen.theme, os.environ) else DARK_THEME
        self.stylesheet = ParsedStylesheet(variables=self.get_css_variables())

    def refresh_css(self, animate: bool = True) -> None:
        """Textual's, but for the one of the theme it opens with: every rule is parsed in those colours already."""
        if self._colours_settled or self.stylesheet._variables != self.get_css_variables():
            super().refresh_css(animate)
        self._colours_settled = True

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's, but for the one that replaces a terminal's own colours: no style here has any.

        It looks at every segment of every line that is painted: a fifth of what a page of the gallery costs.
        """
        return [each for each in super().get_line_filters() if not isinstance(each, ANSIToTruecolor)]

    def get_default_screen(self) -> Screen[None]:
        """The dashboard."""
        return TrainScreen(self.session)

    def _register_child(self, parent: DOMNode, child: Widget, before: int | None, after: int | None) -> None:
        if isinstance(child, Screen):
            child._compositor = SparingCompositor()
        super()._register_child(parent, child, before, after)

    def on_mount(self) -> None:
        """After the first frame: load the engine, and begin to look at what it says."""
        self.app_resume_signal.subscribe(self, lambda _: self.repaint())
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        load_now(events)
        # In the first app of a process. What later ones leave behind is to be collected, but not while torch comes.
        if not gc.isenabled() and "torch" not in sys.modules:
            gc.freeze()
            gc.enable()
        if not self.is_headless:
            keep_collections_short()
            sys.setswitchinterval(SWITCH_SECONDS)
            if isinstance(self.stylesheet, ParsedStylesheet):
                self.stylesheet.keep()
        read_styles(self, MODES, LATER)
        threading.Thread(target=_preload, name="preload", daemon=True).start()
        if self._resumption is not None:  # told before anything is loaded, so that its curves are seen meanwhile
            self.session.start(resumption=self._resumption)
        self.session.runner.load()
        if self.settings.start and self._resumption is None:
            self.session.start()
        elif self._shelf is not None:
            self.action_runs()
        elif not (self.session.start_wanted or self.session.watching or self.session.progress.run):
            self._offer()
        from mnist_tui.tui.beat import Beat

        Beat(self, 1 / DRAIN_HZ, self._beat)

    def _beat(self) -> None:
        self.tick()
        compositor = self.screen._compositor
        if isinstance(compositor, SparingCompositor):
            compositor.draw_now(self.screen)

    def _offer(self) -> None:
        """To go on with a run that was cut off."""
        from mnist_tui.core.which import cut_off_run

        sentence = cut_off_run(self.session.settings.runs_dir)
        if sentence:
            self.say(sentence, "unfinished", severity="warning")

    def repaint(self) -> None:
        """Draw every cell: after Ctrl+Z and `fg` the terminal has forgotten what nothing has changed since."""
        self.screen.refresh()

    @property
    def outlives_terminal(self) -> bool:
        """Whether the terminal is gone and the run goes on without a screen, as it was asked to."""
        trained = self._beside or self.session
        return self.departure.hung_up and self.settings.on_hangup == "continue" and trained.progress.active

    # --- the clock

    def tick(self) -> None:
        """Take in what happened and show what changed."""
        if self.detached:
            return
        if self._beside is not None:
            self._beside.drain()
        for message in self.session.refusals():
            self.say(message, severity="warning")
        eventful = edited = False
        revision = self.session.revision
        for event in self.session.drain():
            self._react(event)
            eventful = eventful or not isinstance(event, events.BatchesTrained)
            edited = edited or isinstance(event, (events.HyperparametersApplied, events.Rewound))
        if self.departure.asked.is_set() and not self.leaving and not self.outlives_terminal:
            self.stop_and_leave(self.departure.exit_code, self.departure.reason)
        happened = self.session.revision != revision
        self._moved = self._moved or happened
        now = time.monotonic()
        if self.link.judge(now):
            self.slow_link = self.link.pace.words
            eventful = True
        period = 0.9 / self.link.pace.rate  # a tick that comes early is one, too
        free = not self.link.busy
        charts = edited or (self._moved and free and now - self._charts_shown >= period)
        if charts:
            self._charts_shown, self._moved = now, False
        pause = FIGURES_SECONDS if self.session.progress.phase == "training" else LOAD_SECONDS
        figures = eventful or (free and now - self._figures_shown >= max(pause, period))
        if figures:
            self._figures_shown = now
            crowding = self.session.crowding()
            if crowding:
                self.say(f"{crowding[0].upper()}{crowding[1:]}. W says more.", "slow", severity="warning")
        if happened or charts or figures or len(self.screen_stack) > 1:  # what lies over it asks for answers, too
            self.show(charts=charts, figures=figures)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if renderable is not None:
            self.link.frame_made()
        super()._display(screen, renderable)

    def post_display_hook(self) -> None:
        """A frame was handed to the terminal."""
        self.link.frame_sent()

    def show(self, *, charts: bool = True, figures: bool = True) -> None:
        """Bring the screen in sight up to date; charts and running figures only where they may move."""
        for screen in reversed(self.screen_stack):
            if _has_panels(screen):
                screen.show(charts=charts, figures=figures)
            if figures:
                for notice in screen.query(TooSmall) if screen.classes & {"-tiny", "-flat"} else ():
                    notice.redraw()
            if not screen.is_modal:
                return

    def _react(self, event: events.Event) -> None:
        match event:
            case events.DataLoaded() if event.source.notice:
                self.say(event.source.notice, "data", severity="warning")
            case events.EngineLoaded() if event.notice:
                self.say(event.notice, "device", severity="warning")
            case events.RunFailed():
                self.say(event.message, "the run could not go on", severity="error")
                self._ring("the run failed", event.message)
            case events.SaveFailed():
                self.say(event.message, "not saved", severity="warning")
            case events.CheckpointSaved(kind="last") if self.announce_save:
                self.announce_save = False
                self.say(event.path, "saved")
            case events.RunFinished():
                self.say(self._result(), f"the run is {event.status}" + (f": {event.reason}" if event.reason else ""))
                self._ring(f"{self.session.progress.name}: {event.status}", self._result())
            case events.RunStarted():
                self.dashboard.look(zoom=None, cursor=None)
            case events.RunContinued():
                self.dashboard.look(zoom=None, cursor=None)
                self._going_on = True
                name = self.session.progress.name
                self.say(f"It goes on after step {event.step}.", name)
                if event.notice:
                    self.say(event.notice, name, severity="warning")
            case events.BatchesTrained():
                self._going_on = False
            case events.Rewound():
                self.dashboard.look(zoom=None, cursor=None)
                self.say(self._way_back(event), self.session.progress.name if self._going_on else "back")
            case events.Observed(state="crashed"):
                self.say("The process that trained it is gone without a word.", "the run", severity="error")
            case events.Observed(state="stalled"):
                self.say(f"{event.owner} has shown no sign of life for five seconds.", "the run", severity="warning")
            case events.Answered():
                self.say(event.message)
            case events.StopScheduled():
                ends = f"It ends after epoch {event.epoch}; X calls that off." if event.epoch else "It goes on."
                self.say(ends, "the run")
            case events.HealthWarned():
                self.say(event.message, event.ailment, severity="warning")
            case _:
                pass
        if isinstance(event, (events.RunFailed, events.RunFinished)) and self.leaving:
            self.exit(self.leaving_code)

    def _ring(self, title: str, text: str) -> None:
        """Tell somebody who looks elsewhere, after a run that was long enough to look away."""
        if self.settings.bell and self.session.progress.train_seconds >= RING_SECONDS and self._driver is not None:
            from mnist_tui.tui.bell import notification
            from mnist_tui.tui.tmux import inside_tmux

            self._driver.write(notification(title, text, inside_tmux=inside_tmux()))

    def _way_back(self, event: events.Rewound) -> str:
        if self._going_on:
            return f"Steps {event.to_step + 1} to {event.from_step} come after that checkpoint, and are trained again."
        branches = self.session.history.abandoned
        marks = branches[-1].marks if branches and event.from_step > event.to_step else []
        edit = next((mark.label for mark in marks if mark.edit == event.edit), "the edit") if event.edit else ""
        return (f"{edit} is taken back: " if edit else "") + f"step {event.to_step} is in force again"

    def _result(self) -> str:
        accuracy = self.session.progress.test_accuracy
        words = f"{accuracy * 100:.2f} % of the test digits are right. " if accuracy is not None else ""
        return words + "i and m show the mistakes."

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every binding in the command palette, and Textual's own commands that fit."""
        everywhere = [key for key in KEYS if not key.action.startswith(("app.", "leave_layer", "interrupt"))]
        for prefix, bindings in (("", everywhere), ("screen.", getattr(screen, "OWN_BINDINGS", ()))):
            for binding in bindings:
                title = (binding.tooltip or binding.description).capitalize()
                act = partial(self._run, f"{prefix}{binding.action}")
                yield SystemCommand(title, f"key {binding.key_display or binding.key}", act)
        for name, knob in [*KNOBS.items(), (DATASET_KNOB.name, DATASET_KNOB)]:
            yield SystemCommand(f"Set {knob.label}", knob.help, partial(self._run, f"set({name!r})"))
        yield SystemCommand("Save a picture of the screen", "as SVG", self.deliver_screenshot)

    def _run(self, action: str) -> None:
        self.call_later(self.run_action, action)
