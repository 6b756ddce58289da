import math
from collections.abc import Sequence
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.core.events import BatchesTrained, Evaluated, HyperparametersApplied, Paused, Rewound, RunStarted
from mnist_tui.core.history import (
    BRANCH_CAPACITY,
    BRANCHES,
    CAPACITY,
    RECENT,
    SMOOTHINGS,
    UNITS,
    Bucket,
    Ema,
    History,
    Series,
)
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters

START = Hyperparameters()
losses = st.floats(0, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])


def batches(first: int, values: Sequence[float], correct: int = 32) -> BatchesTrained:
    return BatchesTrained(first, 1, 64, tuple(values), (correct,) * len(values), 64 * (first + len(values) - 1), 0.1)


def evaluated(step: int, accuracy: float, split: str = "test") -> Evaluated:
    return Evaluated(step, 1, split, 1 - accuracy, accuracy, b"", 0.1)  # type: ignore[arg-type]


def applied(step: int, old: Hyperparameters, edit: int = 0, **changes: object) -> HyperparametersApplied:
    return HyperparametersApplied(step, old, attrs.evolve(old, **changes), edit)  # type: ignore[arg-type]


def rewound(to_step: int, seconds: float = 0.0, edit: int = 1) -> Rewound:
    return Rewound(10**6, to_step, 1, edit, START, 1, 0, 64 * to_step, seconds)


def history_of(steps: int, chunk: int = 50) -> History:
    """A run whose loss at step n is n / 1000; a batch takes a hundredth of a second."""
    history = History()
    history.apply(RunStarted("run", "runs/run", START, "cpu", 6400, 1000))
    go_on(history, steps, chunk)
    return history


def go_on(history: History, steps: int, chunk: int = 50) -> None:
    first = history.last_step + 1
    for start in range(first, first + steps, chunk):
        values = [step / 1000 for step in range(start, min(start + chunk, first + steps))]
        history.apply(attrs.evolve(batches(start, values), seconds=len(values) / 100))


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
    series = Series(capacity=capacity, recent=7, smoothings=(0.5, 0.9))
    flat: list[float] = []
    averages: list[tuple[float, ...]] = []
    emas = (Ema(0.5), Ema(0.9))
    for chunk in chunks:
        series.extend(len(flat) + 1, chunk)
        flat += chunk
        averages += [(emas[0].add(value), emas[1].add(value)) for value in chunk]
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
        assert bucket.emas == pytest.approx(averages[bucket.last - 1], rel=1e-9, abs=1e-9, nan_ok=True)
    assert [bucket.first for bucket in series.recent(7)] == [*range(max(1, len(flat) - 6), len(flat) + 1)]


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
    assert series.whole()[1] == Bucket(2, 2, 9.0, 9.0, series.averages, finite=2)


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


def test_more_epochs_are_an_edit_like_any_other() -> None:
    history = History()
    history.apply(applied(7, START, epochs=20))
    assert [mark.label for mark in history.marks] == ["epochs 10→20"]


def test_a_held_key_makes_one_mark_from_its_first_value_to_its_last() -> None:
    history = History()
    values = [0.001, 0.002, 0.005, 0.01]
    for step, (old, new) in enumerate(pairwise(values), 5):
        history.apply(applied(step, attrs.evolve(START, learning_rate=old), 3, learning_rate=new))
    history.apply(applied(9, START, 4, dropout=0.5))
    assert [(mark.step, mark.label, mark.edit) for mark in history.marks] == [
        (5, "lr 0.001→0.01", 3),
        (9, "drop 0→0.5", 4),
    ]


def test_an_edit_that_comes_back_to_where_it_began_leaves_no_mark() -> None:
    history = History()
    history.apply(applied(5, START, 3, learning_rate=0.01))
    history.apply(applied(6, attrs.evolve(START, learning_rate=0.01), 3, learning_rate=0.001))
    assert history.marks == []


def test_two_edits_at_one_step_are_two_marks_for_each_can_be_undone() -> None:
    history = History()
    history.apply(applied(5, START, 1, learning_rate=0.01))
    history.apply(applied(5, START, 2, dropout=0.5))
    assert [mark.edit for mark in history.marks] == [1, 2]


def test_every_live_knob_has_a_short_label_in_ascii() -> None:
    for name, knob in KNOBS.items():
        if knob.live:
            history = History()
            history.apply(applied(1, START, 0, **{name: knob.nudge(getattr(START, name), 1)}))
            label = history.marks[0].label.replace("→", ">")
            assert label.isascii()
            assert len(label.split()[0]) <= 8


