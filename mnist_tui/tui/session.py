"""What the screens of one program share: the run's state, the digits, and how things are drawn here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from mnist_tui.core import events
from mnist_tui.core.dataset import DATASET_KNOB, Split
from mnist_tui.core.errors import UsageError
from mnist_tui.core.history import History
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters, differences, live_part, with_changes
from mnist_tui.core.knob import Value
from mnist_tui.core.progress import Progress
from mnist_tui.core.settings import RunSettings
from mnist_tui.render.blocks import Glyphs
from mnist_tui.runner import Order, Runner
from mnist_tui.tui.browser import DigitBrowser, SplitName
from mnist_tui.tui.looks import Look

if TYPE_CHECKING:
    from mnist_tui.core.canvas import Canvas
    from mnist_tui.core.monitor import Monitor
    from mnist_tui.core.resuming import Resumption
    from mnist_tui.core.speed import CrowdWatch
    from mnist_tui.inspecting import Answer, Question, Weights
    from mnist_tui.inspecting.inspector import Inspector

SETTLE_SECONDS = 1.0  # within which the engine confirms an edit; until then the row is ahead of it


class Session:
    """A runner and everything known about what it does.

    Attributes:
        runner: who trains.
        settings: device, data, folders.
        wanted: the hyperparameters on the rows; what the engine confirmed is in `progress`.
        dataset: the data set on its row; the one that is loaded is in `progress`.
        start_wanted: a start was asked for before the engine was loaded.
        pausing: the run waits, or was asked to.
        going_back: an undo or a recovery was asked for, and nothing has been said of it yet.
        revision: counts the events that were taken in.
        batch: the newest single step, until training goes on.
        preview: the newest augmented images.
        finding: the newest of the learning-rate finder.
        timed: the newest batch of which the time was told.
        measuring: whether this machine is to be measured while it trains.
        watching: another process trains.
        look: how digits are drawn now.
        answers: the newest answer of each topic that was asked about.
    """

    def __init__(
        self, runner: Runner, wanted: Hyperparameters, *, ascii_only: bool = False, look: Look | None = None
    ) -> None:
        self.runner = runner
        self.settings: RunSettings = runner.settings
        self.watching = runner.watching
        self.wanted = wanted
        self.history = History()
        self.progress = Progress()
        self.browser = DigitBrowser()
        self.ascii_only = ascii_only
        self.look = look or Look(glyphs="ascii" if ascii_only else "half")
        self.start_wanted = False
        self.pausing = self.going_back = False
        self._asked: dict[str, float] = {}
        self._set_aside: Hyperparameters | None = None
        self._ahead = False
        self.dataset = runner.settings.dataset
        self.batch: events.BatchInspected | None = None
        self.preview: events.Previewed | None = None
        self.revision = 0
        self.finding: events.RatesTried | events.RateFound | None = None
        self.answers: dict[str, Answer] = {}
        self.timed: events.BatchTimed | None = None
        self.measuring = False
        self._monitor: Monitor | None = None
        self._crowd: CrowdWatch | None = None
        self._canvas: Canvas | None = None
        self._inspector: Inspector | None = None

    @property
    def awaited(self) -> str:
        """What was asked for and waits for the batch under way, in words, or empty."""
        if self.progress.phase != "training":
            return ""
        return "pauses after this batch" if self.pausing else "goes back after this batch" if self.going_back else ""

    @property
    def glyphs(self) -> Glyphs:
        """What digits are drawn with now."""
        return self.look.glyphs

    def drain(self) -> list[events.Event]:
        """Take in what happened since the last call; return what is news, and not from before the run was watched."""
        news: list[events.Event] = []
        for event in self.runner.drain():
            if not self.reading:
                news.append(event)
            self.apply(event)
        return news

    @property
    def reading(self) -> bool:
        """Whether what a run that is watched has done so far is still being read."""
        return self.watching and self.progress.observed is None

    def apply(self, event: events.Event) -> None:
        """Take one event in."""
        self.revision += 1
        self.progress.apply(event)
        self.history.apply(event)
        match event:
            case events.Recalled():
                for recalled in event.events:
                    (self.history if event.ahead else self).apply(recalled)
                self._ahead = event.ahead
            case events.DataLoaded():
                self.browser.load(event)
            case events.RunFailed():
                self.start_wanted = False
                self._put_back()
            case events.RunStarted():
                self.start_wanted = self.pausing = self.going_back = False
                self.batch = self.finding = self.timed = None
                self.browser.forget()
                if self.watching:
                    self.wanted = event.hyperparameters
                self.dataset = self.progress.dataset or self.dataset
            case events.RunContinued():
                self.start_wanted = self.pausing = self.going_back = False
                self.batch = self.finding = self._set_aside = None
                self.wanted = event.hyperparameters
                self._asked.clear()  # what was asked for while it was loaded is confirmed next, however lately that was
            case events.HyperparametersApplied():
                self._confirm({name: new for name, (_, new) in differences(event.old, event.new).items()})
            case events.Rewound():
                self.batch = None
                self.going_back = False
                self.browser.rewind(event.to_step)
                self._confirm(live_part(attrs.asdict(event.hyperparameters)))
            case events.Answered():
                self.going_back = False
            case events.Paused():
                self.pausing = True
            case events.BatchInspected():
                self.batch = event
            case events.BatchTimed():
                self.timed = event
            case events.Resumed():
                self.pausing = False
                self.batch = None
            case events.Previewed():
                self.preview = event
            case events.RatesTried():
                self.finding = event
            case events.RateFound() if not event.cancelled:
                self.finding = event
            case events.Evaluated() if event.split == "test" and event.logits:
                self.browser.judge(event)
            case _:
                pass

    # --- questions about digits; what they are made of is 10 ms of the first frame, which does without

    @property
    def canvas(self) -> Canvas:
        """What is drawn by hand."""
        if self._canvas is None:
            from mnist_tui.core.canvas import Canvas

            self._canvas = Canvas()
        return self._canvas

    @property
    def monitor(self) -> Monitor | None:
        """Who measures this machine; nobody where another process trains, which may be elsewhere."""
        if self._monitor is None and self.measuring and not self.watching:
            from mnist_tui.core.monitor import Monitor

            self._monitor = Monitor()
        return self._monitor

    def crowding(self) -> str:
        """What is to be said of other programs that slow the training down; most often nothing."""
        if self._monitor is None:
            return ""
        if self._crowd is None:
            from mnist_tui.core.speed import CrowdWatch

            self._crowd = CrowdWatch()
        return self._crowd.consider(self.progress, self._monitor.load)

    @property
    def weights(self) -> Weights | None:
        """Those of the evaluation that is looked at; None where there is none."""
        from mnist_tui.inspecting import Weights

        page = self.browser.album.shown
        return None if page is None else Weights(self.progress.folder, page.step, page.branch, page.weights)

    def ask(self, question: Question) -> None:
        """Have a question answered, in place of an older one of its topic."""
        if self._inspector is None:
            from mnist_tui.inspecting.inspector import Inspector

            # One that watches a run leaves the processor to whoever trains it.
            self._inspector = Inspector("cpu", 1) if self.watching else Inspector(self.progress.device or "cpu")
        self.answers.pop(question.topic, None)
        self._inspector.ask(question)

    def collect(self) -> list[Answer]:
        """Take in the answers that came since the last call, and return them."""
        found = self._inspector.drain() if self._inspector is not None else []
        if not found:
            return []
        from mnist_tui.inspecting import CrossJudged, SplitJudged, TrainingRead

        for answer in found:
            self.answers[answer.question.topic] = answer
            match answer:
                case TrainingRead() if answer.question.source == self.browser.source:  # else a set of before
                    self.browser.add_split("training", answer.digits)
                case SplitJudged() if self._concerns(
                    answer.question.weights, answer.question.name, answer.question.digits
                ):
                    asked = answer.question
                    self.browser.judge_split(
                        asked.name, asked.weights.step, asked.weights.branch, answer.logits, answer.weights_step
                    )
                case CrossJudged() if self._concerns(answer.question.weights, "training", answer.question.digits):
                    self.browser.judge_crosswise("training", answer.question.weights.step, answer.logits)
                case _:
                    pass
        return found

    def refusals(self) -> list[str]:
        """As `collect`; what cannot be answered, in a sentence each."""
        found = self.collect()
        if not found:
            return []
        from mnist_tui.inspecting import Unanswered

        return [answer.message for answer in found if isinstance(answer, Unanswered)]

    def _concerns(self, weights: Weights, name: SplitName, digits: Split) -> bool:
        """Whether an answer is about the run that is shown, and about the digits that go by that name now."""
        return weights.folder == self.progress.folder and digits is self.browser.splits.get(name)

    def close(self) -> bool:
        """End what measures, and what answers questions; false where it did not end in time."""
        if self._monitor is not None:
            self._monitor.close()
        return self._inspector is None or self._inspector.close()

    def edit(self, name: str, value: Value) -> None:
        """Want another value; the live ones reach the next batch.

        Raises:
            UsageError: the value is not legal; what is wanted stays as it was.
        """
        if self.watching and (name not in KNOBS or not KNOBS[name].live):
            raise UsageError("that takes effect in the next run, and here one is only watched")
        if self.watching and not self.progress.active:
            self.runner.edit({name: value})  # which answers why not
            return
        if name == DATASET_KNOB.name:
            DATASET_KNOB.check(value)
            self.dataset = str(value)
            return
        if name not in KNOBS:
            raise UsageError(f"there is no hyperparameter {name!r}")
        self.wanted = with_changes(self.wanted, {name: value})
        self._asked[name] = time.monotonic()
        self.runner.edit({name: value})

    def _confirm(self, values: Mapping[str, Value]) -> None:
        """Want what the engine says is in force, but for what was asked for so lately that it has not got there."""
        now = time.monotonic()
        settled = {name: value for name, value in values.items() if now - self._asked.get(name, 0) > SETTLE_SECONDS}
        self.wanted = with_changes(self.wanted, settled)

    def start(self, *, paused: bool = False, find_rate: bool = False, resumption: Resumption | None = None) -> None:
        """Begin a run with what is wanted, or go on with one that was left, in place of the one under way.

        Raises:
            UsageError: it cannot begin with that.
        """
        order = Order(
            hyperparameters=resumption.goes_on_with if resumption is not None else self.wanted,
            dataset=self.dataset,
            paused=paused,
            find_rate=find_rate,
            resumption=resumption,
        )
        if self.progress.active:
            self.runner.restart(order)
        else:
            self.runner.start(order)
        if resumption is not None:
            self._set_aside, self.wanted = self.wanted, order.hyperparameters
        self.start_wanted = True

    def _put_back(self) -> None:
        """What stood there before a run that could not go on."""
        if self._set_aside is not None:
            self.wanted, self._set_aside = self._set_aside, None
        if self._ahead:
            self._ahead = False
            self.history.forget()

    def hint(self) -> str:
        """What to say where there is no curve yet."""
        phase = self.progress.phase
        if self.watching and phase != "failed":
            return "the run is being read" if self.reading else "no batch of it is recorded yet"
        if phase == "failed":
            return self.progress.error
        if self.start_wanted or self.progress.active or (self.progress.expected and not self.progress.run):
            if self.progress.run or phase == "ready":
                return "the first batches are on their way"
            return f"{phase}, then {'it goes on' if self.progress.expected else 'training starts'}"
        return "press space to train" if phase == "ready" else f"press space to train ({phase})"
