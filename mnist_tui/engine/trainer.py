"""The training loop: a generator of events that reads its mailbox between two batches.

It knows no screen, no thread and no folder but the one for checkpoints. A caller that stops iterating stops the
training; a test is `list(islice(trainer.run(control), 20))`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import attrs
import torch

from mnist_tui.core.control import Control, Wishes
from mnist_tui.core.errors import DatasetError, TeamBroken, UserError, is_out_of_memory
from mnist_tui.core.events import (
    Answered,
    CheckpointSaved,
    EpochFinished,
    Event,
    HealthRecovered,
    HealthWarned,
    LayersProbed,
    Paused,
    Resumed,
    RunFinished,
    SaveFailed,
    Status,
    StopScheduled,
)
from mnist_tui.core.health import HealthMonitor, least_loss
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.engine.alone import Alone
from mnist_tui.engine.batches import Batches, Order
from mnist_tui.engine.editor import Editor
from mnist_tui.engine.examiner import Examiner
from mnist_tui.engine.finder import find_rate
from mnist_tui.engine.keeper import Destination, Keeper, Place
from mnist_tui.engine.launching import make_launcher, why_waiting
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.network import Network
from mnist_tui.engine.preview import PREVIEWED, preview
from mnist_tui.engine.probe import probe
from mnist_tui.engine.restoring import SavedState
from mnist_tui.engine.stepper import Stepper


@attrs.frozen
class Splits:
    """What is trained on, tested on, and, where some of it is held out, chosen by."""

    train: Batches
    test: Batches
    validation: Batches | None = None


class Diverged(UserError):
    """The loss is not finite, and nobody is there to decide what now."""


class OutOfMemory(UserError):
    """A batch does not fit, and nobody is there to make it smaller."""


class Trainer:
    """One run of one network.

    Args:
        hyperparameters: what the run starts with.
        splits: resident or streamed data; all for `device`.
        device: where the network lives.
        destination: where checkpoints go; None writes nothing.
        precision: what the network computes in.
        team: those who train their shares of every batch; None: nobody else.
        attended: a loss that is not finite pauses the run; where nobody watches, it ends it with `Diverged`.

    Attributes:
        stepper: what trains its batches.
    """

    def __init__(
        self,
        hyperparameters: Hyperparameters,
        splits: Splits,
        device: torch.device,
        destination: Destination | None = None,
        *,
        attended: bool = True,
        precision: Precision = "fp32",
        team: Alone | None = None,
    ) -> None:
        self.splits = splits
        self.device = device
        self._team = team or Alone()
        self.learner: Learner = self._team.make_learner(hyperparameters, device, precision)
        self.place = Place()
        self._autosave = destination.autosave if destination else float("inf")
        self._keeper = Keeper(destination, self.learner)
        self._editor = Editor(self.learner, self.place, self._keeper)
        self._examiner = Examiner(self.learner, splits.test, splits.validation, self._keeper)
        self._health = HealthMonitor(lambda: least_loss(self.hyperparameters.label_smoothing))
        self._attended = attended
        self._saved = 0.0
        self._paused = False
        self._retell = False  # something came between that hid the pause
        self._allowance = 0
        self._stop_after_epoch = False
        self._starved = False  # paused, since a batch did not fit into the memory
        self._order: tuple[int, Order] | None = None
        launcher = make_launcher(self.learner, splits.train) if team is None else None
        self._notice = why_waiting(splits.train, alone=team is None)
        self.stepper = Stepper(self.learner, splits.train, self._team, self._keeper, self.place, launcher)

    @property
    def model(self) -> Network:
        """The network."""
        return self.learner.model

    @property
    def hyperparameters(self) -> Hyperparameters:
        """What is in force."""
        return self.learner.hyperparameters

    def continue_from(self, saved: SavedState) -> None:
        """Be where a run was when `saved` was written; from there on all is bit for bit as if it had never stopped.

        Args:
            saved: the checkpoint; made by `read_state` for as many training images.
        """
        self.learner.restore(saved.hyperparameters, saved.content)
        self.place.move_to(saved.place)
        self._keeper.standing = saved.standing
        self._keeper.newest = saved.path

    def recall(self, started_with: Hyperparameters, past: Sequence[Event]) -> None:
        """Know what became of the run so far: its edits, and what is wrong with it.

        Args:
            started_with: what the run's first batch was trained with.
            past: everything that was recorded of the run, and a `Rewound` where that goes beyond its checkpoint.
        """
        self._editor.recall(past, started_with)
        for event in past:
            for _ in self._health.heed(event):
                pass  # it was told when it happened

    def run(self, control: Control) -> Iterator[Event]:
        """Train until the last epoch is over or `control` wants to stop; the last event is `RunFinished`.

        Raises:
            Diverged: the loss is not finite and the run is not attended.
            DatasetError: images that are read while they are trained cannot be read any more; the run is saved.
            UserError: another process of the team is gone; the state before the batch it broke is saved.
        """
        try:
            for event in self._saved_in_trouble(control):
                yield event
                for finding in self._health.heed(event):
                    yield finding
                    if isinstance(finding, HealthWarned) and finding.ailment == "not finite":
                        self._stop_diverging(control, finding)
        except TeamBroken as broken:
            self._keeper.save_instead(self._team.rescue(self.place))
            yield from self._save()
            raise UserError(f"{broken} at step {self.place.step}; {self._keeper.way_on}") from broken

    def _stop_diverging(self, control: Control, finding: HealthWarned) -> None:
        if not self._attended:
            rate = self.hyperparameters.learning_rate
            raise Diverged(f"{finding.message}: start again with a lower one, e.g. --learning-rate {rate / 10:g}")
        control.pause()

    def _saved_in_trouble(self, control: Control) -> Iterator[Event]:
        try:
            yield from self._run(control)
        except DatasetError:
            yield from self.stepper.drain(self.hyperparameters.batch_size)
            yield from self._save()
            raise

    def _run(self, control: Control) -> Iterator[Event]:
        began = self._saved = time.monotonic()
        status: Status = "done"
        reason = ""
        self.model.train()
        if self._notice:
            yield Answered(self.place.step, self._notice)
        if control.pending and self._ends():
            yield from self._heed(control)  # a finished run that is continued may be given more epochs
        while self.place.epoch <= self.hyperparameters.epochs:
            if self.place.position == 0 and self._out_of_patience():
                break
            yield from self._train_epoch(control)
            if self.place.position < len(self.splits.train) and not control.stopping:
                continue  # an undo took the epochs back that this one belonged to
            if not control.stopping:
                if self.place.epochs_finished < self.place.epoch:  # a run may have been cut off in its evaluation
                    yield EpochFinished(self.place.epoch, self.place.step, self._keeper.standing.epoch_seconds)
                    self.place.epochs_finished = self.place.epoch
                yield from self._evaluate(control)
            if control.stopping:
                status = "stopped"
                break
            self.place.epoch, self.place.position = self.place.epoch + 1, 0
            self._keeper.standing.epoch_seconds = 0.0
            yield from self._save()
            branch = self.place.branch
            if control.pending:
                yield from self._heed(control)  # epochs may have been added while the last one ran
                if control.stopping:
                    status = "stopped"
                    break
            if self.place.branch != branch:
                continue
            if self._stop_after_epoch:
                status, reason = "stopped", "after the epoch, as asked"
                break
        if not control.stopping and self._out_of_patience() and not reason:
            without = self._examiner.standing.without_better
            reason = f"stopped early: {without} epochs without a better evaluation"
        if control.stopping:
            reason = control.reason
            yield from self._save()
        yield from control.take().heard
        self._team.dismiss()
        yield RunFinished(status, self.place.step, self.place.epochs_finished, time.monotonic() - began, reason)

    def _ends(self) -> bool:
        """Whether the run is over after the epoch that ended."""
        return self.place.epoch > self.hyperparameters.epochs or self._stop_after_epoch or self._out_of_patience()

    def _out_of_patience(self) -> bool:
        return 0 < self.hyperparameters.patience <= self._examiner.standing.without_better

    def _train_epoch(self, control: Control) -> Iterator[Event]:
        train, place = self.splits.train, self.place
        self._team.remember(place)
        self.stepper.restart_clock()
        while place.position < len(train):
            if control.pending and not self.stepper.inspecting and self._team.free:  # an allowed step comes first
                yield from self._heed(control)
                if control.stopping or (place.epoch > self.hyperparameters.epochs and place.position == 0):
                    return
            batch_size = self.hyperparameters.batch_size
            count = min(batch_size, len(train) - place.position)
            inspected, fits = None, True
            try:
                inspected = self.stepper.train(self._epoch_order(), count)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                fits = False
            if not fits:  # only now does the error hold none of the batch's memory any more
                yield from self._give_in(control, count)
                continue
            place.position += count
            place.samples += count
            place.step += 1
            probing = self.stepper.probe_is_due
            ends = place.position >= len(train)
            next_is_shorter = len(train) - place.position < batch_size
            if self._team.free and (ends or probing or inspected or next_is_shorter or self.stepper.is_due):
                yield from self.stepper.drain(count)
                if probing:
                    yield LayersProbed(place.step, probe(self.model, self.stepper.probe_images()))
                if inspected:
                    yield inspected
                if time.monotonic() - self._saved >= self._autosave:
                    yield from self._save()
            elif self.stepper.is_full:
                yield from self.stepper.collect(everything=False)

    def _give_in(self, control: Control, batch_size: int) -> Iterator[Event]:
        """A batch did not fit into the memory: nothing of it counts, and a smaller one may be tried."""
        self.stepper.release()
        yield from self.stepper.drain(batch_size)
        smaller = max(1, batch_size // 2)
        message = f"a batch of {batch_size} does not fit into the memory of {self.device}: try {smaller}"
        if batch_size == 1 or not self._attended:
            yield from self._save()
            raise OutOfMemory(f"{message}, e.g. go on with --resume and --batch-size {smaller}")
        self._starved = True
        control.pause()
        yield HealthWarned(self.place.step, "out of memory", message)

    def _epoch_order(self) -> Order:
        """The order of the epoch under way, drawn once."""
        if self._order is None or self._order[0] != self.place.epoch:
            self._order = (self.place.epoch, self.splits.train.order(self.hyperparameters.seed, self.place.epoch))
        return self._order[1]

    def _heed(self, control: Control) -> Iterator[Event]:
        """Do what the mailbox asks for; while paused, wait here."""
        yield from self.stepper.drain(self.hyperparameters.batch_size)
        while True:
            wishes = control.take()
            yield from wishes.heard
            yield from self._obey(wishes, control)
            yield from self._fulfil(wishes, control)
            if wishes.stop:
                break
            self._allowance += wishes.single_steps
            if not control.paused:
                self._allowance = 0
                if self._paused:
                    self._paused = self._retell = False
                    yield Resumed(self.place.step)
                break
            if self._allowance:
                self._allowance -= 1
                self.stepper.inspecting = self._retell = True
                break
            if not self._paused or self._retell:
                self._paused, self._retell = True, False
                yield Paused(self.place.step)
            control.wait()
        self.stepper.restart_clock()

    def _obey(self, wishes: Wishes, control: Control) -> Iterator[Event]:
        """Edits, and what takes them back, in order."""
        for command in wishes.commands:
            if isinstance(command, dict):
                yield from self._editor.apply(command)
                if self._starved and "batch_size" in command:
                    self._starved = False
                    yield HealthRecovered(self.place.step, "out of memory")
                    control.resume()
                continue
            branch = self.place.branch
            yield from self._editor.undo() if command == "undo" else self._editor.recover()
            if self.place.branch != branch:
                self._examiner.forget_branch()
                self._keeper.standing.epoch_seconds = 0.0
                yield from self._save()  # what a killed process goes on from is on the branch in force
                if command == "recover":
                    control.resume()

    def _fulfil(self, wishes: Wishes, control: Control) -> Iterator[Event]:
        if wishes.stop:
            return
        if wishes.stop_after_epoch != self._stop_after_epoch:
            self._stop_after_epoch = wishes.stop_after_epoch
            yield StopScheduled(self.place.step, self.place.epoch if wishes.stop_after_epoch else None)
        if wishes.preview is not None:
            coming = slice(self.place.position, self.place.position + PREVIEWED)
            yield preview(self.splits.train, wishes.preview, self._epoch_order()[coming])
        if wishes.timing:
            self.stepper.timing = type(self._team) is Alone  # the stages of a shared batch wait for each other
        if not (wishes.evaluate or wishes.save or wishes.find_rate):
            return
        if wishes.evaluate and self._examiner.standing.evaluated_step == self.place.step:
            yield Answered(self.place.step, f"the weights after step {self.place.step} are evaluated already")
        elif wishes.evaluate:
            yield from self._evaluate(control)
        if wishes.save:
            yield from self._save()
        if wishes.find_rate:
            size = self.hyperparameters.batch_size
            request = wishes.find_rate
            yield from find_rate(
                self.learner, self.splits.train, self.place.step, size, lambda: not control.wants_rate(request)
            )
        self._retell = True  # a paused run says so again

    def _evaluate(self, control: Control) -> Iterator[Event]:
        if not self._team.agrees():
            yield Answered(self.place.step, "the weights of the ranks differed: those of rank 0 are taken")
        yield from self._examiner.evaluate(self.place, lambda: control.stopping)
        self.stepper.restart_clock()

    def _save(self) -> Iterator[CheckpointSaved | SaveFailed]:
        self._saved = time.monotonic()
        saved = self._keeper.write("last", self.place)
        if saved is not None:
            yield saved
        self.stepper.restart_clock()
