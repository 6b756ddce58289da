import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_tui.core.history import UNITS, History, Unit
from mnist_tui.render.axes import Axis
from mnist_tui.render.chart import axis_of
from mnist_tui.render.marks import cell_of, centre_of
from mnist_tui.render.navigation import in_unit, move_cursor, pan, put_cursor, zoom
from mnist_tui.render.view import View
from tests.render.test_chart import long_run

WHOLE = Axis(0, 1000)
RUN = long_run(1000)


@given(st.integers(1, 200), st.data())
def test_the_middle_of_a_cell_is_in_it(width: int, data: st.DataObject) -> None:
    cell = data.draw(st.integers(0, width - 1))
    axis = Axis(data.draw(st.floats(0, 1e6)), 2e6)
    assert cell_of(centre_of(cell, axis, width), axis, width) == cell


def test_the_cursor_first_comes_to_the_newest_batch_and_then_moves_by_cells() -> None:
    view = View("loss")
    assert move_cursor(RUN, view, WHOLE, 80, -1) == {"cursor": 1000}
    view = attrs.evolve(view, cursor=500.0)
    moved = move_cursor(RUN, view, WHOLE, 80, -1)["cursor"]
    assert cell_of(500.0, WHOLE, 80) - cell_of(moved, WHOLE, 80) == 1
    assert move_cursor(RUN, view, WHOLE, 80, 79) == {"cursor": 1000}
    assert move_cursor(RUN, view, WHOLE, 80, -79) == {"cursor": 1}
    assert move_cursor(History(), View("loss"), WHOLE, 80, 1) == {}


def test_a_window_that_is_not_zoomed_holds_the_cursor_in() -> None:
    window = Axis(200, 1000)
    assert put_cursor(RUN, View("loss", recent=True), window, 0) == {"cursor": 200}


def test_a_zoom_follows_the_cursor() -> None:
    view = View("loss", zoom=(400, 500), cursor=500.0)
    changes = put_cursor(RUN, view, Axis(400, 500), 520)
    assert changes == {"cursor": 520, "zoom": (420, 520)}
    assert put_cursor(RUN, view, Axis(400, 500), 390) == {"cursor": 390, "zoom": (390, 490)}
    assert put_cursor(RUN, view, Axis(400, 500), 450) == {"cursor": 450}


def test_a_pan_stays_inside_the_run() -> None:
    assert pan(Axis(400, 500), WHOLE, 0.25) == {"zoom": (425, 525)}
    assert pan(Axis(400, 500), WHOLE, -9) == {"zoom": (0, 100)}
    assert pan(Axis(400, 500), WHOLE, 9) == {"zoom": (900, 1000)}
    assert pan(WHOLE, WHOLE, 0.25) == {}


def test_a_zoom_keeps_the_cursor_or_the_middle_where_it_was() -> None:
    assert zoom(RUN, View("loss"), WHOLE, WHOLE, 0.5) == {"zoom": (250, 750)}
    assert zoom(RUN, View("loss", cursor=200.0), WHOLE, WHOLE, 0.5) == {"zoom": (100, 600)}
    assert zoom(RUN, View("loss"), WHOLE, WHOLE, 0.5, about=1000) == {"zoom": (500, 1000)}
    outside = View("loss", zoom=(400, 500), cursor=900.0)
    assert zoom(RUN, outside, Axis(400, 500), WHOLE, 0.5) == {"zoom": (425, 475)}


def test_zooming_in_ends_at_a_few_batches() -> None:
    view = View("loss")
    for _ in range(20):
        view = attrs.evolve(view, **zoom(RUN, view, axis_of(RUN, view, None), WHOLE, 0.5))
    assert view.zoom is not None
    assert view.zoom[1] - view.zoom[0] == pytest.approx(4)


def test_zooming_out_ends_at_the_whole_run() -> None:
    view = View("loss", zoom=(0, 600))
    assert zoom(RUN, view, Axis(0, 600), WHOLE, 2) == {"zoom": None, "recent": False}
    assert zoom(RUN, View("loss"), WHOLE, WHOLE, 2) == {}


@given(st.lists(st.sampled_from(["in", "out", "left", "right", "cursor"]), max_size=40), st.sampled_from(UNITS))
@settings(max_examples=40, deadline=None)
def test_no_keys_lead_outside_the_run_or_closer_than_a_few_batches(keys: list[str], unit: Unit) -> None:
    view = View("loss", unit=unit)
    full = axis_of(RUN, view, None)
    for key in keys:
        x = axis_of(RUN, view, None)
        match key:
            case "cursor":
                changes = move_cursor(RUN, view, x, 80, -7)
            case "left" | "right":
                changes = pan(x, full, 0.25 if key == "right" else -0.25)
            case _:
                changes = zoom(RUN, view, x, full, 0.3 if key == "in" else 3)
        view = attrs.evolve(view, **changes)
        x = axis_of(RUN, view, None)
        slack = 1e-9 * full.high
        assert full.low - slack <= x.low < x.high <= full.high + slack
        assert RUN.step_at(x.high, unit) - RUN.step_at(x.low, unit) >= 0
        assert x.high - x.low >= 3.9 * RUN.x_at(1000, unit) / 1000


@pytest.mark.parametrize("unit", UNITS)
def test_another_unit_keeps_cursor_and_zoom_on_their_batches(unit: Unit) -> None:
    view = View("loss", zoom=(200, 300), cursor=250.0)
    changed = attrs.evolve(view, **in_unit(RUN, view, unit))
    assert changed.zoom == pytest.approx((RUN.x_at(200, unit), RUN.x_at(300, unit)))
    assert changed.cursor == pytest.approx(RUN.x_at(250, unit))
    assert in_unit(RUN, View("loss"), unit) == {"unit": unit}
