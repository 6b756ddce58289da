import math
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mnist_tui.core.positions import UNITS, Unit
from mnist_tui.render.axes import (
    LEAST_ERROR,
    Axis,
    accuracy_axis,
    loss_axis,
    plotted_accuracy,
    plotted_loss,
    round_ticks,
    snap_up,
)
from mnist_tui.render.x_axis import ticked, x_axis

ticks_wanted = st.integers(0, 40)
loss_values = st.lists(st.floats(0, 1e300), max_size=30)
shares = st.lists(st.floats(0, 1), max_size=30)


def assert_sound(axis: Axis) -> None:
    assert math.isfinite(axis.low)
    assert math.isfinite(axis.high)
    assert axis.low < axis.high
    slack = 1e-9 * (axis.high - axis.low)
    positions = [position for position, _ in axis.ticks]
    assert positions == sorted(set(positions))
    assert all(axis.low - slack <= position <= axis.high + slack for position in positions)
    assert all(label for _, label in axis.ticks)


@given(st.floats(1e-300, 1e300))
@example(1.0)
@example(0.1)
@example(9.999999999999999)
def test_a_limit_snaps_up_to_a_round_number_near_by(value: float) -> None:
    high = snap_up(value)
    assert value * (1 - 1e-9) <= high <= value * 1.6
    assert snap_up(high) == pytest.approx(high)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), ticks_wanted)
def test_ticks_are_inside_few_and_evenly_spaced(low: float, span: float, most: int) -> None:
    high = low + span
    assume(high - low > abs(low) * 1e-6)
    ticks = round_ticks(low, high, most)
    assert len(ticks) <= most + 1
    slack = 1e-6 * span
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    gaps = [b - a for a, b in pairwise(ticks)]
    assert all(gap == pytest.approx(gaps[0], rel=1e-3) for gap in gaps)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0)])
def test_no_span_has_no_ticks(low: float, high: float) -> None:
    assert round_ticks(low, high, 5) == []
    assert round_ticks(0, 1, 0) == []


@given(st.integers(0, 10**9), st.none() | st.integers(0, 10**9), st.none() | st.integers(1, 5000), st.integers(1, 40))
def test_the_step_axis_holds_the_newest_step(last: int, planned: int | None, recent: int | None, most: int) -> None:
    axis = x_axis("step", last, planned, recent, most)
    assert_sound(axis)
    assert axis.low <= last <= axis.high
    if recent is None:
        assert axis.low == 0


def test_the_whole_run_grows_in_rounds_until_its_planned_end() -> None:
    lasts = (0, 90, 110, 1000, 2000, 6000, 9380)
    assert [x_axis("step", last, 9380, None, 5).high for last in lasts] == [100, 100, 150, 1500, 3000, 9380, 9380]
    assert x_axis("step", 9400, 9380, None, 5).high == 9400  # epochs were added


def test_the_recent_window_moves_by_quarters() -> None:
    windows = [
        (axis.low, axis.high) for axis in (x_axis("step", last, None, 800, 5) for last in (10, 800, 801, 999, 1001))
    ]
    assert windows == [(0, 800), (0, 800), (200, 1000), (200, 1000), (400, 1200)]


def test_steps_are_labelled_whole_and_grouped() -> None:
    assert x_axis("step", 9380, 9380, None, 5).ticks[-1] == (8000, "8 000")
    assert all(position == round(position) for position, _ in x_axis("step", 3, None, 3, 40).ticks)


@given(
    st.sampled_from(UNITS),
    st.floats(0, 1e7),
    st.none() | st.floats(0, 1e7),
    st.none() | st.floats(0, 1e6),
    st.integers(1, 40),
)
@example("epoch", 0.0, 5e-324, None, 5)
@example("time", 0.0, 1e-310, None, 5)
@example("time", 6710887.03125, None, 0.0, 2)
def test_any_axis_holds_the_newest_batch(
    unit: Unit, last: float, planned: float | None, recent: float | None, most: int
) -> None:
    if unit == "step":
        recent = None if recent is None else max(1, round(recent))
    axis = x_axis(unit, last, planned, recent, most)
    assert_sound(axis)
    assert axis.low - 1e-6 <= last <= axis.high * (1 + 1e-6)