# --- averages at several strengths


@pytest.mark.parametrize("chunk", [1, 7, 999, 6000])
def test_averages_are_those_of_the_definition_however_the_values_come(chunk: int) -> None:
    values = [math.sin(step / 50) + 2 for step in range(6000)]
    values[300] = values[5000] = math.nan
    series, expected = Series(), [Ema(smoothing) for smoothing in SMOOTHINGS]
    for start in range(0, len(values), chunk):
        series.extend(start + 1, values[start : start + chunk])
    averages = [[ema.add(value) for ema in expected] for value in values]
    for bucket in series.whole():
        assert bucket.emas == pytest.approx(averages[bucket.last - 1], rel=1e-9)
    assert series.averages == pytest.approx(averages[-1], rel=1e-9)
    assert series.whole()[-1].emas == series.recent(1)[0].emas == series.averages
    assert series.average == series.averages[2]


# --- where batches lie


def test_a_batch_has_its_step_its_epoch_and_its_second() -> None:
    history = history_of(250)
    assert [history.x_at(150, unit) for unit in UNITS] == pytest.approx([150, 1.5, 1.5])
    assert history.loss.recent(1)[0].samples == 250 * 64
    whole, newest = history.loss.whole(), history.loss.recent()
    for unit in UNITS:
        assert history.positions(whole, unit) == pytest.approx(history.positions(newest, unit))


def test_positions_between_bucket_ends_are_interpolated() -> None:
    history = history_of(10_000)
    assert history.loss.whole()[0].last > 5
    for step in (1, 5, 4321, 10_000):
        for unit, x in zip(UNITS, (step, step / 100, step / 100), strict=True):
            assert history.x_at(step, unit) == pytest.approx(x)
            assert history.step_at(x, unit) == pytest.approx(step)
    assert history.x_at(20_000, "epoch") == pytest.approx(100)
    assert history.step_at(1e9, "time") == 10_000
    assert [History().x_at(3, unit) for unit in UNITS] == [3, 0, 0]
    assert [History().step_at(3, unit) for unit in UNITS] == [3, 0, 0]


# --- rewinding


def assert_contiguous(buckets: Sequence[Bucket], first: int, last: int) -> None:
    assert (buckets[0].first, buckets[-1].last) == (first, last)
    assert all(left.last + 1 == right.first for left, right in pairwise(buckets))
    assert all(left.samples < right.samples and left.seconds < right.seconds for left, right in pairwise(buckets))


@pytest.mark.parametrize(
    ("steps", "to_step"), [(100, 50), (100, 99), (5000, 4500), (5000, 4321), (5000, 130), (50_000, 500)]
)
def test_a_rewind_cuts_the_series_and_training_goes_on_from_there(steps: int, to_step: int) -> None:
    history, straight = history_of(steps), history_of(to_step)
    history.apply(rewound(to_step, to_step / 100))
    assert history.last_step == to_step
    assert (history.samples, history.seconds) == (64 * to_step, to_step / 100)
    assert_contiguous(history.loss.whole(), 1, to_step)
    assert history.loss.averages == pytest.approx(straight.loss.averages, rel=0.02)
    if steps - to_step < RECENT:
        assert history.loss.averages == straight.loss.averages
        assert history.loss.latest == straight.loss.latest
        assert history.loss.whole()[-1].high == to_step / 1000
    go_on(history, 300)
    go_on(straight, 300)
    assert_contiguous(history.loss.whole(), 1, to_step + 300)
    assert_contiguous(history.loss.recent(), history.loss.recent()[0].first, to_step + 300)
    assert history.loss.averages == pytest.approx(straight.loss.averages, rel=0.01)
    assert history.x_at(to_step + 300, "epoch") == pytest.approx((to_step + 300) / 100)


def test_a_rewind_into_the_first_bucket_forgets_its_average_quickly() -> None:
    history = history_of(50_000)
    history.apply(rewound(7, 0.07))
    assert_contiguous(history.loss.whole(), 1, 7)
    go_on(history, 3_000)
    assert history.loss.averages == pytest.approx(history_of(3_007).loss.averages)


def test_time_and_images_go_on_from_those_of_the_checkpoint() -> None:
    history = history_of(5_000)
    history.apply(rewound(1_234, 99.0))
    assert [history.x_at(1_234, unit) for unit in UNITS] == pytest.approx([1_234, 12.34, 99.0])
    go_on(history, 100)
    assert history.x_at(1_334, "time") == pytest.approx(100.0)


