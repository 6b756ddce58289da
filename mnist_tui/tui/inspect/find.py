"""Which digits are shown, of which split, by which evaluation."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.binding import Binding

from mnist_tui.core.dataset import Split
from mnist_tui.core.query import SORTS, Field
from mnist_tui.inspecting import JudgeSplit, ReadTraining, Unanswered, Weights
from mnist_tui.tui.browser import SplitName
from mnist_tui.tui.inspect.base import InspectPart
from mnist_tui.tui.inspect.looked_at import Piece, pieces
from mnist_tui.tui.widgets.search_line import SearchLine

_VERDICTS = (None, "wrong", "right")


class Finding(InspectPart):
    """Which digits are shown, of which split, by which evaluation.

    Attributes:
        search: the line above the digits.
    """

    KEYS: ClassVar[list[Binding]] = [
        Binding("slash", "search", "find", key_display="/", tooltip="find digits: true:4 pred:9 conf<0.6"),
        Binding("backspace", "take_off", "fewer conditions", show=False, tooltip="take the last condition off"),
        Binding(
            "M", "next_verdict", "all/wrong/right", show=False, tooltip="all digits, the wrong ones, the right ones"
        ),
        Binding(
            "S",
            "next_sort",
            "sort",
            show=False,
            tooltip="sort by loss, confidence, margin, entropy, label quality, index",
        ),
        Binding("T", "next_split", "test/training", tooltip="test digits, training digits, drawings"),
        Binding(
            "left_parenthesis", "turn(-1)", "earlier", key_display="(", show=False, tooltip="an earlier evaluation"
        ),
        Binding(
            "right_parenthesis",
            "turn(1)",
            "later",
            key_display=")",
            show=False,
            tooltip="a later evaluation, or the newest",
        ),
    ]

    search: SearchLine
    _training_wanted = False
    _judging: tuple[Weights, Split, int] | None = None

    def looked_at(self) -> list[Piece]:
        """What the search line says at its right end."""
        notice = "reading the training digits" if self._training_wanted else ""
        return pieces(self.session.browser, self.session.answers.get(JudgeSplit.topic), notice)

    def show_finding(self) -> None:
        """Take in digits that were waited for, have those looked at judged by the weights shown, repaint the line."""
        browser = self.session.browser
        if self._training_wanted:
            if "training" in browser.splits:
                self._training_wanted = False
                browser.show_split("training")
            elif isinstance(self.session.answers.get(ReadTraining.topic), Unanswered):
                self._training_wanted = False
        if browser.digits is not None and not browser.judged:
            self._judge(browser.split, browser.digits)
        self.search.show()

    def _judge(self, name: SplitName, digits: Split) -> None:
        """Have digits judged, once by the same weights: what could not be judged is not asked again."""
        weights = self.session.weights
        if weights is None or name == "test":
            return
        runs = self.session.browser.runs
        if self._judging is not None and self._judging[1] is digits and self._judging[::2] == (weights, runs):
            return
        self._judging = (weights, digits, runs)
        self.session.ask(JudgeSplit(weights=weights, name=name, digits=digits))

    def action_search(self) -> None:
        """Type which digits are wanted."""
        self.search.action_type()

    def on_search_line_searched(self, message: SearchLine.Searched) -> None:
        """What is typed shows at once."""
        self.show_digits()

    def on_search_line_left(self, message: SearchLine.Left) -> None:
        """Back to the digits."""
        self.set_focus(self.gallery)

    def action_take_off(self, field: str = "") -> None:
        """Take the condition on `field` off; without one the last, or that which leaves nothing to be shown."""
        browser = self.session.browser
        conditions = browser.query.conditions
        if not field and not conditions:
            self.say("All digits are shown: there is no condition to take off.")
            return
        last = browser.blame.condition if browser.blame is not None else conditions[-1]
        browser.ask(browser.query.without(cast(Field, field) if field else last.field))
        self.set_focus(self.gallery)
        self.show_digits()

    def action_next_verdict(self) -> None:
        """All digits, the wrong ones, the right ones."""
        browser = self.session.browser
        if browser.predictions is None:
            self.say("No prediction yet: it comes after the first epoch, or on e while training.")
            return
        condition = browser.query.get("is")
        now = next(iter(condition.choices)) if condition is not None and len(condition.choices) == 1 else None
        place = _VERDICTS.index(now) if now in _VERDICTS else 0
        following = _VERDICTS[(place + 1) % len(_VERDICTS)]
        browser.ask(browser.query.choose("is", *([following] if following else [])))
        self.show_digits()

    def action_next_sort(self) -> None:
        """The next order."""
        browser = self.session.browser
        browser.sort_by(SORTS[(SORTS.index(browser.sort) + 1) % len(SORTS)])
        self.show_digits()

    def action_next_split(self) -> None:
        """The test digits, the training digits, which are read first, or the drawings."""
        browser = self.session.browser
        if browser.source is None:
            return
        names: list[SplitName] = ["test", "training"]
        if browser.splits.get("drawings"):
            names.append("drawings")
        here: SplitName = "training" if self._training_wanted else browser.split
        following = names[(names.index(here) + 1) % len(names)] if here in names else "test"
        self._training_wanted = following == "training" and "training" not in browser.splits
        if self._training_wanted:
            self.session.ask(ReadTraining(source=browser.source))
        else:
            browser.show_split(following)
        self.show_digits()

    def action_turn(self, distance: int) -> None:
        """An earlier or a later evaluation."""
        browser = self.session.browser
        if browser.album.shown is None:
            self.say("No evaluation yet: it comes after the first epoch, or on e while training.")
        elif not browser.turn(distance):
            self.say("There is no earlier evaluation." if distance < 0 else "This is the newest evaluation.")
        self.show_digits()
