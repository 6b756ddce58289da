"""The confusion matrix, another evaluation to compare with, and likely errors in the labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.events import Resize

from mnist_tui.core.query import Query
from mnist_tui.render.confusion import MatrixMode
from mnist_tui.tui.inspect.base import InspectPart
from mnist_tui.tui.inspect.suspects import Suspecting
from mnist_tui.tui.inspect.versus_line import versus_line
from mnist_tui.tui.widgets.class_figures import ClassFigures
from mnist_tui.tui.widgets.confusion_matrix import ConfusionMatrix

if TYPE_CHECKING:
    from mnist_tui.tui.others import Candidate, OtherRuns

_MODES: tuple[MatrixMode, ...] = ("counts", "shares", "changes")
_BOTH_HEIGHT = 50  # lines from which on matrix and figures of the classes have room below each other
_AGAINST = ("fixed", "broken", "both")
_NOTHING_TO_COMPARE = (
    "Nothing to compare with yet: it takes a second evaluation, or one of another run, which C chooses."
)


class Comparing(Suspecting, InspectPart):
    """The confusion matrix, another evaluation to compare with, and likely errors in the labels."""

    KEYS: ClassVar[list[Binding]] = [
        Binding("c", "cycle_matrix", "matrix", tooltip="matrix: counts, % of a row, change, then precision and recall"),
        Binding("C", "choose_other", "compare with", tooltip="choose the evaluation to compare with, of any run"),
        Binding(
            "F", "cycle_against", "fixed/broken", tooltip="what the other evaluation got wrong: fixed, broken, both"
        ),
        Binding("L", "toggle_suspects", "label errors", tooltip="labels that are likely wrong, by confident learning"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back_to_matrix", "", show=False)]

    classes_panel: ClassFigures
    _before: Query | None = None  # the query before the matrix filtered it
    _filter: Query | None = None  # only the conditions that the matrix put in
    _left_from: ConfusionMatrix | ClassFigures | None = None
    _returned = False  # esc brought the matrix back: the next one leaves the screen
    _earlier: Sequence[Candidate] = ()
    _others: OtherRuns | None = None

    # --- the matrix

    def on_resize(self, event: Resize) -> None:
        """Matrix and figures of the classes beside each other where there is room."""
        self.set_class(event.size.height >= _BOTH_HEIGHT, "-both")

    def show_comparison(self) -> None:
        """Bring the panels of this part up to date."""
        self.confusion.show()
        self.classes_panel.show()
        self.take_in_suspects()

    def action_cycle_matrix(self) -> None:
        """Counts, shares, changes; where there is no room for both panels, the figures of the classes."""
        panel, matrix = self.classes_panel, self.confusion
        focused = self.focused in (panel, matrix)
        place = len(_MODES) if self.has_class("-classes") else _MODES.index(matrix.mode)
        modes = len(_MODES) + (not self.has_class("-both"))
        place = (place + 1) % modes
        self.set_class(place == len(_MODES), "-classes")
        if place < len(_MODES):
            matrix.mode = _MODES[place]
        if focused:
            self.set_focus(panel if place == len(_MODES) else matrix)
        self.show_comparison()

    def on_confusion_matrix_chosen(self, message: ConfusionMatrix.Chosen) -> None:
        """Only the digits of the cell, in the gallery."""
        browser = self.session.browser
        if self._filter is None or not self._filtered:
            self._before = browser.query
        query = browser.query.without("true").without("pred")
        query = query if message.true is None else query.choose("true", message.true)
        query = query if message.predicted is None else query.choose("pred", message.predicted)
        self._filter = query
        self._left_from = self.focused if isinstance(self.focused, ConfusionMatrix | ClassFigures) else self.confusion
        browser.ask(query)
        self._returned = False
        self.set_focus(self.gallery)
        self.show_digits()

    @property
    def _filtered(self) -> bool:
        """Whether what the matrix put into the query is still in it."""
        query, own = self.session.browser.query, self._filter
        if own is None or not (own.get("true") or own.get("pred")):
            return False
        return query.get("true") == own.get("true") and query.get("pred") == own.get("pred")

    def _take_filter_off(self) -> None:
        query, before = self.session.browser.query.without("true").without("pred"), self._before
        for condition in before.conditions if before is not None else ():
            query = query.put(condition) if condition.field in {"true", "pred"} else query
        self._filter = self._before = None
        self.session.browser.ask(query)
        self.show_digits()

    def action_back_to_matrix(self) -> None:
        """From what a cell of the matrix showed back to the matrix, as it was before."""
        if self.focused is not self.gallery or not self._filtered:
            raise SkipAction
        self._take_filter_off()
        back = self._left_from or self.confusion
        self.set_focus(back if back.display else self.confusion)
        self._returned = True

    def action_leave_matrix(self) -> None:
        """The filter off; to the gallery; and where the gallery was left for the matrix, off the screen."""
        if self._filtered:
            self._take_filter_off()
        elif self._returned:
            self._returned = False
            raise SkipAction
        else:
            self.set_focus(self.gallery)

    # --- another evaluation

    def action_choose_other(self) -> None:
        """Choose the evaluation to compare with."""
        from mnist_tui.tui.others import OtherRuns, earlier
        from mnist_tui.tui.screens.picker import PickerScreen

        session = self.session
        test = session.browser.splits.get("test")
        if session.browser.album.shown is None or test is None:
            self.say("No evaluation yet: it comes after the first epoch, or on e while training.")
            return
        self._earlier = earlier(session.browser)
        self._others = OtherRuns(session.settings.runs_dir, session.progress.folder, session.dataset, len(test))
        self._others.start()
        self._others.wait(0.05)
        screen = PickerScreen("compare with", self._rows, ascii_only=session.ascii_only)
        self.app.push_screen(screen, self._compare_with)

    def _rows(self) -> tuple[list[str], bool]:
        """What can be chosen, in words; whether all of it is known."""
        assert self._others is not None
        whole = self._others.looked
        candidates = [*self._earlier, *self._others.candidates]
        return [candidate.words for candidate in candidates], whole

    def _compare_with(self, place: int | None) -> None:
        """Compare with the candidate at `place`, if one was chosen."""
        from mnist_tui.tui.others import other_of

        browser, others = self.session.browser, self._others
        if place is None or others is None:
            return
        candidate = [*self._earlier, *others.candidates][place]
        other = other_of(candidate, browser.splits["test"].labels)
        if other is None:
            self.say(f"The evaluation of {candidate.name} cannot be read any more.", severity="warning")
            return
        browser.compare_with(None if candidate.is_before else other)
        self.show_digits()
        self.say(versus_line(browser) or f"compared with {candidate.name}", "compare")

    def action_cycle_against(self) -> None:
        """Only digits that were fixed, that were broken, that both got wrong; then all again."""
        browser = self.session.browser
        line = versus_line(browser)
        if not line:
            self.say(
                _NOTHING_TO_COMPARE if browser.split == "test" else "Only evaluations of the test digits are compared."
            )
            return
        now = browser.query.get("vs")
        place = next((number for number, word in enumerate(_AGAINST) if now and word in now.choices), -1) + 1
        query = browser.query.without("vs")
        if place < len(_AGAINST):  # of wrong ones none is fixed, of right ones none broken
            query = query.without("is").choose("vs", _AGAINST[place])
        browser.ask(query)
        self.say(line, "all digits" if place == len(_AGAINST) else ("fixed", "broken", "both wrong")[place])
        self.show_digits()