def test_what_was_undone_is_kept_small_as_a_branch() -> None:
    history = history_of(30_000)
    for step in (5_000, 25_000):
        history.apply(evaluated(step, 0.9))
        history.apply(applied(step, START, step, dropout=0.5))
    history.apply(rewound(20_000, 200, edit=25_000))
    [branch] = history.abandoned
    assert (branch.from_step, branch.to_step, branch.edit) == (30_000, 20_000, 25_000)
    assert [point.step for point in branch.tests] == [mark.step for mark in branch.marks] == [25_000]
    assert [point.step for point in history.tests] == [mark.step for mark in history.marks] == [5_000]
    for buckets in (branch.loss, branch.accuracy):
        assert len(buckets) <= BRANCH_CAPACITY
        assert (buckets[0].first, buckets[0].last, buckets[-1].last) == (20_000, 20_000, 30_000)
        assert_contiguous(buckets, 20_000, 30_000)
    assert history.x_at(25_000, "epoch", branch) == pytest.approx(250)
    assert branch.loss[-1].high == 30.0


def test_a_short_branch_is_kept_batch_by_batch() -> None:
    history = history_of(5_000)
    history.apply(rewound(4_900, 49))
    assert [bucket.low for bucket in history.abandoned[0].loss[1:]] == [step / 1000 for step in range(4_901, 5_001)]


def test_a_rewind_to_the_beginning_leaves_nothing_of_the_run() -> None:
    history = history_of(3_000)
    history.apply(rewound(0))
    assert (history.last_step, list(history.loss.whole()), list(history.loss.recent())) == (0, [], [])
    assert math.isnan(history.loss.average)
    assert history.abandoned[0].loss[0].first == 1
    go_on(history, 10)
    assert [bucket.first for bucket in history.loss.whole()] == [*range(1, 11)]
    assert history.loss.averages == history_of(10).loss.averages


def test_two_rewinds_in_a_row_and_one_with_nothing_trained_since() -> None:
    history = history_of(5_000)
    history.apply(applied(3_001, START, 1, dropout=0.5))
    history.apply(rewound(3_000, 30))
    history.apply(rewound(2_000, 20))
    assert [(branch.from_step, branch.to_step) for branch in history.abandoned] == [(5_000, 3_000), (3_000, 2_000)]
    assert_contiguous(history.loss.whole(), 1, 2_000)
    assert_contiguous(history.loss.recent(), history.loss.recent()[0].first, 2_000)
    history.apply(applied(2_001, START, 2, dropout=0.5))
    history.apply(rewound(2_000, 20))
    assert history.marks == []
    assert len(history.abandoned) == 2
    revision = history.revision
    go_on(history, 1)
    assert (history.last_step, history.revision) == (2_001, revision + 1)


def test_the_recent_view_is_filled_up_from_the_whole_run() -> None:
    history = history_of(5_000)
    history.apply(rewound(2_000, 20))
    recent = history.loss.recent()
    assert recent[0].first <= 1_001 <= recent[0].last
    go_on(history, 30)
    recent = history.loss.recent(100)
    assert [bucket.first for bucket in recent[-30:]] == [*range(2_001, 2_031)]
    assert_contiguous(recent, recent[0].first, 2_030)
    assert recent[0].first <= 1_931 <= recent[0].last


def test_after_a_rewind_buckets_are_as_fine_as_if_the_run_had_never_been_longer() -> None:
    history = history_of(100_000, 1000)
    history.apply(rewound(100, 1))
    go_on(history, 200)
    assert sum(bucket.first == bucket.last for bucket in history.loss.whole()) >= 190


def test_only_the_newest_branches_are_kept() -> None:
    history = history_of(100)
    for to_step in range(90, 70, -2):
        history.apply(rewound(to_step))
    assert len(history.abandoned) == BRANCHES
    assert [branch.to_step for branch in history.abandoned] == [*range(86, 70, -2)]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=6), st.integers(1, 9))
def test_any_rewinds_leave_the_buckets_whole(moves: list[tuple[int, int]], capacity: int) -> None:
    series = Series(capacity=capacity, recent=7)
    for back, forth in moves:
        to_step = max(0, series.last_step - back)
        branch = series.truncate(to_step, 64 * to_step, to_step / 100)
        assert not branch or branch[-1].last >= to_step
        last = series.last_step + forth
        series.extend(series.last_step + 1, [1.0] * forth, 64 * last, 64, last / 100, 0.01)
        assert_contiguous(series.whole(), 1, last)
        assert_contiguous(series.detailed(), 1, last)
        assert len(series.whole()) <= capacity
        assert series.averages == pytest.approx([1.0] * 4)


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
