"""The mailbox into the engine: what somebody wants, read by the trainer between two batches.

The latest hyperparameters win, wishes are collected, and nobody ever waits for the training thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import attrs

from mnist_tui.core.hyperparameters import Hyperparameters


@attrs.frozen
class Wishes:
    """Everything that was asked since the mailbox was last emptied.

    Attributes:
        hyperparameters: what shall be in force from the next batch on.
        paused: whether training shall wait.
        single_steps: batches to train although paused.
        evaluate: evaluate the test set now.
        save: write a checkpoint now.
        stop: save and end the run.
    """

    hyperparameters: Hyperparameters
    paused: bool
    single_steps: int
    evaluate: bool
    save: bool
    stop: bool


class Control:
    """Thread-safe wishes to one run.

    `pending` is a plain attribute, so the trainer's look between two batches costs nothing when nobody wants anything.
    """

    def __init__(self, hyperparameters: Hyperparameters) -> None:
        self._changed = threading.Condition()
        self._hyperparameters = hyperparameters
        self._paused = False
        self._single_steps = 0
        self._evaluate = False
        self._save = False
        self._stop = False
        self._news = False
        self.pending = False

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The latest snapshot asked for."""
        return self._hyperparameters

    @property
    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self._stop

    @property
    def paused(self) -> bool:
        """Whether the run was asked to wait."""
        return self._paused

    def update(self, hyperparameters: Hyperparameters) -> None:
        """Put `hyperparameters` in force at the next batch, in place of any earlier wish."""
        with self._posting():
            self._hyperparameters = hyperparameters

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

    def stop(self) -> None:
        """Save after the batch under way and end the run."""
        with self._posting():
            self._stop = True

    def take(self) -> Wishes:
        """Empty the mailbox; pausing, the hyperparameters and stopping stay as they are."""
        with self._changed:
            wishes = Wishes(
                hyperparameters=self._hyperparameters,
                paused=self._paused,
                single_steps=self._single_steps,
                evaluate=self._evaluate,
                save=self._save,
                stop=self._stop,
            )
            self._single_steps = 0
            self._evaluate = self._save = self._news = False
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
