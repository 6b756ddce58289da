import math
from collections.abc import Sequence
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.core.events import BatchesTrained, Evaluated, HyperparametersApplied, Paused, RunStarted
from mnist_tui.core.history import CAPACITY, RECENT, Bucket, Ema, History, Series
from mnist_tui.core.hyperparameters import Hyperparameters

START = Hyperparameters()
losses = st.floats(0, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])


def batches(first: int, values: Sequence[float], correct: int = 32) -> BatchesTrained:
    return BatchesTrained(first, 1, 64, tuple(values), (correct,) * len(values), 64 * (first + len(values) - 1), 0.1)


def evaluated(step: int, accuracy: float, split: str = "test") -> Evaluated:
    return Evaluated(step, 1, split, 1 - accuracy, accuracy, b"", 0.1)  # type: ignore[arg-type]


def applied(step: int, old: Hyperparameters, **changes: object) -> HyperparametersApplied:
    return HyperparametersApplied(step, old, attrs.evolve(old, **changes))  # type: ignore[arg-type]


def test_a_long_run_stays_small_and_complete() -> None:
    series = Series()
    for first in range(1, 120_001, 500):
        series.extend(first, [float(step % 997) for step in range(first, first + 500)])
    whole = series.whole()
    assert CAPACITY // 2 <= len(whole) <= CAPACITY
    assert (whole[0].first, whole[-1].last) == (1, 120_000)
    assert all(left.last + 1 == right.first for left, right in pairwise(whole))
    assert len(series.recent()) == RECENT
    assert [bucket.first for bucket in series.recent(3)] == [119_998, 119_999, 120_000]
    assert len(series) == series.last_step == 120_000


def test_one_spike_in_a_hundred_thousand_batches_is_never_lost() -> None:
    series = Series()
    for first in range(1, 100_001, 1000):
        values = [0.5] * 1000
        if first == 33_001:
            values[456], values[789] = 77.0, 0.001
        series.extend(first, values)
    assert max(bucket.high for bucket in series.whole()) == 77.0
    assert min(bucket.low for bucket in series.whole()) == 0.001
    spike = next(bucket for bucket in series.whole() if bucket.high == 77.0)
    assert spike.first <= 33_457 <= spike.last


@given(st.lists(st.lists(losses, max_size=30), max_size=12), st.integers(1, 9))
def test_buckets_hold_the_extremes_of_exactly_their_batches(chunks: list[list[float]], capacity: int) -> None:
    series = Series(capacity=capacity, recent=7, smoothing=0.5)
    flat: list[float] = []
    averages: list[float] = []
    ema = Ema(0.5)
    for chunk in chunks:
        series.extend(len(flat) + 1, chunk)
        flat += chunk
        averages += [ema.add(value) for value in chunk]
    whole = list(series.whole())
    assert len(whole) <= capacity
    assert [step for bucket in whole for step in range(bucket.first, bucket.last + 1)] == [*range(1, len(flat) + 1)]
    for bucket in whole:
        finite = [value for value in flat[bucket.first - 1 : bucket.last] if math.isfinite(value)]
        if finite:
            assert (bucket.low, bucket.high) == (min(finite), max(finite))
        else:
            assert math.isnan(bucket.low)
            assert math.isnan(bucket.high)
        assert bucket.ema == averages[bucket.last - 1] or math.isnan(averages[bucket.last - 1])
    assert [bucket.first for bucket in series.recent()] == [*range(max(1, len(flat) - 6), len(flat) + 1)]


def test_the_average_of_a_constant_is_the_constant_from_the_first_batch_on() -> None:
    ema = Ema()
    assert math.isnan(ema.value)
    assert [ema.add(2.5) for _ in range(300)] == pytest.approx([2.5] * 300)


