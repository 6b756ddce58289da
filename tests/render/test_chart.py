import math
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mnist_tui.core.events import BatchesTrained, Evaluated, HyperparametersApplied
from mnist_tui.core.history import RECENT, History
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.render.chart import Drawing, draw_chart
from mnist_tui.render.curves import AVERAGE, BEST, LABEL, RAW, TEST
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


def assert_whole(drawing: Drawing, width: int, height: int) -> None:
    assert [len(line) for line in drawing.frame.lines] == [width] * height
    assert len(drawing.cells.characters) == drawing.frame.rows
    assert all(len(row) == drawing.frame.columns for row in drawing.cells.characters)


def styles(drawing: Drawing) -> set[int]:
    return {style for row in drawing.cells.styles for style in row}


views = st.builds(
    View, st.sampled_from(["loss", "accuracy"]), st.booleans(), st.booleans(), st.booleans(), st.booleans()
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
    assert_whole(draw_chart(history_of(losses, tests, marks), view, width, height, planned), width, height)


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