@given(st.sampled_from(UNITS), st.floats(0, 1e6), st.floats(1e-4, 1e6), st.integers(0, 40))
def test_any_zoom_has_few_ticks_that_differ(unit: Unit, low: float, span: float, most: int) -> None:
    assume(span > low * 1e-4)
    axis = ticked(unit, low, low + span, most)
    assert_sound(axis)
    labels = [label for _, label in axis.ticks]
    assert len(labels) <= most + 1
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("unit", "low", "high", "labels"),
    [
        ("step", 1000, 3000, ["1 000", "1 500", "2 000", "2 500", "3 000"]),
        ("epoch", 1, 2, ["1", "1.2", "1.4", "1.6", "1.8", "2"]),
        ("epoch", 0, 10, ["0", "2", "4", "6", "8", "10"]),
        ("time", 0, 0.5, ["0 s", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]),
        ("time", 60, 150, ["60 s", "90 s", "120 s", "150 s"]),
        ("time", 0, 900, ["0 min", "5 min", "10 min", "15 min"]),
        ("time", 600, 720, ["10 min", "10.5 min", "11 min", "11.5 min", "12 min"]),
        ("time", 3601, 3608, ["3 602 s", "3 604 s", "3 606 s", "3 608 s"]),
        ("time", 0, 18000, ["0 h", "1 h", "2 h", "3 h", "4 h", "5 h"]),
        ("time", 0, 360000, ["0 h", "20 h", "40 h", "60 h", "80 h", "100 h"]),
    ],
)
def test_ticks_are_round_in_their_unit(unit: Unit, low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in ticked(unit, low, high, 5).ticks] == labels


@pytest.mark.parametrize(
    ("unit", "last", "planned", "high"),
    [
        ("epoch", 0, 10, 0.1),
        ("epoch", 1.2, 10, 1.5),
        ("epoch", 9, 10, 10),
        ("time", 0, None, 10),
        ("time", 31, None, 45),
        ("time", 70, None, 90),
        ("time", 610, None, 720),
        ("time", 610, 700, 700),
        ("time", 4000, None, 5400),
    ],
)
def test_limits_are_round_in_their_unit(unit: Unit, last: float, planned: float | None, high: float) -> None:
    assert x_axis(unit, last, planned, None, 5).high == pytest.approx(high)


def test_the_recent_window_moves_by_quarters_in_every_unit() -> None:
    windows = {(axis.low, axis.high) for axis in (x_axis("time", 100 + k / 10, None, 8.1, 5) for k in range(100))}
    assert len(windows) == 5 or len(windows) == 6
    assert {high - low for low, high in windows} == {10}


@given(loss_values, st.booleans(), st.integers(2, 40))
def test_any_losses_have_an_axis(values: list[float], log: bool, most: int) -> None:
    assert_sound(loss_axis(values, values, log, most))


def test_a_linear_loss_axis_begins_at_zero_and_ignores_the_few_highest() -> None:
    values = [0.3] * 98 + [2.4, 50.0]
    axis = loss_axis(values, values, False, 5)
    assert axis.low == 0.0
    assert axis.high == pytest.approx(0.3)
    assert loss_axis([], [], False, 5).high == 2.5
    assert loss_axis([0.0], [0.0], False, 5).high > 0


def test_a_logarithmic_loss_axis_holds_decades() -> None:
    values = [0.002, 0.02, 2.4]
    axis = loss_axis(values, values, True, 5)
    assert axis.low == -3
    assert axis.high == 0.5
    assert axis.ticks == ((-3.0, "0.001"), (-2.0, "0.01"), (-1.0, "0.1"), (0.0, "1"))
    assert_sound(loss_axis([0.0], [0.0], True, 5))


@given(shares, st.booleans(), st.integers(2, 40))
def test_any_accuracies_have_an_axis_up_to_all_right(values: list[float], log: bool, most: int) -> None:
    axis = accuracy_axis(values, log, most)
    assert_sound(axis)
    assert axis.high == (plotted_accuracy(1.0, True) if log else 1.0)


@pytest.mark.parametrize(
    ("least", "low"), [(0.0, 0.0), (0.3, 0.0), (0.6, 0.5), (0.91, 0.9), (0.985, 0.98), (1.0, 0.98)]
)
def test_the_accuracy_axis_closes_in_on_the_top(least: float, low: float) -> None:
    assert accuracy_axis([least, 1.0], False, 5).low == low
    assert accuracy_axis([], False, 5).low == 0.0


def test_nines_are_equally_far_apart_on_the_logarithmic_accuracy_axis() -> None:
    heights = [plotted_accuracy(share, True) for share in (0.0, 0.9, 0.99, 0.999)]
    assert heights == pytest.approx([0, 1, 2, 3])
    assert plotted_accuracy(1.0, True) == pytest.approx(-math.log10(LEAST_ERROR))
    assert plotted_accuracy(0.75, False) == 0.75
    assert math.isnan(plotted_accuracy(math.nan, True))


def test_a_logarithm_shows_no_loss_of_zero_or_less() -> None:
    assert plotted_loss(0.01, True) == pytest.approx(-2)
    for value in (0.0, -1.0, math.nan):
        assert math.isnan(plotted_loss(value, True))
    assert plotted_loss(-1.0, False) == -1.0
