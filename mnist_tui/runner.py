"""The only door between a front end and the engine.

A front end calls methods that return at once and drains plain events; the training thread never calls a front end and
never waits for one. torch is imported inside that thread, so whoever holds a runner can draw long before.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from mnist_tui import __version__
from mnist_tui.core.control import Control
from mnist_tui.core.dataset import Source, Split, dataset_info, default_data_dir, find
from mnist_tui.core.errors import DatasetMissing, UsageError, UserError
from mnist_tui.core.events import (
    DataLoaded,
    DownloadProgressed,
    EngineLoaded,
    Event,
    RunFailed,
    RunStarted,
    SaveFailed,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.runs import Recorder, choose_name, create_folder, name_of
from mnist_tui.core.settings import RunSettings

if TYPE_CHECKING:
    from mnist_tui.engine.device import Device
    from mnist_tui.engine.trainer import Splits

JOIN_SECONDS = 10.0


class Runner(Protocol):
    """What a front end may ask for; every call returns at once."""

    settings: RunSettings

    def load(self) -> None:
        """Begin to load data and engine in the background."""

    def start(self, hyperparameters: Hyperparameters) -> None:
        """Begin a run as soon as the engine is loaded."""

    def drain(self) -> list[Event]:
        """Everything that happened since the last call, in order."""

    def update(self, hyperparameters: Hyperparameters) -> None:
        """Put the live part of an edit in force at the next batch."""

    def pause(self) -> None:
        """Wait after the batch under way."""

    def resume(self) -> None:
        """Train on."""

    def step_once(self) -> None:
        """Train one batch, then wait."""

    def request_evaluation(self) -> None:
        """Evaluate the test set now."""

    def request_save(self) -> None:
        """Write a checkpoint now."""

    def stop(self) -> None:
        """Save and end the run."""

    def close(self) -> bool:
        """Stop, save and end the thread; false where it did not end in time."""


class LocalRunner:
    """Trains in a thread of this process and owns the run folder.

    Args:
        settings: device, data, folders.

    Raises:
        UsageError: the run's name is taken or none, or there is no such data set.
    """

    def __init__(self, settings: RunSettings) -> None:
        choose_name(settings.runs_dir, settings.name, settings.preset)
        dataset_info(settings.dataset)
        self.settings = settings
        self._inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[Hyperparameters | None] = queue.SimpleQueue()
        self._control: Control | None = None
        self._edit: Hyperparameters | None = None
        self._editing = threading.Lock()
        self._name: str | None = settings.name
        self._idle = threading.Event()
        self._idle.set()
        self._stop_requested = threading.Event()
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._importing = False

    def load(self) -> None:
        """Begin to load data and engine in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name="trainer", daemon=True)
            self._thread.start()

    def start(self, hyperparameters: Hyperparameters) -> None:
        """Begin a run as soon as the engine is loaded; one after the other, should there be several."""
        with self._editing:
            self._edit = None
        self.load()
        self._orders.put(hyperparameters)

    def drain(self) -> list[Event]:
        """Everything that happened since the last call, in order."""
        events: list[Event] = []
        while True:
            try:
                events.append(self._inbox.get_nowait())
            except queue.Empty:
                return events

    def wait(self, timeout: float) -> list[Event]:
        """As `drain`, but wait up to `timeout` seconds for the first event; for a front end without a screen."""
        try:
            first = self._inbox.get(timeout=timeout)
        except queue.Empty:
            return []
        return [first, *self.drain()]

    def update(self, hyperparameters: Hyperparameters) -> None:
        """Put the live part of an edit in force at the next batch; before the run has begun, all of it."""
        with self._editing:
            if self._idle.is_set() or self._control is None:
                self._edit = hyperparameters
            else:
                self._control.update(hyperparameters)

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

    def stop(self) -> None:
        """Save and end the run; the runner stays usable."""
        if self._control:
            self._control.stop()

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
        try:
            source, test = self._load_data()
            self._inbox.put(DataLoaded(source, test))
            device, splits = self._load_engine(source, test)
            while (order := self._orders.get()) is not None and not self._stop_requested.is_set():
                self._train(order, source, device, splits)
        except UserError as error:
            self._inbox.put(RunFailed(str(error), exit_code=error.exit_code))
        except BaseException as error:  # nothing may vanish in a thread: the front end shows it
            self._inbox.put(_failure(error))

    def _load_data(self) -> tuple[Source, Split]:
        settings = self.settings
        try:
            source = find(settings.dataset, settings.data_dir)
        except DatasetMissing:
            from mnist_tui.engine.download import download

            directory = settings.data_dir or default_data_dir()
            download(
                settings.dataset,
                directory,
                lambda file, done, total: self._inbox.put(DownloadProgressed(file, done, total)),
                self._cancelled.is_set,
            )
            source = find(settings.dataset, directory)
        return source, source.load_test()

    def _load_engine(self, source: Source, test: Split) -> tuple[Device, Splits]:
        train = source.load_train()
        held_out = self.settings.validation
        if held_out >= len(train):
            raise UsageError(f"--validation {held_out} leaves nothing to train on: there are {len(train)} images")
        self._importing = True
        try:
            import torch

            from mnist_tui.engine import device as devices
            from mnist_tui.engine.batches import Batches
            from mnist_tui.engine.trainer import Splits
        finally:
            self._importing = False
        device = devices.choose(self.settings.device)
        threads = self.settings.threads or devices.default_threads()
        devices.prepare(threads)
        kept = len(train) - held_out
        splits = Splits(
            train=Batches(train, device.torch, 0, kept),
            test=Batches(test, device.torch),
            validation=Batches(train, device.torch, kept) if held_out else None,
        )
        self._inbox.put(EngineLoaded(device.label, device.name, threads, str(torch.__version__), kept, device.notice))
        return device, splits

    def _train(self, order: Hyperparameters, source: Source, device: Device, splits: Splits) -> None:
        """One run, from its folder to its last event; a failure ends the run, not the runner."""
        from mnist_tui.engine.trainer import Destination, Trainer

        settings = self.settings
        recorder: Recorder | None = None
        with self._editing:  # edits made since the order count for the run that begins now
            hyperparameters, self._edit = self._edit or order, None
            self._control = Control(hyperparameters)
            self._idle.clear()
        if self._stop_requested.is_set():
            self._control.stop()
        try:
            folder = create_folder(settings.runs_dir, self._name, settings.name or settings.preset)
            self._name = None  # a later run of this runner gets the next free number
            facts = self._facts(folder, hyperparameters, source, device)
            recorder = Recorder(folder, facts)
            carried = {
                key: facts[key] for key in ("run", "dataset", "data_dir", "preset", "device", "threads", "versions")
            }
            trainer = Trainer(hyperparameters, splits, device.torch, Destination(folder, settings.autosave, carried))
            self._tell(
                recorder,
                RunStarted(
                    folder.name,
                    str(folder),
                    hyperparameters,
                    device.label,
                    len(splits.train),
                    trainer.model.parameter_count,
                ),
            )
            for event in trainer.run(self._control):
                self._tell(recorder, event)
        except UserError as error:
            self._tell(recorder, RunFailed(str(error), exit_code=error.exit_code))
        except BaseException as error:  # nothing may vanish in a thread: the front end shows it
            self._tell(recorder, _failure(error))
        finally:
            if recorder is not None:
                recorder.close()
            self._idle.set()

    def _tell(self, recorder: Recorder | None, event: Event) -> None:
        if recorder is not None:
            troubled = recorder.trouble
            recorder.record(event)
            if recorder.trouble and recorder.trouble != troubled:
                self._inbox.put(SaveFailed(getattr(event, "step", 0), recorder.trouble))
        self._inbox.put(event)

    def _facts(self, folder: Path, hyperparameters: Hyperparameters, source: Source, device: Device) -> dict[str, Any]:
        """What `run.json` says from the beginning."""
        import torch

        return {
            "run": folder.name,
            "name": name_of(folder),
            "preset": self.settings.preset,
            "dataset": source.name,
            "data": source.where,
            "data_dir": str(self.settings.data_dir.absolute()) if self.settings.data_dir else None,
            "validation": self.settings.validation,
            "device": device.label,
            "device_name": device.name,
            "threads": torch.get_num_threads(),
            "precision": "fp32",
            "versions": {
                "mnist_tui": __version__,
                "torch": str(torch.__version__),  # a TorchVersion is no plain value
                "python": ".".join(map(str, sys.version_info[:3])),
            },
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "initial_hyperparameters": attrs.asdict(hyperparameters),
            "hyperparameters": attrs.asdict(hyperparameters),
        }


def _failure(error: BaseException) -> RunFailed:
    """An unexpected exception as an event: what it was in one line, and where."""
    text = str(error).strip().splitlines()
    message = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    if _is_out_of_memory(error):
        message = "the device's memory is full: start again with a smaller batch size or width"
    return RunFailed(message, "".join(traceback.format_exception(error)))


def _is_out_of_memory(error: BaseException) -> bool:
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "DefaultCPUAllocator: can't allocate memory" in str(error)
    )
