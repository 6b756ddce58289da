"""What the screens of one program share: the run's state, the digits, and how things are drawn here."""

from __future__ import annotations

import attrs

from mnist_tui.core.dataset import DATASET_KNOB
from mnist_tui.core.errors import UsageError
from mnist_tui.core.events import (
    BatchInspected,
    DataLoaded,
    Evaluated,
    Event,
    Previewed,
    RateFound,
    RatesTried,
    Resumed,
    Rewound,
    RunFailed,
    RunStarted,
)
from mnist_tui.core.history import History
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters, live_part, with_changes
from mnist_tui.core.knob import Value
from mnist_tui.core.progress import Progress
from mnist_tui.core.settings import RunSettings
from mnist_tui.render.blocks import Glyphs
from mnist_tui.runner import Order, Runner
from mnist_tui.tui.browser import DigitBrowser


class Session:
    """A runner and everything known about what it does.

    Attributes:
        runner: who trains.
        settings: device, data, folders.
        wanted: the hyperparameters on the rows; what the engine confirmed is in `progress`.
        dataset: the data set on its row; the one that is loaded is in `progress`.
        start_wanted: a start was asked for before the engine was loaded.
        batch: the newest single step, until training goes on.
        preview: the newest augmented images.
        finding: the newest of the learning-rate finder.
    """

    def __init__(
        self, runner: Runner, wanted: Hyperparameters, *, ascii_only: bool = False, glyphs: Glyphs = "half"
    ) -> None:
        self.runner = runner
        self.settings: RunSettings = runner.settings
        self.wanted = wanted
        self.history = History()
        self.progress = Progress()
        self.browser = DigitBrowser()
        self.ascii_only = ascii_only
        self.glyphs: Glyphs = glyphs
        self.start_wanted = False
        self.dataset = runner.settings.dataset
        self.batch: BatchInspected | None = None
        self.preview: Previewed | None = None
        self.finding: RatesTried | RateFound | None = None

    def drain(self) -> list[Event]:
        """Take in what happened since the last call, and return it."""
        events = self.runner.drain()
        for event in events:
            self.apply(event)
        return events

    def apply(self, event: Event) -> None:
        """Take one event in."""
        self.progress.apply(event)
        self.history.apply(event)
        match event:
            case DataLoaded():
                self.browser.load(event)
            case RunFailed():
                self.start_wanted = False
            case RunStarted():
                self.start_wanted = False
                self.batch = self.finding = None
                self.browser.forget()
            case Rewound():
                self.batch = None
                self.wanted = with_changes(self.wanted, live_part(attrs.asdict(event.hyperparameters)))
            case BatchInspected():
                self.batch = event
            case Resumed():
                self.batch = None
            case Previewed():
                self.preview = event
            case RatesTried() | RateFound():
                self.finding = event
            case Evaluated() if event.split == "test":
                self.browser.judge(event)
            case _:
                pass

    def edit(self, name: str, value: Value) -> None:
        """Want another value; the live ones reach the next batch.

        Raises:
            UsageError: the value is not legal; what is wanted stays as it was.
        """
        if name == DATASET_KNOB.name:
            DATASET_KNOB.check(value)
            self.dataset = str(value)
            return
        if name not in KNOBS:
            raise UsageError(f"there is no hyperparameter {name!r}")
        self.wanted = with_changes(self.wanted, {name: value})
        self.runner.edit({name: value})

    def start(self, *, paused: bool = False, find_rate: bool = False) -> None:
        """Begin a run with what is wanted, after the one under way.

        Raises:
            UsageError: it cannot begin with that.
        """
        order = Order(hyperparameters=self.wanted, dataset=self.dataset, paused=paused, find_rate=find_rate)
        self.runner.start(order)
        self.start_wanted = True

    def hint(self) -> str:
        """What to say where there is no curve yet."""
        phase = self.progress.phase
        if phase == "failed":
            return self.progress.error
        if self.start_wanted or self.progress.active:
            return "the first batches are on their way" if self.progress.run else f"{phase}, then training starts"
        return "press space to train" if phase == "ready" else f"press space to train ({phase})"
