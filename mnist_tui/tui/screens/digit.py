"""One digit, and why the network says what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal

from mnist_tui.inspecting import Unanswered
from mnist_tui.tui.inspect.copy import Copying
from mnist_tui.tui.study import Study
from mnist_tui.tui.subject import Subject
from mnist_tui.tui.widgets.history_panel import HistoryPanel
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.layer_panel import FilterPanel, LayerPanel
from mnist_tui.tui.widgets.neighbour_panel import NeighbourPanel
from mnist_tui.tui.widgets.score_panel import ScorePanel
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.study_panel import StudyPanel
from mnist_tui.tui.widgets.subject_panel import SubjectPanel
from mnist_tui.tui.widgets.too_small import TooSmall
from mnist_tui.tui.wording import kind_of

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session

VAST = 180  # columns, from which two of the panels that take turns are beside each other
POLL_HZ = 60  # while a short question has no answer: a walk through the digits feels like one


class DigitScreen(Copying):
    """The digit large, its probabilities, its history, its neighbours, and what every layer makes of it.

    Args:
        session: the run's state, and who answers questions.
        subject: a picture; without one, the digit under the browser's cursor.
    """

    AUTO_FOCUS = "#subject"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-stacked"), (76, "-narrow"), (110, "-roomy"), (VAST, "-vast")]
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (10, "-short"), (33, "-tall"), (52, "-high")]
    OWN_BINDINGS = [
        Binding("left", "walk(-1)", "previous digit", show=False),
        Binding("right", "walk(1)", "next digit", show=False),
        Binding("h", "cycle_heat", "why", tooltip="what speaks for it: gradient, occlusion, contrast, nothing"),
        Binding("c", "cycle_against", "why not", tooltip="why this class and not that one, class by class"),
        Binding("n", "cycle_panel", "more", tooltip="neighbours, maps of both convolutions, filters, in turn"),
        Binding("N", "renew", "neighbours anew", tooltip="look for neighbours by the weights that are shown now"),
        *Copying.COPY_KEYS,
        Binding("escape", "back", "back", show=False, tooltip="from a neighbour, then from the digit"),
    ]
    BINDINGS = [*OWN_BINDINGS]

    def __init__(self, session: Session, subject: Subject | None = None) -> None:
        super().__init__(id="digit-screen")
        self.set_class(session.ascii_only, "-ascii")
        self.session = session
        self.study = Study(session, subject)
        self.status = StatusBar(session)
        self.neighbours = NeighbourPanel(self.study, id="neighbours")
        self._cycled: list[StudyPanel] = [
            self.neighbours,
            LayerPanel(self.study, 1, id="maps-1"),
            LayerPanel(self.study, 2, id="maps-2"),
            FilterPanel(self.study, id="filters"),
        ]
        self._first = 0

    def compose(self) -> ComposeResult:
        """Status, digit, scores, history, the panels that take turns, keys."""
        yield self.status
        with Container(id="panels", classes="why"):
            yield SubjectPanel(self.study, id="subject")
            yield ScorePanel(self.study, id="scores")
            yield HistoryPanel(self.study, id="history")
            yield FilterPanel(self.study, id="more")
            with Horizontal(id="below"):
                yield from self._cycled
        yield TooSmall(self.session.progress)
        yield KeyBar(self.OWN_BINDINGS, first=("toggle_training", "help"))

    def on_mount(self) -> None:
        """Begin to ask; look for answers often while there are none."""
        self._choose_panels()
        self.set_interval(1 / POLL_HZ, self._poll)

    def on_screen_resume(self) -> None:
        """Another screen may have asked questions of its own."""
        self.study.ask_again()

    def on_resize(self) -> None:
        """More or fewer panels have room."""
        self._choose_panels()

    def _poll(self) -> None:
        if not self.study.waiting or not self.is_current:
            return
        for answer in self.session.collect():
            if isinstance(answer, Unanswered):
                self.notify(answer.message, severity="warning", markup=False)
        self.show_study()

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date."""
        if figures:
            self.status.show()
        self.show_study()

    def show_study(self) -> None:
        """Ask what is to be asked, and show what is answered."""
        self.study.refresh()
        for panel in self.query(StudyPanel):
            if panel.display:
                panel.show()

    # --- panels that take turns

    @property
    def _side_by_side(self) -> int:
        return 2 if self.app.size.width >= VAST else 1

    def _choose_panels(self) -> None:
        shown = {(self._first + offset) % len(self._cycled) for offset in range(self._side_by_side)}
        for place, panel in enumerate(self._cycled):
            panel.display = place in shown
        self.study.wants_neighbours = self.neighbours.display
        self.show_study()

    def action_cycle_panel(self) -> None:
        """Show the next of the lower panels."""
        self._first = (self._first + 1) % len(self._cycled)
        self._choose_panels()

    # --- what can be done

    @property
    def copied(self) -> tuple[int, str] | None:
        """The index of the digit that is looked into, which may be a neighbour of the gallery's."""
        index = self.study.index
        if index is None or self.study.of_browser:
            return None if index is None else (index, kind_of(self.session.browser, 1))
        return index, "training digit"

    def action_walk(self, distance: int) -> None:
        """Go to another digit of the gallery's order."""
        self.study.walk(distance)
        self.show_study()

    def action_cycle_heat(self) -> None:
        """Lay another map over the digit."""
        self.study.cycle_heat()
        self.show_study()

    def action_cycle_against(self) -> None:
        """Set another class against the predicted one."""
        self.study.cycle_against()
        self.show_study()

    def action_renew(self) -> None:
        """Look for neighbours by the weights that are shown."""
        self.study.renew()
        self.show_study()

    def on_neighbour_panel_opened(self, message: NeighbourPanel.Opened) -> None:
        """Look into a training digit."""
        self.study.open(message.index)
        self.show_study()

    async def action_back(self) -> None:
        """From a neighbour to the digit, from the digit to the gallery."""
        if self.study.back():
            self.show_study()
        else:
            await self.run_action("app.leave_layer")
