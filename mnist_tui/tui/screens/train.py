"""Screen 1: hyperparameters, the two charts, the test digits."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Key, ScreenResume
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from mnist_tui.tui.styles import MODES, read_styles
from mnist_tui.tui.widgets.chart_pair import ChartPair, Metric
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.health_bar import HealthBar
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.knob_list import KnobList
from mnist_tui.tui.widgets.knob_panel import KnobPanel
from mnist_tui.tui.widgets.load_strip import LoadStrip
from mnist_tui.tui.widgets.run_facts import RunFacts
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session
    from mnist_tui.tui.widgets.batch_panel import BatchPanel
    from mnist_tui.tui.widgets.preview_panel import PreviewPanel

    Panel = TypeVar("Panel", bound=Widget)

_USUAL = frozenset({"-roomy", "-tall"})
AUGMENTATIONS = frozenset({"shift", "rotate", "scale"})


class TrainScreen(Screen[None]):
    """The dashboard."""

    AUTO_FOCUS = "#digits"

    def __init__(self, session: Session) -> None:
        super().__init__(id="train")
        self._session = session
        self.set_class(session.ascii_only, "-ascii")
        ascii_only = session.ascii_only
        self.status = StatusBar(session)
        self.knobs = KnobPanel(session.wanted, session.dataset, ascii_only=ascii_only)
        self.facts = RunFacts(session)
        self.load = LoadStrip(session)
        self.pair = ChartPair(session.history, session.progress, session.hint, ascii_only=ascii_only)
        self.charts = self.pair.charts
        self.digits = DigitPanel(session)
        self.health = HealthBar(session.progress, ascii_only=ascii_only)
        self._shown: DigitPanel | BatchPanel | PreviewPanel = self.digits
        self._resumed = False

    def compose(self) -> ComposeResult:
        """Status, panels, keys."""
        self._fit(self.app.size)
        if self.classes != _USUAL:
            read_styles(self.app, MODES)
        yield self.status
        with Horizontal(id="panels"):
            with Vertical(id="settings"):
                yield self.knobs
                yield self.facts
            with Vertical(id="pictures"):
                yield self.pair
                yield self.digits
        yield KeyBar()

    def on_mount(self) -> None:
        """What is hidden comes after the first frame, or when it is needed: a widget costs a millisecond."""
        self.call_after_refresh(self._furnish)

    def _furnish(self) -> None:
        if self.is_attached:
            self.query_one("#settings").mount(self.load)
            self.mount(TooSmall(self._session.progress), self.health, before="#keys")

    @cached_property
    def stepped(self) -> BatchPanel:
        """In place of the test digits while the run is stepped."""
        from mnist_tui.tui.widgets.batch_panel import BatchPanel

        return self._beside_digits(BatchPanel(self._session))

    @cached_property
    def preview(self) -> PreviewPanel:
        """In place of the test digits while the strength of an augmentation is in focus."""
        from mnist_tui.tui.widgets.preview_panel import PreviewPanel

        return self._beside_digits(PreviewPanel(self._session))

    def _beside_digits(self, panel: Panel) -> Panel:
        self.mount(panel, after=self.digits)
        return panel

    def _fit(self, size: Size) -> None:
        """Have the classes of a terminal of `size` before any widget is styled: each would be styled again for them."""
        for length, breakpoints in (
            (size.width, self.app.HORIZONTAL_BREAKPOINTS),
            (size.height, self.app.VERTICAL_BREAKPOINTS),
        ):
            self.add_class(*[name for least, name in breakpoints or [] if least <= length][-1:])

    def on_screen_resume(self, event: ScreenResume) -> None:
        """The first time every style is fresh, and that is seen to take a tenth of what the first frame needs."""
        event.refresh_styles = event.refresh_styles and self._resumed
        self._resumed = True

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date; charts and running figures only where they may move."""
        session = self._session
        if figures:
            self.status.show()
            self.facts.show()
            self.load.show()
        if figures or not charts:  # batches alone change none of these
            self.health.show()
            self.knobs.show(session.wanted, session.dataset, session.progress)
            self._show_digits()
        if charts:
            self.pair.show()

    def on_key(self, event: Key) -> None:
        """A key that only Inspect has: say so, instead of nothing."""
        from mnist_tui.tui.screens.inspect import InspectScreen

        for binding in InspectScreen.OWN_BINDINGS:
            if event.key in binding.key.split(","):
                key = binding.key_display or binding.key
                self.notify(f"{key} ({binding.description}) works on Inspect, which i opens.", markup=False)

    def _show_digits(self) -> None:
        """One of three: what augmentation does while its strength is in focus, the batch just stepped, test digits."""
        previewing = self.knobs.focused_knob in AUGMENTATIONS and not self._session.watching
        stepping = not previewing and self._session.batch is not None
        shown: DigitPanel | BatchPanel | PreviewPanel = self.digits
        if previewing:
            shown = self.preview
        elif stepping:
            shown = self.stepped
        if shown is not self._shown:
            before, self._shown = self._shown, shown
            self.set_class(previewing, "-previewing")
            self.set_class(stepping, "-stepping")
            if shown.can_focus and self.focused in {self.digits, before, None}:
                self.call_after_refresh(shown.focus)
        shown.show()

    def scroll_to_center(self, widget: Widget, *args: Any, **options: Any) -> None:
        """Textual's way to a focused widget that is not wholly seen; in a list it is the current row that counts."""
        if isinstance(widget, KnobList):
            widget.reveal()
        else:
            super().scroll_to_center(widget, *args, **options)

    def on_descendant_focus(self) -> None:
        """The preview of an augmentation comes and goes with the focus."""
        self._show_digits()

    on_descendant_blur = on_knob_list_moved = on_descendant_focus

    def look(self, **changes: object) -> None:
        """Change how both charts are looked at."""
        self.pair.look(**changes)

    def cycle_unit(self) -> None:
        """The x axis in batches, epochs or seconds."""
        self.pair.cycle_unit()

    def cycle_smoothing(self, direction: int) -> None:
        """A stronger or weaker average."""
        self.pair.cycle_smoothing(direction)

    def maximise(self, metric: Metric | None) -> None:
        """One chart alone, or all panels again."""
        self.pair.maximise(metric)
