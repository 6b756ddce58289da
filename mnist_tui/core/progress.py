"""Where a run stands, in words and numbers a view needs no decision to show."""

from __future__ import annotations

import math
from pathlib import Path

import attrs

from mnist_tui.core import events
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.notes import printable
from mnist_tui.core.runs import name_of
from mnist_tui.core.settings import default_runs_dir
from mnist_tui.core.sliding_rate import SlidingRate

RATE_WINDOW_SECONDS = 10.0


def resumable(folder: Path) -> str:
    """What `--resume` calls the run in `folder`: its name, or the folder where runs are not looked for."""
    return name_of(folder) if folder.parent == default_runs_dir() else str(folder)


class Progress:
    """The state of a runner, updated by its events.

    Attributes:
        phase: `loading data`, `downloading`, `loading torch`, `ready`, `training`, `paused`, `evaluating`,
            `finding rate`, `done`, `stopped`, `failed` or `crashed` (another process trained it, and is gone).
        hyperparameters: what the engine confirmed; None before the first run.
        step, epoch, samples: counted over the run, the first two from 1.
        learning_rate: after the schedule; None before the first batch.
        gradient_norm: of a batch a moment ago.
        dataset: what is loaded.
        ailments: what is wrong with the training, as ailment -> sentence.
        continued_after: trained before it went on, the newest time it did; 0 where it did not.
        seconds: since then, when it ended, everything included; 0 before.
        stops_after: the epoch the run was asked to end with, or None.
        test_accuracy, best_test_accuracy, test_loss: 0..1 and nats; None before the first evaluation.
        tested_step: the step of the newest of them.
        observed, owner: whether the process that trains lives, and which it is, where another one does; else None.
        expected: the run that is going to be continued, while it is loaded; or empty.
        notice: one sentence worth showing, or empty.
        error, details, exit_code: why the last run could not go on: sentence, traceback, number for a shell.
    """

    def __init__(self) -> None:
        self.phase = "loading data"
        self.device = ""
        self.device_name = ""
        self.threads = 0
        self.notice = ""
        self.error = ""
        self.details = ""
        self.exit_code = 0
        self.train_size = 0
        self.dataset = ""
        self.observed: events.RunState | None = None
        self.owner = ""
        self.expected = ""
        self._phase_before_crash = ""
        self._begin()

    def _begin(self) -> None:
        self.run = ""
        self.folder = ""
        self.parameters = 0
        self.hyperparameters: Hyperparameters | None = None
        self.samples_per_epoch = 0
        self.step = self.epoch = self.samples = 0
        self.epochs_finished = 0
        self.train_seconds = 0.0
        self.test_accuracy: float | None = None
        self.tested_step = 0
        self._tests: list[events.Evaluated] = []
        self.test_loss: float | None = None
        self.best_test_accuracy: float | None = None
        self.learning_rate: float | None = None
        self.gradient_norm: float | None = None
        self.ailments: dict[str, str] = {}
        self.stops_after: int | None = None
        self.continued_after = 0
        self.branch = 0
        self.checkpoints: dict[str, str] = {}
        self.seconds = 0.0
        self._evaluation_seconds: dict[str, float] = {}
        self.unsaved = ""
        self._steady = SlidingRate(RATE_WINDOW_SECONDS)
        self._warm = False
        self._first = SlidingRate(RATE_WINDOW_SECONDS)

    @property
    def active(self) -> bool:
        """Whether a run is under way, paused included."""
        return self.phase in {"training", "paused", "evaluating", "finding rate"}

    @property
    def over(self) -> bool:
        """Whether a run has ended, however."""
        return self.phase in {"done", "stopped", "failed", "crashed"}

    def apply(self, event: events.Event) -> None:
        """Take one event in."""
        match event:
            case events.DownloadProgressed():
                self.phase = "downloading"
                share = f" {event.done / event.total:.0%}" if event.total else ""
                self.notice = f"downloading {event.file}{share}"
            case events.DataLoaded():
                self.phase = "loading torch"
                self.dataset = event.source.name
                self.notice = event.source.notice
            case events.EngineLoaded():
                self.phase = "ready"
                self.device, self.device_name, self.threads = event.device, event.device_name, event.threads
                self.train_size = event.train_size
                self.notice = event.notice or self.notice
            case events.RunStarted():
                self._begin()
                self.phase, self.run, self.folder = "training", event.run, event.folder
                self.error = self.details = ""
                self.exit_code = 0
                self.hyperparameters = event.hyperparameters
                self.samples_per_epoch, self.parameters = event.samples_per_epoch, event.parameters
                self.epoch = 1
            case events.RunContinued():
                self._continue(event)
            case events.Observed():
                self._observe(event)
            case events.BatchesTrained():
                self._train(event)
            case events.HyperparametersApplied():
                self.hyperparameters = event.new
            case events.Rewound():
                self._rewind(event)
            case events.HealthWarned():
                self.ailments[event.ailment] = event.message
            case events.HealthRecovered():
                self.ailments.pop(event.ailment, None)
            case events.StopScheduled():
                self.stops_after = event.epoch
            case events.RatesTried():
                self.phase = "finding rate"
            case events.RateFound() if self.phase == "finding rate":
                self.phase = "training"
            case events.Paused():
                self.phase = "paused"
            case events.Resumed():
                self.phase = "training"
            case events.EpochFinished():
                self.epochs_finished = event.epoch
            case events.EvaluationBegan():
                self.phase = "evaluating"
            case events.Evaluated():
                self._evaluate(event)
            case events.CheckpointSaved():
                self.checkpoints[event.kind] = event.path
                if event.kind == "last":
                    self.unsaved = ""
            case events.SaveFailed():
                self.notice = self.unsaved = event.message
            case events.RunFinished():
                self.phase, self.seconds = event.status, event.seconds
            case events.RunFailed() if self.phase in {"done", "stopped"} and self.observed is None:
                self.notice = event.message  # the next run could not begin: the one that is shown is as it was
            case events.RunFailed():
                self.phase, self.error, self.details = "failed", event.message, event.details
                self.exit_code = event.exit_code

    def _observe(self, event: events.Observed) -> None:
        self.observed, self.owner = event.state, event.owner
        if self.phase == "crashed" and event.state in {"live", "stalled"}:  # a file system told of it too late
            self.phase = self._phase_before_crash
        elif self.active and event.state not in {"live", "stalled"}:  # its last event is lost
            self._phase_before_crash = self.phase
            self.phase = "done" if event.state == "finished" else event.state

    def _continue(self, event: events.RunContinued) -> None:
        self.phase, self.run, self.folder = "training", event.run, event.folder
        self.error = self.details = self.unsaved = ""
        self.exit_code = 0
        self.hyperparameters = event.hyperparameters
        self.samples_per_epoch, self.parameters = event.samples_per_epoch, event.parameters
        self.epoch = max(self.epoch, 1)
        self.continued_after, self.seconds = event.step, 0.0
        self.stops_after = None
        self.notice = event.notice or self.notice
        self._steady.clear()
        self._warm = False

    def _train(self, event: events.BatchesTrained) -> None:
        self.phase = "training"
        self.step, self.epoch, self.samples = event.last_step, event.epoch, event.samples
        self.train_seconds += event.seconds
        self.learning_rate = event.learning_rate or self.learning_rate
        self.gradient_norm = event.gradient_norm or self.gradient_norm
        if not self._warm:  # the first batches also choose kernels and fill caches: no rate to promise
            self._warm = True
            self._first.clear()
            self._first.add(event.batch_size * len(event.losses), event.seconds)
            return
        self._steady.add(event.batch_size * len(event.losses), event.seconds)

    def _rewind(self, event: events.Rewound) -> None:
        self.hyperparameters = event.hyperparameters
        self.step, self.epoch, self.samples = event.to_step, event.epoch, event.samples
        self.epochs_finished, self.train_seconds = event.epochs_finished, event.seconds
        self.continued_after = min(self.continued_after, event.to_step)
        self.branch = event.branch
        self.learning_rate = self.gradient_norm = None
        self._tests = [test for test in self._tests if test.step <= event.to_step]
        self._show_test()

    def _evaluate(self, event: events.Evaluated) -> None:
        if self.phase == "evaluating":
            self.phase = "training"
        self._evaluation_seconds[event.split] = event.seconds
        if event.split != "test":
            return
        self._tests.append(attrs.evolve(event, logits=b""))
        self._show_test()
        self.best_test_accuracy = max(self.best_test_accuracy or 0.0, event.accuracy)

    def _show_test(self) -> None:
        newest = self._tests[-1] if self._tests else None
        self.test_accuracy = newest.accuracy if newest else None
        self.test_loss = newest.loss if newest else None
        self.tested_step = newest.step if newest else 0

    @property
    def images_per_second(self) -> float | None:
        """Training images a second over the last ten seconds of training; None before the first batch."""
        return self._steady.per_second or self._first.per_second

    @property
    def planned_steps(self) -> int | None:
        """Batches the whole run will have had, by the batch size in force; None before a run."""
        if self.hyperparameters is None or not self.samples_per_epoch:
            return None
        batch = self.hyperparameters.batch_size
        left_in_epoch = max(0, self.samples_per_epoch * max(self.epoch, 1) - self.samples)
        epochs_after = max(0, self.hyperparameters.epochs - max(self.epoch, 1))
        return self.step + math.ceil(left_in_epoch / batch) + epochs_after * math.ceil(self.samples_per_epoch / batch)

    @property
    def seconds_left(self) -> float | None:
        """Training and evaluations still to come, in seconds; None while the rate is unknown.

        Before the first evaluation its cost is taken as the forward third of training as many images, for the usual
        test set of a sixth of the training set.
        """
        rate = self.images_per_second
        if rate is None or self.hyperparameters is None:
            return None
        epochs = max(self.hyperparameters.epochs, self.epoch)  # an epoch under way is finished
        images = max(0, self.samples_per_epoch * epochs - self.samples)
        evaluation = sum(self._evaluation_seconds.values()) or self.samples_per_epoch / 18 / rate
        return images / rate + evaluation * max(0, epochs - self.epochs_finished)

    def farewell(self, command: str = "mnist-tui") -> list[str]:
        """What stays on the normal screen after a run: where it got to, and with which `command` it goes on."""
        first = f"{self.run}: {self.phase} after {self.step} step{'s' if self.step != 1 else ''}"
        if self.test_accuracy is not None:
            when = "" if self.tested_step == self.step else f" at step {self.tested_step}"
            first += f", test accuracy {self.test_accuracy:.2%}{when}"
            if self.best_test_accuracy is not None and self.best_test_accuracy > self.test_accuracy:
                first += f" (best {self.best_test_accuracy:.2%})"
        if self.unsaved:
            return [first, f"NOT saved: {self.unsaved}"]
        if self.observed in {"live", "stalled"}:
            return [first]
        if "last" not in self.checkpoints:
            begin = f"nothing of it was saved yet; begin it again with: {command} --resume {self.resumable}"
            return [first, begin] if self.phase == "failed" else [first]
        if self.phase == "done":
            # A run's name stands for its best checkpoint, which is not the newest where training went on after it.
            newest = self.resumable if self.tested_step == self.step else self.checkpoints["last"]
            return [first, f"saved in {self.folder}; evaluate it with: mnist-tui evaluate {newest}"]
        return [first, f"saved in {self.folder}; go on with: {command} --resume {self.resumable}"]

    @property
    def name(self) -> str:
        """The run's name; empty before the first, unless one is to be continued."""
        run = self.run or self.expected
        return printable(name_of(Path(run))) if run else ""

    @property
    def resumable(self) -> str:
        """What `--resume` calls the run: its name, or its folder where that is not where runs are looked for."""
        return resumable(Path(self.folder))
