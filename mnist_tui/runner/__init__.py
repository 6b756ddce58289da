"""The only door between a front end and the engine.

A front end calls methods that return at once and drains plain events; the training never calls a front end and never
waits for one. `local` trains in a thread of this process, `watched` reads what another process does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import attrs

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.knob import Value
from mnist_tui.core.settings import RunSettings

if TYPE_CHECKING:
    from mnist_tui.core.events import Event
    from mnist_tui.core.resuming import Resumption


@attrs.frozen(kw_only=True)
class Order:
    """A run to be made.

    Attributes:
        hyperparameters: what it starts with.
        dataset: what it is trained on.
        paused: wait before the first batch.
        find_rate: run the learning-rate finder before it.
        resumption: the run to go on with, in place of a new one; it has hyperparameters and a data set of its own, and
            those above are not looked at.
    """

    hyperparameters: Hyperparameters
    dataset: str = "mnist"
    paused: bool = False
    find_rate: bool = False
    resumption: Resumption | None = None


class Runner(Protocol):
    """What a front end may ask for; every call returns at once.

    Attributes:
        settings: device, data, folders.
        watching: another process trains. Its events so far come first, and the first `Observed` ends them; a wish is
            left for that process, or is `Answered` where it cannot be fulfilled.
    """

    settings: RunSettings
    watching: bool

    def load(self) -> None:
        """Begin to load data and engine in the background."""

    def start(self, order: Order) -> None:
        """Begin a run as soon as the engine is loaded."""

    def restart(self, order: Order) -> None:
        """Begin a run in place of the one under way, which is saved and ended."""

    def drain(self) -> list[Event]:
        """Everything that happened since the last call, in order."""

    def edit(self, changes: Mapping[str, Value]) -> None:
        """Put other values in force: the live ones at the next batch."""

    def undo(self) -> None:
        """Take the last edit back, with all that was learnt since."""

    def recover(self) -> None:
        """Go back to the last good state and train on at half the rate."""

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

    def request_rate(self) -> None:
        """Run the learning-rate finder now."""

    def cancel_rate(self) -> None:
        """End the learning-rate finder."""

    def request_preview(self, hyperparameters: Hyperparameters) -> None:
        """Show what `hyperparameters` would feed the network."""

    def request_timing(self) -> None:
        """Tell where the time of the next batch goes; nothing comes of it where another process trains."""

    def stop_after_epoch(self, wanted: bool) -> None:
        """End the run with the epoch under way, or do not."""

    def stop(self, reason: str = "") -> None:
        """Save and end the run; `reason` is recorded."""

    def close(self) -> bool:
        """Stop, save and end the thread; false where it did not end in time."""
