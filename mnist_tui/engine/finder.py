"""The learning-rate range test (Smith 2017), on copies: the run it is asked in is not touched, bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

from torch import Tensor

from mnist_tui.core.events import RateFound, RatesTried
from mnist_tui.core.history import Ema
from mnist_tui.engine.batches import Batches, Order
from mnist_tui.engine.checkpoint import random_state, set_random_state
from mnist_tui.engine.learner import Learner

LOWEST, HIGHEST = 1e-7, 10.0
BATCHES = 120
PROBED = 256  # images that the loss is measured on, always the same: that of the batches hides what a rate does
SMOOTHING = 0.5
BLOWN_UP = 3.0  # times the lowest loss so far, and half a nat above it, and the test is over
LEAST_FALL = 0.2  # nats by which the loss must fall for its steepest point to mean something
RISEN = 1.5  # times the lowest loss so far, and RISEN_NATS above it
RISEN_NATS = 0.02
AROUND = 3  # rates on either side that a slope is measured over
TELL_SECONDS = 0.15


def find_rate(
    learner: Learner, train: Batches, step: int, batch_size: int, cancelled: Callable[[], bool]
) -> Iterator[RatesTried | RateFound]:
    """Train a copy of `learner` for a few batches while the rate grows from 1e-7 to 10; the last event is `RateFound`.

    The losses are those of the same 256 training images after each step. The copy has its own weights and optimizer
    state; the global random state is put back.
    """
    device = train.device
    order = train.order(learner.hyperparameters.seed, -1 - step)
    rates: list[float] = []
    losses: list[float] = []
    average = Ema(SMOOTHING)
    before = random_state(device)
    stopped = False
    try:
        twin = learner.copy()
        probe = train.gather(order[-PROBED:])
        told = time.monotonic()
        for number in range(BATCHES):
            if stopped := cancelled():
                break
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / (BATCHES - 1))
            twin.learning_rate = rate
            twin.model.train()
            twin.train_batch(*train.gather(_slice(order, number, batch_size)))
            loss = twin.measure(*probe)
            if not math.isfinite(loss):
                break
            rates.append(rate)
            losses.append(average.add(loss))
            if losses[-1] > BLOWN_UP * min(losses) and losses[-1] > min(losses) + 0.5:
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


def _slice(order: Order, number: int, batch_size: int) -> Tensor:
    """The `number`th batch of `order`, which begins anew where it is used up."""
    start = number * batch_size % len(order)
    return order[start : start + batch_size]


def suggest(rates: Sequence[float], losses: Sequence[float]) -> tuple[float | None, str]:
    """A rate to train with, and why.

    Where the loss falls by 0.2 nats, it is the rate at which it falls fastest against the rate's logarithm; where it
    does not, as for a network that has learnt already, a tenth of the rate at which it begins to rise.
    """
    if not losses:
        return None, "the loss was not finite from the first batch on"
    lowest = min(range(len(losses)), key=losses.__getitem__)
    if losses[lowest] < max(losses[: lowest + 1]) - LEAST_FALL:
        return rates[min(range(lowest + 1), key=lambda number: _slope(losses, number))], "where the loss falls fastest"
    least = math.inf
    for rate, loss in zip(rates, losses, strict=True):
        least = min(least, loss)
        if loss > RISEN * least and loss > least + RISEN_NATS:
            return rate / 10, "a tenth of the rate at which the loss begins to rise"
    if len(losses) < BATCHES:
        return rates[-1] / 10, "a tenth of the rate at which the loss was finite no more"
    return None, "the loss hardly moved at any rate"


def _slope(losses: Sequence[float], number: int) -> float:
    """How the loss changes from rate to rate around one of them."""
    first, last = max(0, number - AROUND), min(len(losses) - 1, number + AROUND)
    return (losses[last] - losses[first]) / max(1, last - first)
