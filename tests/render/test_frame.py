import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_tui.render import frame as frame_module
from mnist_tui.render.axes import Axis, accuracy_axis, loss_axis
from mnist_tui.render.frame import LABEL_WIDTH, blank_frame, draw_frame
from mnist_tui.render.x_axis import x_axis

X = x_axis("step", 9380, 9380, None, 5)
Y = loss_axis([0.1, 2.0], [0.2, 2.4], False, 5)


@pytest.fixture(autouse=True)
def fresh() -> None:
    frame_module._draw_frame.cache_clear()


@pytest.mark.parametrize("x_labels", [False, True])
def test_every_width_and_height_is_exact(x_labels: bool) -> None:
    for width in (*range(30), 60, 79, 80, 81, 120, 199, 200):
        for height in (0, 1, 2, 3, 7, 20):
            frame = draw_frame(width, height, X, Y, x_labels, False)
            assert [len(line) for line in frame.lines] == [width] * height, (width, height)
            assert 0 <= frame.left <= width
            assert frame.left + frame.columns == width
            assert frame.top + frame.rows <= height


@given(st.integers(0, 200), st.integers(0, 60), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_size_is_exact(width: int, height: int, x_labels: bool, ascii_only: bool) -> None:
    frame = draw_frame(width, height, X, Y, x_labels, ascii_only)
    assert [len(line) for line in frame.lines] == [width] * height
    assert not ascii_only or all(line.isascii() for line in frame.lines)


def test_axes_and_ticks_are_where_the_curves_expect_them() -> None:
    frame = draw_frame(60, 12, X, Y, True, False)
    assert (frame.left, frame.top, frame.columns, frame.rows) == (LABEL_WIDTH + 1, 0, 60 - LABEL_WIDTH - 1, 10)
    assert all(line[frame.left - 1] in "│┤" for line in frame.lines[: frame.rows])
    assert frame.lines[0].strip().startswith("3┤")
    assert "0┤" in frame.lines[9]
    assert set(frame.lines[10].strip()) <= set("└─┬┴┼")
    assert all(label in frame.lines[11] for _, label in X.ticks if label != "0")
    assert all(set(line[frame.left :]) == {" "} for line in frame.lines[: frame.rows])


def test_without_x_labels_the_plot_reaches_the_bottom() -> None:
    frame = draw_frame(60, 12, X, Y, False, False)
    assert frame.rows == 12
    assert all(line[frame.left - 1] in "│┤" for line in frame.lines)


def test_charts_above_each_other_share_their_left_edge() -> None:
    accuracy = accuracy_axis([0.1, 0.9], False, 5)
    assert draw_frame(60, 12, X, Y, False, False).left == draw_frame(60, 12, X, accuracy, True, False).left


def test_too_small_for_axes_is_all_plot() -> None:
    assert draw_frame(13, 10, X, Y, True, False) == blank_frame(13, 10)
    assert draw_frame(60, 2, X, Y, True, False) == blank_frame(60, 2)
    assert (blank_frame(-1, -1).lines, blank_frame(-1, 3).columns) == ((), 0)


def test_an_unchanged_frame_is_not_drawn_again() -> None:
    first = draw_frame(60, 12, X, Y, True, False)
    assert draw_frame(60, 12, Axis(X.low, X.high, X.ticks), Y, True, False) is first


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, (int, float)):
        return [value]
    return [number for item in value for number in numbers_in(item)] if isinstance(value, (list, tuple)) else []


def test_without_labels_a_frame_is_the_same_for_every_x() -> None:
    other = x_axis("step", 100, 100, None, 5)
    assert draw_frame(60, 12, X, Y, False, False) is draw_frame(60, 12, other, Y, False, False)
    assert draw_frame(60, 12, X, Y, True, False) is not draw_frame(60, 12, other, Y, True, False)


@given(
    st.integers(0, 10**9),
    st.lists(st.floats(0, 1e300) | st.sampled_from([math.nan, math.inf]), max_size=5),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_plotext_is_given_finite_numbers_only(last: int, values: list[float], log: bool) -> None:
    import plotext

    finite = [value for value in values if math.isfinite(value)]
    seen: list[float] = []
    real = plotext.figure.signal

    def spy(*arguments: Any, **named: Any) -> Any:
        seen.extend(number for argument in arguments for number in numbers_in(argument))
        return real(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(plotext.figure), "signal", staticmethod(spy))
        frame_module._draw_frame.cache_clear()
        draw_frame(60, 12, x_axis("step", last, None, None, 5), loss_axis(finite, finite, log, 5), True, False)
    assert seen
    assert all(math.isfinite(number) for number in seen)
