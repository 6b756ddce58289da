"""The learning-rate range test (Smith 2017), on copies: the run it is asked in is not touched, bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from mnist_tui.core.events import RateFound, RatesTried
from mnist_tui.core.history import Ema
from mnist_tui.engine.batches import Batches, permutation
from mnist_tui.engine.checkpoint import random_state, set_random_state
from mnist_tui.engine.learner import Learner

LOWEST, HIGHEST = 1e-7, 10.0
BATCHES = 120
SMOOTHING = 0.9
BLOWN_UP = 3.0  # times the lowest loss so far, and the test is over
SKIPPED = 5  # batches until the smoothed loss means something
LEAST_FALL = 0.1  # share by which the loss must fall for its steepest point to mean something
TELL_SECONDS = 0.15


def find_rate(
    learner: Learner, train: Batches, step: int, batch_size: int, cancelled: Callable[[], bool]
) -> Iterator[RatesTried | RateFound]:
    """Train a copy of `learner` for a few batches while the rate grows from 1e-7 to 10; the last event is `RateFound`.

    The copy has its own weights and optimizer state; the global random state is put back.
    """
    device = train.device
    order = permutation(learner.hyperparameters.seed, -1 - step, len(train), device)
    rates: list[float] = []
    losses: list[float] = []
    average = Ema(SMOOTHING)
    before = random_state(device)
    stopped = False
    try:
        twin = learner.copy()
        twin.model.train()
        told = time.monotonic()
        for number in range(BATCHES):
            if stopped := cancelled():
                break
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / (BATCHES - 1))
            twin.learning_rate = rate
            loss = twin.train_batch(*train.gather(_slice(order, number, batch_size)))[0].item()
            if not math.isfinite(loss):
                break
            rates.append(rate)
            losses.append(average.add(loss))
            if number > SKIPPED and losses[-1] > BLOWN_UP * min(losses):
                break
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                yield RatesTried(step, tuple(rates), tuple(losses))
    finally:
        set_random_state(before)
    if stopped:
        yield RateFound(step, tuple(rates), tuple(losses), None, "cancelled", cancelled=True)
        return
    suggestion, reason = suggest(rates, losses)
    yield RateFound(step, tuple(rates), tuple(losses), suggestion, reason)


def _slice(order: Tensor, number: int, batch_size: int) -> Tensor:
    """The `number`th batch of `order`, which begins anew where it is used up."""
    start = number * batch_size % len(order)
    return order[start : start + batch_size]


def suggest(rates: Sequence[float], losses: Sequence[float]) -> tuple[float | None, str]:
    """A rate to train with, and why.

    Where the loss falls by a tenth, it is the rate at which it falls fastest against the rate's logarithm; where it
    only rises, as for a network that has learnt already, a tenth of the rate at which it has risen by half.
    """
    if len(losses) <= SKIPPED + 2:
        return None, "the loss was not finite from the first batches on"
    lowest = min(range(SKIPPED, len(losses)), key=lambda number: losses[number])
    if losses[lowest] < losses[SKIPPED] * (1 - LEAST_FALL):
        steepest = min(range(SKIPPED, max(lowest, SKIPPED + 1)), key=lambda n: losses[n + 1] - losses[n])
        return rates[steepest], "where the loss falls fastest"
    risen = next((number for number in range(SKIPPED, len(losses)) if losses[number] > 1.5 * losses[SKIPPED]), None)
    if risen is None:
        return None, "the loss hardly moved at any rate"
    return rates[risen] / 10, "a tenth of the rate at which the loss begins to rise"
