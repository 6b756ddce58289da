"""One digit under study: what it is, what is asked about it, and what was answered so far."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import attrs

from mnist_tui.core.album import Verdict
from mnist_tui.inspecting import Answer, Question, ReadTraining, Unanswered, Weights, Working
from mnist_tui.inspecting.reasons import (
    Activate,
    Activated,
    Explain,
    Explained,
    FiltersRead,
    FindNeighbours,
    Heat,
    NeighboursFound,
    ReadFilters,
)
from mnist_tui.tui.subject import Subject
from mnist_tui.tui.wording import kind_of

if TYPE_CHECKING:
    from mnist_tui.core.predictions import Predictions
    from mnist_tui.tui.session import Session

HEATS: tuple[Heat | None, ...] = (None, "gradient", "occlusion", "contrast")
PATIENCE_SECONDS = 0.12  # for which a panel keeps what it shows before it says that it waits

T = TypeVar("T", Activated, Explained, FiltersRead, NeighboursFound)


@attrs.frozen
class Judged:
    """A row of a table of predictions: of exactly one evaluation, or of one picture."""

    table: Predictions
    row: int

    @property
    def predicted(self) -> int:
        """The class of the largest logit."""
        return int(self.table.predicted[self.row])

    @property
    def logits(self) -> Sequence[float]:
        """Ten."""
        row: list[float] = self.table.logits[self.row].tolist()
        return row


class Study:
    """A digit of the browser's, a training digit opened from there, or a picture.

    Attributes:
        session: who answers, and whose weights are looked into.
        heat: which map lies over the digit; None for none.
        wants_neighbours: whether they are in sight; the first answer takes seconds of computing.
    """

    def __init__(self, session: Session, subject: Subject | None = None) -> None:
        self.session = session
        self.heat: Heat | None = None
        self.wants_neighbours = True
        self._fixed = subject
        self._opened: list[int] = []
        self._held: tuple[object, int | None] | None = None
        self._against: int | None = None
        self._asked: dict[str, tuple[Question, float]] = {}
        self._taken: dict[str, Answer] = {}
        self._pinned: Weights | None = None
        self._judged: tuple[Activated, Judged] | None = None

    # --- what it is

    @property
    def index(self) -> int | None:
        """The digit's place in its split; None where it is in none."""
        if self._opened:
            return self._opened[-1]
        return self._held_index() if self._fixed is None else None

    def _held_index(self) -> int | None:
        """The browser's digit when this was opened or last walked: an evaluation puts no other in its place."""
        browser = self.session.browser
        if self._held is None or self._held[0] is not browser.digits or self._held[1] is None:
            self._held = browser.digits, browser.index
        return self._held[1]

    @property
    def left_out(self) -> bool:
        """Whether the digit is no longer among those that the browser shows."""
        index = self.index
        return self.of_browser and index is not None and index not in self.session.browser.order

    @property
    def of_browser(self) -> bool:
        """Whether it is one of the digits that the browser looks at, neither opened from there nor a picture."""
        return not self._opened and self._fixed is None

    @property
    def subject(self) -> Subject | None:
        """Its pixels, what it is in words, its label; None where nothing is shown."""
        browser = self.session.browser
        if self._opened:
            training = browser.splits.get("training")
            if training is None:
                return None
            index = self._opened[-1]
            return Subject(bytes(training.digit(index)), f"training digit {index}", training.labels[index])
        if self._fixed is not None:
            return self._fixed
        held = self._held_index()
        if browser.digits is None or held is None:
            return None
        digit, label = browser.digits.digit(held), browser.digits.labels[held]
        return Subject(bytes(digit), f"{kind_of(browser, 1)} {held}", label)

    @property
    def judged(self) -> Judged | None:
        """What the run's network predicts: by the browser's table where it has that, else by the answer."""
        browser = self.session.browser
        if self.of_browser and not (browser.predictions is not None and browser.predictions.judged_by):
            held = self._held_index()
            return None if browser.predictions is None or held is None else Judged(browser.predictions, held)
        layers, subject = self.layers, self.subject
        if layers is None or subject is None:
            return None
        if self._judged is None or self._judged[0] is not layers:
            from mnist_tui.core.predictions import Predictions

            label = bytes([subject.true or 0])
            table = Predictions.from_bytes(layers.logits, label, layers.weights_step)
            self._judged = layers, Judged(table, 0)
        return self._judged[1]

    @property
    def history(self) -> Sequence[Verdict]:
        """What every evaluation made of it."""
        index = self.index
        return self.session.browser.history(index) if self.of_browser and index is not None else ()

    @property
    def against(self) -> int | None:
        """The class that `contrast` sets against the predicted one: the chosen, or the true one, or the runner-up."""
        judged, subject = self.judged, self.subject
        if judged is None or subject is None:
            return None
        if self._against is not None and self._against != judged.predicted:
            return self._against
        if subject.true is not None and subject.true != judged.predicted:
            return subject.true
        return self._ranked(judged)[0]

    def _ranked(self, judged: Judged) -> list[int]:
        others = [digit for digit in range(10) if digit != judged.predicted]
        return sorted(others, key=lambda digit: -judged.logits[digit])

    # --- what can be done

    def walk(self, distance: int) -> None:
        """Go on in the browser's order; from an opened training digit back to it first."""
        self._opened.clear()
        if self._fixed is None:
            gone = self.left_out  # the cursor is then on the one that took its place, which comes next
            self.session.browser.move(distance - 1 if gone and distance > 0 else distance)
            self._held = None

    def open(self, index: int) -> None:
        """Look into a training digit."""
        self._opened.append(index)

    def back(self) -> bool:
        """Go back from an opened training digit; whether it was one."""
        if self._opened:
            self._opened.pop()
            return True
        return False

    def cycle_heat(self) -> None:
        """Lay another map over the digit."""
        self.heat = HEATS[(HEATS.index(self.heat) + 1) % len(HEATS)]

    def cycle_against(self) -> None:
        """Set the next likely class against the predicted one."""
        judged, against = self.judged, self.against
        if judged is not None and against is not None:
            ranked = self._ranked(judged)
            if self.heat == "contrast":
                self._against = ranked[(ranked.index(against) + 1) % len(ranked)]
        self.heat = "contrast"

    def renew(self) -> None:
        """Look for neighbours by the weights that are shown now."""
        self._pinned = None

    # --- questions and answers

    @property
    def layers(self) -> Activated | None:
        """What every layer makes of it."""
        return self._answer("activate", Activated)

    @property
    def explained(self) -> Explained | None:
        """The map that lies over it."""
        return self._answer("explain", Explained)

    @property
    def filters(self) -> FiltersRead | None:
        """What the convolutions have learned."""
        return self._answer("filters", FiltersRead)

    @property
    def neighbours(self) -> NeighboursFound | None:
        """The nearest training digits."""
        return self._answer("neighbours", NeighboursFound)

    @property
    def neighbours_outdated(self) -> bool:
        """Whether the neighbours are by other weights than those that are shown.

        While a training runs here, features of 60 000 digits are not computed anew after each evaluation.
        """
        return self._pinned is not None and self._pinned != self.session.weights

    def answer_to(self, topic: str) -> Answer | None:
        """What was answered on a topic so far."""
        return self._taken.get(topic)

    def working(self, topic: str) -> float | None:
        """How far (0..1) a long question is; None where it is not being worked on."""
        answer = self._taken.get(topic)
        return answer.done if isinstance(answer, Working) else None

    def refusal(self, topic: str) -> str:
        """Why a question cannot be answered; empty where it can."""
        answer = self._taken.get(topic)
        return answer.message if isinstance(answer, Unanswered) else ""

    def settled(self, topic: str) -> bool:
        """Whether there is an answer, or it takes so long that this should be said."""
        if topic not in self._asked or topic in self._taken:
            return True
        return time.monotonic() - self._asked[topic][1] > PATIENCE_SECONDS

    @property
    def waiting(self) -> bool:
        """Whether a short question has no answer yet."""
        return any(topic not in self._taken for topic in self._asked)

    def ask_again(self) -> None:
        """Forget what was asked: another screen may have asked since."""
        self._asked.clear()
        self._taken.clear()

    def refresh(self) -> None:
        """Take in what was answered, and ask what is not asked yet."""
        self._take()
        wanted = self._wanted()
        for topic in [topic for topic in self._asked if topic not in wanted]:
            del self._asked[topic]
            self._taken.pop(topic, None)
        for topic, question in wanted.items():
            if topic not in self._asked or self._asked[topic][0] != question:
                self._asked[topic] = question, time.monotonic()
                self._taken.pop(topic, None)
                self.session.ask(question)

    def _take(self) -> None:
        for topic, (question, _) in self._asked.items():
            answer = self.session.answers.get(topic)
            if answer is not None and answer.question == question:
                self._taken[topic] = answer

    def _answer(self, topic: str, kind: type[T]) -> T | None:
        answer = self._taken.get(topic)
        return answer if isinstance(answer, kind) else None

    def _wanted(self) -> dict[str, Question]:
        weights, subject = self.session.weights, self.subject
        if weights is None:
            self._pinned = None
            return {}
        wanted: dict[str, Question] = {"filters": ReadFilters(weights=weights)}
        if subject is None:
            return wanted
        wanted["activate"] = Activate(weights=weights, pixels=subject.pixels)
        judged, against = self.judged, self.against
        if self.heat is not None and judged is not None and against is not None:
            wanted["explain"] = Explain(
                weights=weights,
                pixels=subject.pixels,
                heat=self.heat,
                target=judged.predicted,
                against=against if self.heat == "contrast" else -1,
            )
        source = self.session.browser.source
        if self.wants_neighbours and source is not None:
            if self._pinned is None or self._pinned.folder != weights.folder or not self._trains:
                self._pinned = weights
            wanted["neighbours"] = FindNeighbours(
                weights=self._pinned, source=source, pixels=subject.pixels, without=self._training_index
            )
            if self.neighbours is not None and "training" not in self.session.browser.splits:
                wanted["read training"] = ReadTraining(source=source)
        return wanted

    @property
    def _trains(self) -> bool:
        session = self.session
        return session.progress.active and not session.pausing and not session.watching

    @property
    def _training_index(self) -> int:
        in_training = bool(self._opened) or (self._fixed is None and self.session.browser.split == "training")
        return self.index if in_training and self.index is not None else -1
