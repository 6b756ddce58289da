"""The runner that trains in a thread of this process.

torch is imported inside that thread, so whoever holds a runner can draw long before.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from mnist_tui.core import events
from mnist_tui.core.dataset import dataset_info
from mnist_tui.core.errors import DatasetError, UsageError, UserError, is_out_of_memory
from mnist_tui.core.hyperparameters import Hyperparameters, live_part, with_changes
from mnist_tui.core.knob import Value
from mnist_tui.core.runs import check_writable, choose_name, create_folder, read_run
from mnist_tui.core.settings import RunSettings
from mnist_tui.runner import Order

if TYPE_CHECKING:
    from mnist_tui.core.control import Control
    from mnist_tui.core.launch import Launch
    from mnist_tui.core.recorder import Recorder
    from mnist_tui.core.resuming import Resumption
    from mnist_tui.engine.trainer import Trainer
    from mnist_tui.loading import Bench
    from mnist_tui.runner.post import Post

JOIN_SECONDS = 10.0


_CARRIED = ("run", "dataset", "data_dir", "preset", "device", "threads", "precision", "versions")
"""Facts of the run that each of its checkpoints carries."""


class LocalRunner:
    """Trains in a thread of this process and owns the run folder.

    Args:
        settings: device, data, folders.
        attended: somebody watches, and decides what to do about a loss that is not finite.
        launch: our place among several processes that train together, which this one leads.
        behind_screen: a screen is drawn in this process, and comes before the training where the two want a core.

    Raises:
        UsageError: the run's name is taken or none, or there is no such data set.
    """

    watching = False

    def __init__(
        self,
        settings: RunSettings,
        *,
        attended: bool = True,
        launch: Launch | None = None,
        behind_screen: bool = False,
    ) -> None:
        check_writable(settings.runs_dir)
        choose_name(settings.runs_dir, settings.name, settings.preset)
        dataset_info(settings.dataset)
        self.settings = settings
        self._attended = attended
        self._launch = launch
        self._behind_screen = behind_screen
        self._inbox: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[Order | Hyperparameters | None] = queue.SimpleQueue()
        self._control: Control | None = None
        self._ordered: Hyperparameters | None = None
        self._edits: dict[str, Value] = {}  # since the newest order
        self._waiting = 0  # orders that no run was begun for yet
        self._editing = threading.Lock()
        self._name: str | None = settings.name
        self._goes_on: Path | None = None
        self._idle = threading.Event()
        self._idle.set()
        self._stop_requested = threading.Event()
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._importing = False

    @property
    def world_size(self) -> int:
        """How many processes train together."""
        return self._launch.world_size if self._launch else 1

    def load(self) -> None:
        """Begin to load data and engine in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name="trainer", daemon=True)
            self._thread.start()

    def start(self, order: Order) -> None:
        """Begin a run as soon as the engine is loaded; one after the other, should there be several.

        Raises:
            UsageError: it wants another data set than the one `--data-dir` names.
        """
        other = order.resumption is None and order.dataset != self.settings.dataset
        if other and self.settings.data_dir is not None:
            raise UsageError(
                f"--data-dir holds {self.settings.dataset}: leave, and start again with --dataset {order.dataset}"
            )
        with self._editing:
            self._edits = {}
            self._ordered = order.hyperparameters
            self._waiting += 1
        if self._thread is None and order.resumption is not None and self._behind_screen:
            self._goes_on = order.resumption.folder
        self.load()
        self._orders.put(order)

    def restart(self, order: Order) -> None:
        """Begin a run in place of the one under way, which is saved and ended.

        Raises:
            UsageError: as for `start`; the run under way then goes on.
        """
        under_way = self._control  # not the one that the new run will have
        self.start(order)
        if under_way is not None:
            under_way.stop()

    def drain(self) -> list[events.Event]:
        """Everything that happened since the last call, in order."""
        found: list[events.Event] = []
        while True:
            try:
                found.append(self._inbox.get_nowait())
            except queue.Empty:
                return found

    def wait(self, timeout: float) -> list[events.Event]:
        """As `drain`, but wait up to `timeout` seconds for the first event; for a front end without a screen."""
        try:
            first = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return []
        return [first, *self.drain()]

    def edit(self, changes: Mapping[str, Value]) -> None:
        """Put the live part of `changes` in force at the next batch; in a run that is ordered, all of it."""
        with self._editing:
            if not self._idle.is_set() and self._control is not None and not self._waiting:
                self._control.edit(changes)
            elif self._ordered is not None:
                with_changes(self._ordered, changes)
                self._edits.update(changes)

    def undo(self) -> None:
        """Take the last edit back, with all that was learnt since."""
        if self._control:
            self._control.undo()

    def recover(self) -> None:
        """Go back to the last good state and train on at half the rate."""
        if self._control:
            self._control.recover()

    def pause(self) -> None:
        """Wait after the batch under way."""
        if self._control:
            self._control.pause()

    def resume(self) -> None:
        """Train on."""
        if self._control:
            self._control.resume()

    def step_once(self) -> None:
        """Train one batch, then wait."""
        if self._control:
            self._control.step_once()

    def request_evaluation(self) -> None:
        """Evaluate the test set now."""
        if self._control:
            self._control.request_evaluation()

    def request_save(self) -> None:
        """Write a checkpoint now."""
        if self._control:
            self._control.request_save()

    def request_rate(self) -> None:
        """Run the learning-rate finder now."""
        if self._control:
            self._control.request_rate()

    def cancel_rate(self) -> None:
        """End the learning-rate finder."""
        if self._control:
            self._control.cancel_rate()

    def request_preview(self, hyperparameters: Hyperparameters) -> None:
        """Show what `hyperparameters` would feed the network; between runs, what an epoch begins with."""
        if self._control is not None and not self._idle.is_set():
            self._control.request_preview(hyperparameters)
        elif self._thread is not None:
            self._orders.put(hyperparameters)

    def request_timing(self) -> None:
        """Tell where the time of the next batch goes."""
        if self._control:
            self._control.request_timing()

    def stop_after_epoch(self, wanted: bool) -> None:
        """End the run with the epoch under way, or do not."""
        if self._control:
            self._control.stop_after_epoch(wanted)

    def stop(self, reason: str = "") -> None:
        """Save and end the run; the runner stays usable."""
        if self._control:
            self._control.stop(reason)

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until no run is under way; false where one still is after `timeout` seconds."""
        return self._idle.wait(timeout)

    def close(self, timeout: float = JOIN_SECONDS) -> bool:
        """Stop, save and end the thread.

        Returns false where it has not ended after `timeout` seconds, or is inside the import of torch, which nothing
        can interrupt and where there is nothing to save: the caller then leaves by `os._exit`, since an abandoned
        torch thread aborts the interpreter.
        """
        self._stop_requested.set()
        self._cancelled.set()
        self.stop()
        self._orders.put(None)
        if self._thread is None:
            return True
        if self._importing:
            return False
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # --- the training thread

    def _main(self) -> None:
        if self._behind_screen:
            from mnist_tui.core.priority import let_others_first

            let_others_first()
        try:
            bench = self._load(self.settings)
            while (order := self._orders.get()) is not None and not self._stop_requested.is_set():
                if isinstance(order, Hyperparameters):
                    self._preview(order, bench)
                else:
                    bench = self._begin(order, bench)
        except UserError as error:
            self._inbox.put(events.RunFailed(str(error), exit_code=error.exit_code))
        except BaseException as error:  # nothing may vanish in a thread: the front end shows it
            self._inbox.put(_failure(error))

    def _load(self, settings: RunSettings, *, in_place_of_other: bool = False) -> Bench:
        """Data and engine; the digits are told at once, but not before all is there where a failure leaves others."""
        from mnist_tui.loading import load_data, load_engine

        source, test = load_data(settings, self._inbox.put, self._cancelled.is_set)
        digits = events.DataLoaded(source, test)
        if not in_place_of_other:
            self._inbox.put(digits)
            if self._goes_on is not None:
                from mnist_tui.runner.continuing import recorded

                self._inbox.put(events.Recalled(recorded(self._goes_on), ahead=True))
        bench, loaded = load_engine(settings, source, test, self._tell_importing, self._launch)
        if in_place_of_other:
            self._inbox.put(digits)
        self._inbox.put(loaded)
        return bench

    def _tell_importing(self, importing: bool) -> None:
        self._importing = importing

    def _preview(self, hyperparameters: Hyperparameters, bench: Bench) -> None:
        from mnist_tui.engine.preview import preview

        try:
            self._inbox.put(preview(bench.splits.train, hyperparameters))
        except (RuntimeError, DatasetError) as error:  # a full memory, a disk's fault: no reason to train no more
            self._inbox.put(events.Answered(0, f"there is no preview: {error}"))

    def _begin(self, order: Order, bench: Bench) -> Bench:
        """Train as ordered, on another data set if it wants one; a failure ends the run, not the runner."""
        from mnist_tui.core.control import Control
        from mnist_tui.loading import for_settings

        with self._editing:  # edits made since the newest order count for the run that it begins
            self._waiting -= 1
            edits: dict[str, Value] = {}
            if not self._waiting:
                edits, self._edits = self._edits, edits
            self._control = Control()
            changes = {**order.resumption.changes, **live_part(edits)} if order.resumption is not None else {}
            if changes:
                self._control.edit(changes)
            self._idle.clear()
        if order.paused:
            self._control.pause()
        if order.find_rate:
            self._control.request_rate()
        if self._stop_requested.is_set():
            self._control.stop()
        try:
            settings = attrs.evolve(self.settings, dataset=order.dataset)
            if order.resumption is not None:
                settings = order.resumption.settings(settings)
            if not _same_data(settings, bench.settings):
                bench = self._load(settings, in_place_of_other=True)
            bench = for_settings(bench, settings)
            if order.resumption is not None:
                self._continue(order.resumption, bench, self._control)
            else:
                self._train(with_changes(order.hyperparameters, edits), bench, self._control)
        except UserError as error:
            self._inbox.put(events.RunFailed(str(error), exit_code=error.exit_code))
        except BaseException as error:  # as above
            self._inbox.put(_failure(error))
        finally:
            self._idle.set()
        return bench

    def _train(self, hyperparameters: Hyperparameters, bench: Bench, control: Control) -> None:
        """A new run, from its folder to its last event."""
        from mnist_tui.core.recorder import Recorder  # these are 4 ms that the first frame does without
        from mnist_tui.loading import run_facts
        from mnist_tui.runner.post import Post

        settings = self.settings
        folder = create_folder(settings.runs_dir, self._name, settings.name or settings.preset)
        self._name = None  # a later run of this runner gets the next free number
        with Post(folder, control) as post:
            facts = run_facts(settings, folder, hyperparameters, bench)

            def course() -> Iterator[events.Event]:
                trainer = self._make_trainer(post, hyperparameters, folder, facts, bench)
                size, parameters = len(bench.splits.train), trainer.model.parameter_count
                yield events.RunStarted(folder.name, str(folder), hyperparameters, bench.device.label, size, parameters)
                yield from trainer.run(control)

            self._carry_out(post.events(course()), Recorder(folder, facts))

    def _continue(self, resumption: Resumption, bench: Bench, control: Control) -> None:
        """A run that was begun before, from where its newest checkpoint was written."""
        from mnist_tui.core.recorder import Recorder
        from mnist_tui.runner.continuing import take_up
        from mnist_tui.runner.post import Post

        with Post(resumption.folder, control) as post:
            now = attrs.evolve(resumption, facts=read_run(resumption.folder))  # it may have been under way until now
            taken = take_up(now, bench, partial(self._make_trainer, post))
            self._inbox.put(events.Recalled(taken.past))
            if taken.save:
                control.request_save()
            recorder = Recorder(resumption.folder, taken.facts, taken.changes)
            self._carry_out(post.events(chain(taken.news, taken.trainer.run(control))), recorder)

    def _make_trainer(
        self, post: Post, hyperparameters: Hyperparameters, folder: Path, facts: Mapping[str, Any], bench: Bench
    ) -> Trainer:
        from mnist_tui.engine.keeper import Destination
        from mnist_tui.engine.trainer import Trainer

        carried = {key: facts[key] for key in _CARRIED}
        destination = Destination(folder, self.settings.autosave, carried, post.check)
        return Trainer(
            hyperparameters,
            bench.splits,
            bench.device.torch,
            destination,
            attended=self._attended,
            precision=bench.precision,
            team=bench.leader,
        )

    def _carry_out(self, course: Iterator[events.Event], recorder: Recorder) -> None:
        """Train to the end; whatever happens ends in one last event."""
        from mnist_tui.core.owner import RunOwned

        try:
            for event in course:
                self._tell(recorder, event)
        except RunOwned as error:  # the folder is another's now: not a word into its files
            self._inbox.put(events.RunFailed(str(error), exit_code=error.exit_code))
        except UserError as error:
            self._tell(recorder, events.RunFailed(str(error), exit_code=error.exit_code))
        except BaseException as error:  # nothing may vanish in a thread: the front end shows it
            self._tell(recorder, _failure(error))
        finally:
            recorder.close()

    def _tell(self, recorder: Recorder, event: events.Event) -> None:
        seen_at_once = isinstance(event, (events.HyperparametersApplied, events.Rewound))
        if seen_at_once:  # somebody waits for it; forcing `run.json` to the disk takes up to 0.4 s
            self._inbox.put(event)
        troubled = recorder.trouble
        recorder.record(event)
        if recorder.trouble and recorder.trouble != troubled:
            self._inbox.put(events.SaveFailed(getattr(event, "step", 0), recorder.trouble))
        if not seen_at_once:
            self._inbox.put(event)


def _same_data(a: RunSettings, b: RunSettings) -> bool:
    return (a.dataset, a.data_dir, a.validation) == (b.dataset, b.data_dir, b.validation)


def _failure(error: BaseException) -> events.RunFailed:
    """An unexpected exception as an event: what it was in one line, and where."""
    text = str(error).strip().splitlines()
    message = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    if is_out_of_memory(error):
        message = "the device's memory is full: start again with a smaller batch size or width"
    return events.RunFailed(message, "".join(traceback.format_exception(error)))
