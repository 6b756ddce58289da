"""Runners on small real data, and an ear for what they say."""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator

import attrs

from mnist_tui.core.events import Event, RunFailed, RunFinished
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import RunSettings
from mnist_tui.runner import Order
from mnist_tui.runner.local import LocalRunner

SMALL = Hyperparameters(width=2, hidden_units=8, batch_size=32, epochs=2)
ENDLESS = attrs.evolve(SMALL, epochs=10_000)
PATIENCE = 20.0  # how long a broken test hangs; no test that passes waits for it


class HeardRunner(LocalRunner):
    """A runner with an ear: events that came together are told one by one."""

    def __init__(self, settings: RunSettings, *, attended: bool = True, behind_screen: bool = False) -> None:
        super().__init__(settings, attended=attended, behind_screen=behind_screen)
        self._heard: deque[Event] = deque()

    def until(self, found: Callable[[Event], bool]) -> list[Event]:
        """The events up to and including the first that is `found`."""
        seen: list[Event] = []
        deadline = time.monotonic() + 3 * PATIENCE
        while not (seen and found(seen[-1])):
            assert time.monotonic() < deadline, f"not among {Counter(type(event).__name__ for event in seen)}"
            if not self._heard:
                self._heard.extend(self.wait(PATIENCE))
            assert self._heard, f"nothing more after {[type(event).__name__ for event in seen]}"
            seen.append(self._heard.popleft())
        return seen

    def rest(self) -> list[Event]:
        """Everything not yet told."""
        return [*self._heard, *self.drain()]


@contextlib.contextmanager
def running(settings: RunSettings) -> Iterator[HeardRunner]:
    runner = HeardRunner(settings)
    try:
        yield runner
    finally:
        assert runner.close(PATIENCE)


def is_over(event: Event) -> bool:
    return isinstance(event, (RunFinished, RunFailed))


def is_a(*kinds: type) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kinds)


def whole_run(settings: RunSettings, hyperparameters: Hyperparameters = SMALL) -> list[Event]:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=hyperparameters))
        return runner.until(is_over)