def test_the_average_weighs_as_its_definition_says() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0]
    ema = Ema(0.9)
    for value in values:
        ema.add(value)
    weights = [0.9 ** (len(values) - 1 - i) for i in range(len(values))]
    expected = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    assert ema.value == pytest.approx(expected)


def test_values_that_are_not_finite_leave_gaps_and_touch_nothing() -> None:
    series = Series()
    series.extend(1, [1.0, math.nan, math.inf, -math.inf, 1.0])
    assert [math.isnan(bucket.low) for bucket in series.whole()] == [False, True, True, True, False]
    assert [math.isnan(bucket.high) for bucket in series.recent()] == [False, True, True, True, False]
    assert series.average == pytest.approx(1.0)
    assert series.last_step == 5


def test_no_values_change_nothing() -> None:
    series = Series()
    series.extend(1, [])
    assert (len(series), list(series.whole()), list(series.recent())) == (0, [], [])
    assert math.isnan(series.latest)


def test_the_latest_value_is_kept_raw() -> None:
    series = Series()
    series.extend(1, [1.0, 9.0])
    assert series.latest == 9.0
    assert series.whole()[1] == Bucket(2, 2, 9.0, 9.0, series.average)


def test_batches_become_a_loss_and_an_accuracy() -> None:
    history = History()
    history.apply(batches(1, [2.0, 1.0], correct=16))
    assert history.last_step == 2
    assert [bucket.low for bucket in history.loss.whole()] == [2.0, 1.0]
    assert [bucket.low for bucket in history.accuracy.whole()] == [0.25, 0.25]


def test_the_best_point_is_the_earliest_of_the_highest_test_accuracies() -> None:
    history = History()
    assert history.best is None
    for step, accuracy in ((10, 0.9), (20, 0.95), (30, 0.95), (40, 0.93)):
        history.apply(evaluated(step, accuracy))
    assert history.best is not None
    assert (history.best.step, history.best.accuracy) == (20, 0.95)
    assert len(history.tests) == 4


def test_where_there_is_a_validation_split_the_best_point_is_of_it() -> None:
    history = History()
    for step, accuracy, split in ((10, 0.8, "validation"), (10, 0.99, "test"), (20, 0.85, "validation")):
        history.apply(evaluated(step, accuracy, split))
    assert history.best is not None
    assert (history.best.step, history.best.split) == (20, "validation")


def test_an_edit_becomes_a_labelled_mark() -> None:
    history = History()
    history.apply(applied(7, START, learning_rate=0.0005, batch_size=128))
    assert [(mark.step, mark.label) for mark in history.marks] == [(7, "lr 0.001→0.0005 batch 64→128")]


def test_edits_at_one_step_share_a_mark() -> None:
    history = History()
    history.apply(applied(7, START, learning_rate=0.01))
    history.apply(applied(7, attrs.evolve(START, learning_rate=0.01), dropout=0.5))
    history.apply(applied(8, START, momentum=0.5))
    assert [(mark.step, mark.label) for mark in history.marks] == [
        (7, "lr 0.001→0.01 drop 0→0.5"),
        (8, "mom 0.9→0.5"),
    ]


def test_more_epochs_alone_leave_no_mark() -> None:
    history = History()
    history.apply(applied(7, START, epochs=20))
    assert history.marks == []


def test_a_new_run_clears_the_charts() -> None:
    history = History()
    history.apply(batches(1, [1.0]))
    history.apply(evaluated(1, 0.5))
    history.apply(applied(2, START, dropout=0.5))
    before = history.revision
    history.apply(RunStarted("run", "runs/run", START, "cpu", 100, 1000))
    assert (history.last_step, history.tests, history.marks, history.best) == (0, [], [], None)
    assert len(history.accuracy) == 0
    assert history.revision > before


def test_the_revision_grows_with_what_a_chart_shows_and_with_nothing_else() -> None:
    history = History()
    history.apply(Paused(3))
    assert history.revision == 0
    history.apply(batches(1, [1.0]))
    assert history.revision == 1
