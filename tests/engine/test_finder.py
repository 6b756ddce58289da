"""The learning-rate finder tells a rate and touches nothing."""

import math
from collections.abc import Iterator
from itertools import pairwise

import attrs
import pytest
import torch

from mnist_tui.core.control import Control
from mnist_tui.core.events import Event, HyperparametersApplied, Paused, RateFound, RatesTried, Resumed
from mnist_tui.engine import finder as module
from mnist_tui.engine.finder import HIGHEST, LOWEST, find_rate, suggest
from mnist_tui.engine.learner import Learner
from tests.engine.small import CPU, SMALL, splits
from tests.engine.test_editor import assert_same_state, state
from tests.engine.test_trainer import (  # noqa: F401
    SPLITS,
    every_batch_an_event,
    losses,
    make,
    until_step,
    whole_run,
)

START = attrs.evolve(SMALL, dropout=0.3, epochs=3)


def found(events: list[Event]) -> RateFound:
    (finding,) = [event for event in events if isinstance(event, RateFound)]
    return finding


OFTEN = [("adam", True), ("sgd", False)]
SELDOM = [("adam", False), ("sgd", True), ("rmsprop", False), ("rmsprop", True)]


@pytest.mark.parametrize(
    ("optimizer", "paused"), [*OFTEN, *(pytest.param(*case, marks=pytest.mark.long) for case in SELDOM)]
)
def test_a_run_goes_on_as_if_the_finder_had_never_been(optimizer: str, paused: bool) -> None:
    start = attrs.evolve(START, optimizer=optimizer, schedule="one-cycle")
    expected = losses(whole_run(make(start)))
    trainer = make(start)
    control = Control()
    running = trainer.run(control)
    seen: list[Event] = list(until_step(running, 3))
    if paused:
        control.pause()
        assert next(running) == Paused(3)
    before = state(trainer)
    control.request_rate()
    assert found(take_finding(running)).rates
    assert_same_state(state(trainer), before)
    if paused:
        assert next(running) == Paused(3)
        control.resume()
        assert next(running) == Resumed(3)
    assert losses(seen + list(running)) == expected


def take_finding(running: Iterator[Event]) -> list[Event]:
    events: list[Event] = []
    for event in running:
        events.append(event)
        if isinstance(event, RateFound):
            return events
    raise AssertionError("the finder never ended")


def test_a_finder_can_be_cancelled_and_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_SECONDS", 0.0)
    expected = losses(whole_run(make(START)))
    trainer = make(START)
    control = Control()
    running = trainer.run(control)
    seen: list[Event] = list(until_step(running, 3))
    before = state(trainer)
    control.request_rate()
    tried = next(running)
    assert isinstance(tried, RatesTried)
    assert (tried.step, len(tried.rates)) == (3, 1)
    control.cancel_rate()
    finding = next(running)
    assert isinstance(finding, RateFound)
    assert finding.cancelled
    assert_same_state(state(trainer), before)
    assert losses(seen + list(running)) == expected


def test_an_edit_of_the_rate_after_the_finder_is_an_edit_like_any_other() -> None:
    control = Control()
    running = make(START).run(control)
    until_step(running, 3)
    control.request_rate()
    take_finding(running)
    control.edit({"learning_rate": 0.02})
    applied = next(event for event in running if isinstance(event, HyperparametersApplied))
    assert (applied.old.learning_rate, applied.new.learning_rate) == (0.001, 0.02)


def test_the_rates_grow_evenly_from_tiny_to_huge() -> None:
    events = list(find_rate(Learner(SMALL, CPU), SPLITS.train, 0, 32, lambda: False))
    finding = found(list(events))
    assert finding.rates[0] == LOWEST
    assert finding.rates[-1] <= HIGHEST * (1 + 1e-9)
    steps = [math.log(b / a) for a, b in pairwise(finding.rates)]
    assert max(steps) == pytest.approx(min(steps))
    assert all(math.isfinite(loss) for loss in finding.losses)


def test_a_batch_larger_than_the_data_is_no_trouble() -> None:
    assert found(list(find_rate(Learner(SMALL, CPU), SPLITS.train, 0, 16384, lambda: False))).rates


def test_a_network_that_is_broken_gets_no_suggestion() -> None:
    learner = Learner(SMALL, CPU)
    with torch.no_grad():
        learner.model.fc2.bias[0] = torch.nan
    finding = found(list(find_rate(learner, SPLITS.train, 0, 32, lambda: False)))
    assert finding.suggestion is None
    assert finding.reason == "the loss was not finite from the first batch on"


RATES = [10 ** (-7 + 8 * number / 99) for number in range(100)]


def test_the_steepest_fall_is_suggested() -> None:
    curve = [2.3 - 2 / (1 + math.exp(-20 * (math.log10(rate) + 3))) for rate in RATES]
    suggestion, reason = suggest(RATES, curve)
    assert suggestion is not None
    assert suggestion == pytest.approx(1e-3, rel=0.3)
    assert reason == "where the loss falls fastest"


def test_a_network_that_has_learnt_is_kept_well_below_where_the_loss_rises() -> None:
    curve = [0.05 + max(0.0, math.log10(rate) + 2) for rate in RATES]
    suggestion, reason = suggest(RATES, curve)
    assert suggestion is not None
    assert suggestion == pytest.approx(1e-3, rel=0.3)
    assert "rise" in reason


def test_a_loss_that_does_not_move_gets_no_suggestion() -> None:
    assert suggest([*RATES, *RATES[:20]], [2.3] * 120)[0] is None


def test_noise_at_tiny_rates_suggests_nothing() -> None:
    curve = [0.03 + 0.008 * (-1) ** number + max(0.0, math.log10(rate) + 2) for number, rate in enumerate(RATES)]
    suggestion, reason = suggest(RATES, curve)
    assert suggestion == pytest.approx(1e-3, rel=0.3)
    assert "rise" in reason


def test_a_loss_that_ends_at_a_rate_is_kept_well_below_it() -> None:
    suggestion, reason = suggest(RATES[:60], [0.03] * 60)
    assert suggestion == pytest.approx(RATES[59] / 10)
    assert "finite no more" in reason


def test_a_run_that_has_learnt_is_told_a_rate_that_still_learns() -> None:
    learner = Learner(attrs.evolve(SMALL, width=8, hidden_units=32), CPU)
    data = splits(2000).train
    for number in range(400):
        learner.train_batch(*data.slice(number % 50 * 40, number % 50 * 40 + 40))
    finding = found(list(find_rate(learner, data, 400, 64, lambda: False)))
    assert finding.losses[0] < 0.3
    assert finding.suggestion is not None
    assert 1e-5 <= finding.suggestion <= 0.02


def test_the_finder_can_come_before_the_first_batch() -> None:
    control = Control()
    control.pause()
    control.request_rate()
    events = take_until_paused(control)
    assert isinstance(events[-1], Paused)
    assert found(events).step == 0


def take_until_paused(control: Control) -> list[Event]:
    events: list[Event] = []
    for event in make(START).run(control):
        events.append(event)
        if isinstance(event, Paused):
            break
    return events
