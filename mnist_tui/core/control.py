"""The mailbox into the engine: what somebody wants, read by the trainer between two batches.

Edits and what takes them back keep their order, other wishes are collected, and nobody ever waits for the training
thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from mnist_tui.core.events import Event
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.knob import Value

Command: TypeAlias = dict[str, Value] | Literal["undo", "recover"]
"""Other values for some hyperparameters; or the last edit taken back; or the last good state at half the rate."""


@attrs.frozen(kw_only=True)
class Wishes:
    """Everything that was asked since the mailbox was last emptied.

    Attributes:
        heard: what is to be told before anything that is done: which commands of other processes were taken.
        commands: edits and undos in the order they were asked for.
        paused: whether training shall wait.
        single_steps: batches to train although paused.
        evaluate: evaluate the test set now.
        save: write a checkpoint now.
        find_rate: the number of a request for the learning-rate finder, or 0.
        preview: show what these hyperparameters would feed the network.
        timing: tell where the time of the next batch goes.
        stop_after_epoch: whether the run shall end with the epoch under way.
        stop: save and end the run.
    """

    heard: tuple[Event, ...] = ()
    commands: tuple[Command, ...] = ()
    paused: bool = False
    single_steps: int = 0
    evaluate: bool = False
    save: bool = False
    find_rate: int = 0
    preview: Hyperparameters | None = None
    timing: bool = False
    stop_after_epoch: bool = False
    stop: bool = False


class Control:
    """Thread-safe wishes to one run.

    `pending` is a plain attribute, so the trainer's look between two batches costs nothing when nobody wants anything.
    `reason` says why the run shall end, or nothing.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heard: list[Event] = []
        self._broken: Exception | None = None
        self._commands: list[Command] = []
        self._paused = False
        self._single_steps = 0
        self._evaluate = False
        self._save = False
        self._find_rate = 0
        self._rate_requests = 0
        self._preview: Hyperparameters | None = None
        self._timing = False
        self._stop_after_epoch = False
        self._stop = False
        self.reason = ""
        self._news = False
        self.pending = False

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop

    @property
    def paused(self) -> bool:
        """Whether the run was asked to wait."""
        return self._paused

    def wants_rate(self, request: int) -> bool:
        """Whether the learning-rate finder shall go on with that request."""
        return request == self._rate_requests and not self._stop

    def acknowledge(self, event: Event) -> None:
        """Have `event` told among those of the run, before what is asked for from now on."""
        with self._posting():
            self._heard.append(event)

    def break_off(self, error: Exception) -> None:
        """End the run without another word in its files: `take` raises `error` from now on."""
        with self._posting():
            self._broken = error

    def edit(self, changes: Mapping[str, Value]) -> None:
        """Put other values in force at the next batch; of changes of the same fields in a row, the latest alone."""
        with self._posting():
            last = self._commands[-1] if self._commands else None
            if isinstance(last, dict) and last.keys() == changes.keys():
                self._commands.pop()
            self._commands.append(dict(changes))

    def undo(self) -> None:
        """Take the last edit back after the batch under way."""
        with self._posting():
            self._commands.append("undo")

    def recover(self) -> None:
        """Go back to the last good state and train on at half the rate."""
        with self._posting():
            if "recover" not in self._commands:
                self._commands.append("recover")

    def pause(self) -> None:
        """Wait after the batch under way."""
        with self._posting():
            self._paused = True
            self._single_steps = 0

    def resume(self) -> None:
        """Train on."""
        with self._posting():
            self._paused = False
            self._single_steps = 0

    def step_once(self) -> None:
        """Train one batch, then wait."""
        with self._posting():
            self._paused = True
            self._single_steps += 1

    def request_evaluation(self) -> None:
        """Evaluate the test set after the batch under way."""
        with self._posting():
            self._evaluate = True

    def request_save(self) -> None:
        """Write a checkpoint after the batch under way."""
        with self._posting():
            self._save = True

    def request_rate(self) -> None:
        """Run the learning-rate finder after the batch under way."""
        with self._posting():
            self._rate_requests += 1
            self._find_rate = self._rate_requests

    def cancel_rate(self) -> None:
        """End the learning-rate finder."""
        with self._posting():
            self._rate_requests += 1
            self._find_rate = 0

    def request_preview(self, hyperparameters: Hyperparameters) -> None:
        """Show what `hyperparameters` would feed the network."""
        with self._posting():
            self._preview = hyperparameters

    def request_timing(self) -> None:
        """Tell where the time of the next batch goes."""
        with self._posting():
            self._timing = True

    def stop_after_epoch(self, wanted: bool) -> None:
        """End the run with the epoch under way, or do not."""
        with self._posting():
            self._stop_after_epoch = wanted

    def stop(self, reason: str = "") -> None:
        """Save after the batch under way and end the run; the first reason that is given stays."""
        with self._posting():
            self._stop = True
            self.reason = self.reason or reason

    def take(self) -> Wishes:
        """Empty the mailbox; pausing and stopping stay as they are.

        Raises:
            Exception: the one that `break_off` was given.
        """
        with self._changed:
            if self._broken is not None:
                raise self._broken
            wishes = Wishes(
                heard=tuple(self._heard),
                commands=tuple(self._commands),
                paused=self._paused,
                single_steps=self._single_steps,
                evaluate=self._evaluate,
                save=self._save,
                find_rate=self._find_rate,
                preview=self._preview,
                timing=self._timing,
                stop_after_epoch=self._stop_after_epoch,
                stop=self._stop,
            )
            self._heard.clear()
            self._commands.clear()
            self._single_steps = 0
            self._evaluate = self._save = self._timing = self._news = False
            self._find_rate = 0
            self._preview = None
            self.pending = self._paused or self._stop
            return wishes

    def wait(self, timeout: float | None = None) -> None:
        """Block until something new is wanted, or for `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._news, timeout)

    @contextlib.contextmanager
    def _posting(self) -> Iterator[None]:
        with self._changed:
            yield
            self._news = self.pending = True
            self._changed.notify_all()
