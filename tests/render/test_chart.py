import math
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnist_tui.core.events import BatchesTrained, Evaluated, HyperparametersApplied, Rewound, RunStarted
from mnist_tui.core.history import RECENT, SMOOTHINGS, UNITS, History, Unit
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.render.cells import ABANDONED, ABANDONED_LABEL, AVERAGE, BEST, CURSOR, LABEL, RAW, TEST
from mnist_tui.render.chart import Drawing, draw_chart
from mnist_tui.render.view import View

START = Hyperparameters()


def history_of(losses: Sequence[float], tests: Sequence[tuple[int, float]] = (), marks: Sequence[int] = ()) -> History:
    history = History()
    history.apply(
        BatchesTrained(
            1, 1, 64, tuple(losses), tuple(min(63, 8 + step // 3) for step in range(len(losses))), 64 * len(losses), 1.0
        )
    )
    for step, accuracy in tests:
        history.apply(Evaluated(step, 1, "test", 1 - accuracy, accuracy, b"", 0.1))
    for step in marks:
        history.apply(HyperparametersApplied(step, START, attrs.evolve(START, learning_rate=0.5)))
    return history


def rewound(to_step: int) -> Rewound:
    return Rewound(10**6, to_step, 1, 1, START, 1, 0, 64 * to_step, to_step / 100)


def long_run(steps: int, branches: int = 0) -> History:
    """Batches of a hundredth of a second, a hundred an epoch, and branches of as many each."""
    history = History()
    history.apply(RunStarted("run", "runs/run", START, "cpu", 6400, 1000))
    for rewind in range(branches + 1):
        for first in range(history.last_step + 1, steps, 1000):
            losses = tuple(2.0 + math.sin(step / 90) + 0.1 * (step % 7) for step in range(first, first + 1000))
            history.apply(BatchesTrained(first, 1, 64, losses, (50,) * 1000, 64 * (first + 999), 10.0))
        if rewind < branches:
            history.apply(HyperparametersApplied(steps // 2 + 1, START, attrs.evolve(START, dropout=0.5), rewind + 1))
            history.apply(rewound(steps // 2 // 1000 * 1000))
    return history


def assert_whole(drawing: Drawing, width: int, height: int) -> None:
    assert [len(line) for line in drawing.frame.lines] == [width] * height
    assert len(drawing.cells.characters) == drawing.frame.rows
    assert all(len(row) == drawing.frame.columns for row in drawing.cells.characters)


def styles(drawing: Drawing) -> set[int]:
    return {style for row in drawing.cells.styles for style in row}


views = st.builds(
    View,
    st.sampled_from(["loss", "accuracy"]),
    *[st.booleans()] * 4,
    st.sampled_from(UNITS),
    st.integers(0, len(SMOOTHINGS) - 1),
    st.none() | st.tuples(st.floats(0, 30), st.floats(31, 1e6)),
    st.none() | st.floats(0, 100),
)
anything = st.floats(-1e300, 1e300) | st.sampled_from([0.0, 5e-324, math.nan, math.inf, -math.inf])


@given(
    st.lists(anything, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), anything), max_size=4),
    st.lists(st.integers(0, 60), max_size=4),
    views,
    st.integers(0, 130),
    st.integers(0, 40),
    st.none() | st.integers(0, 10**7),
)
@example([], [], [], View("loss"), 0, 0, None)
@example([1e300], [(1, 1e300)], [1], View("loss", log=True), 80, 20, 1)
@example([0.0], [(1, 1.0)], [1], View("accuracy", log=True), 14, 3, 1)
@example([math.nan] * 3, [(1, math.nan)], [], View("loss"), 80, 20, None)
@settings(max_examples=80, deadline=None)
def test_no_series_and_no_size_can_break_a_chart(
    losses: list[float],
    tests: list[tuple[int, float]],
    marks: list[int],
    view: View,
    width: int,
    height: int,
    planned: int | None,
) -> None:
    history = history_of(losses, tests, marks)
    assert_whole(draw_chart(history, view, width, height, planned), width, height)
    history.apply(rewound(len(losses) // 2))
    assert_whole(draw_chart(history, view, width, height, planned), width, height)


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("log", [False, True])
def test_a_chart_before_the_first_batch_is_an_empty_frame(metric: str, log: bool) -> None:
    drawing = draw_chart(History(), View(metric, log), 60, 12)
    assert_whole(drawing, 60, 12)
    assert styles(drawing) == {0}


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_a_run_shows_curves_evaluations_the_best_and_marks(metric: str) -> None:
    losses = [2.5 / (1 + step / 20) + 0.2 * (step % 3) for step in range(300)]
    drawing = draw_chart(history_of(losses, [(100, 0.9), (200, 0.95), (300, 0.93)], [150]), View(metric), 80, 20, 300)
    assert_whole(drawing, 80, 20)
    assert {AVERAGE, TEST, BEST, LABEL} <= styles(drawing)
    assert metric == "accuracy" or RAW in styles(drawing)
    text = "\n".join("".join(row) for row in drawing.cells.characters)
    assert text.count("◆") == 1
    assert text.count("●") == 2
    assert "lr 0.001→0.5" in text


def test_a_falling_loss_falls() -> None:
    drawing = draw_chart(history_of([2.4 - 0.02 * step for step in range(100)]), View("loss"), 60, 20, 100)
    tops = [
        next((row for row in range(drawing.frame.rows) if drawing.cells.styles[row][column]), None)
        for column in range(drawing.frame.columns)
    ]
    seen = [row for row in tops if row is not None]
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] > 8


def test_only_evaluations_of_the_test_split_are_points() -> None:
    history = history_of([1.0] * 100)
    history.apply(Evaluated(50, 1, "validation", 0.5, 0.5, b"", 0.1))
    assert TEST not in styles(draw_chart(history, View("loss"), 60, 20))


def test_the_recent_view_shows_the_newest_batches_alone() -> None:
    losses = [10.0] * 3000 + [0.5] * RECENT
    whole = draw_chart(history_of(losses), View("loss"), 60, 20)
    recent = draw_chart(history_of(losses), View("loss", recent=True), 60, 20)
    assert "10" in whole.frame.lines[0]
    assert "0.5" in recent.frame.lines[0] or "0.6" in recent.frame.lines[0]
    assert "3 0" not in recent.frame.lines[-1][:20]


def test_ascii_is_ascii() -> None:
    drawing = draw_chart(history_of([1.0, 2.0], [(1, 0.9)], [1]), View("loss", ascii_only=True), 60, 12)
    lines = [*drawing.frame.lines, *("".join(row) for row in drawing.cells.characters)]
    assert all(line.isascii() for line in lines)


def test_one_more_batch_changes_few_cells() -> None:
    losses = [2.4 - 0.002 * step for step in range(1000)]
    before = draw_chart(history_of(losses), View("loss"), 100, 25, 2000)
    after = draw_chart(history_of([*losses, 0.4]), View("loss"), 100, 25, 2000)
    assert after.frame is before.frame
    assert sum(end - first for _, first, end in after.cells.changes(before.cells)) <= 4


def test_one_more_batch_moves_few_cells_in_every_unit() -> None:
    for unit in UNITS:
        history = long_run(4000)
        before = draw_chart(history, View("loss", unit=unit), 100, 25)
        history.apply(BatchesTrained(4001, 1, 64, (2.0,), (60,), 64 * 4001, 0.01))
        after = draw_chart(history, View("loss", unit=unit), 100, 25)
        assert after.frame is before.frame
        assert sum(end - first for _, first, end in after.cells.changes(before.cells)) <= 4


@pytest.mark.parametrize(
    ("unit", "labels"),
    [("step", ["0", "1 000", "4 000"]), ("epoch", ["0", "10", "40"]), ("time", ["0 s", "10 s", "40 s"])],
)
def test_the_x_axis_is_labelled_in_its_unit(unit: Unit, labels: list[str]) -> None:
    planned = 4000 if unit == "step" else 40
    words = draw_chart(long_run(4000), View("loss", unit=unit), 80, 20, planned).frame.lines[-1]
    assert all(label in words for label in labels)


@pytest.mark.parametrize("unit", UNITS)
def test_the_recent_window_holds_the_newest_batches_in_every_unit(unit: Unit) -> None:
    history = long_run(30_000)
    drawing = draw_chart(history, View("loss", recent=True, unit=unit), 80, 20)
    first, newest = history.x_at(29_200, unit), history.x_at(30_000, unit)
    assert newest <= drawing.x.high < newest + 0.5 * (newest - first)
    assert drawing.x.high - drawing.x.low == pytest.approx(newest - first, rel=0.6)
    assert AVERAGE in {row[0] for row in drawing.cells.styles}


def test_a_zoom_into_the_newest_batches_shows_each_of_them() -> None:
    drawing = draw_chart(long_run(100_000), View("loss", zoom=(99_900, 100_000), smoothing=3), 100, 20)
    columns = range(drawing.frame.columns)
    assert sum(RAW in {row[column] for row in drawing.cells.styles} for column in columns) > len(columns) / 2


def test_the_recent_window_of_a_short_run_is_as_long_as_its_pace_promises() -> None:
    drawing = draw_chart(history_of([1.0] * 80), View("loss", recent=True, unit="time"), 80, 20)
    assert (drawing.x.low, drawing.x.high) == (0, 10)


def test_a_zoom_shows_its_limits() -> None:
    history = long_run(3000)
    drawing = draw_chart(history, View("loss", zoom=(2500, 2600)), 100, 20)
    assert (drawing.x.low, drawing.x.high) == (2500, 2600)
    assert "2 540" in drawing.frame.lines[-1]
    assert all(AVERAGE in {row[column] for row in drawing.cells.styles} for column in range(drawing.frame.columns))


def test_a_weaker_average_follows_the_batches_more_closely() -> None:
    history = long_run(2000)
    pictures = [draw_chart(history, View("loss", smoothing=at), 80, 20).cells.characters for at in range(4)]
    assert all(one != other for at, one in enumerate(pictures) for other in pictures[:at])


def test_a_branch_is_drawn_faintly_with_its_marks() -> None:
    history = long_run(3000)
    history.apply(HyperparametersApplied(1501, START, attrs.evolve(START, dropout=0.5), 1))
    drawing = draw_chart(history, View("loss", zoom=(0, 6000)), 80, 20)
    assert ABANDONED not in styles(drawing)
    history.apply(rewound(1500))
    for unit in UNITS:
        drawing = draw_chart(history, View("loss", unit=unit, zoom=(0, history.x_at(1500, unit) * 2)), 80, 20)
        assert {ABANDONED, ABANDONED_LABEL} <= styles(drawing)
        words = "\n".join("".join(row) for row in drawing.cells.characters)
        assert "undone drop 0→0.5" in words
        beyond = range(drawing.frame.columns * 5 // 8, drawing.frame.columns)
        assert {row[column] for row in drawing.cells.styles for column in beyond} <= {0, ABANDONED, ABANDONED_LABEL}


def test_the_cursor_is_drawn_where_it_stands() -> None:
    drawing = draw_chart(long_run(1000), View("loss", cursor=0.0, zoom=(0, 100)), 80, 20)
    assert {row[0] for row in drawing.cells.styles} >= {CURSOR}


def test_batches_that_are_not_finite_break_the_average() -> None:
    losses = [1.0] * 100 + [math.nan] * 100 + [1.0] * 100
    drawing = draw_chart(history_of(losses), View("loss"), 80, 20, 300)
    columns = drawing.frame.columns
    assert all(row[columns // 2] == 0 for row in drawing.cells.styles)
    assert any(row[columns // 4] == AVERAGE for row in drawing.cells.styles)
    assert any(row[columns * 3 // 4] == AVERAGE for row in drawing.cells.styles)


def test_a_drawing_looks_at_no_more_however_long_the_run() -> None:
    history = long_run(20_000, branches=8)
    assert len(history.abandoned) == 8
    looked_at = [len(branch.loss) for branch in history.abandoned] + [len(history.loss.detailed())]
    assert sum(looked_at) <= 8 * 256 + 1024 + 1000
