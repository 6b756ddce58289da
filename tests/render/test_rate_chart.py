import math

import pytest

from mnist_tui.render.cells import AVERAGE, BEST, LABEL, MARK
from mnist_tui.render.chart import Drawing
from mnist_tui.render.rate_chart import HIGH, LOW, draw_rates, loss_at, rate_axis

RATES = [10 ** (-7 + number / 10) for number in range(75)]
LOSSES = [2.3 - 2 / (1 + math.exp(-8 * (math.log10(rate) + 3))) for rate in RATES]


def cells_of(drawing: Drawing, style: int) -> list[tuple[int, int]]:
    return [
        (row, column)
        for row, styles in enumerate(drawing.cells.styles)
        for column, here in enumerate(styles)
        if here == style
    ]


def test_the_axis_is_in_decades_from_the_lowest_to_the_highest_rate() -> None:
    axis = rate_axis()
    assert (axis.low, axis.high) == (LOW, HIGH)
    assert [label for _, label in axis.ticks][::4] == ["1e-07", "0.001", "10"]


def test_the_curve_falls_from_left_to_right_and_ends_where_the_rates_do() -> None:
    drawing = draw_rates(RATES, LOSSES, None, None, 80, 20)
    rows = {column: row for row, column in cells_of(drawing, AVERAGE)}
    assert max(rows) < drawing.frame.columns - 4
    assert rows[0] < rows[max(rows)]
    assert set(range(max(rows))) <= set(rows)  # no hole in it


def test_the_cursor_is_a_line_with_its_rate_and_the_suggestion_a_diamond() -> None:
    drawing = draw_rates(RATES, LOSSES, 1e-3, 1e-5, 80, 20)
    columns = {column for _, column in cells_of(drawing, MARK)}
    assert len(columns) == 1
    assert next(iter(columns)) == pytest.approx(drawing.frame.columns / 2, abs=1)
    ((_, best),) = cells_of(drawing, BEST)
    assert best == pytest.approx(drawing.frame.columns / 4, abs=1)
    text = "\n".join("".join(row) for row in drawing.cells.characters)
    assert "0.001" in text
    assert cells_of(drawing, LABEL)


def test_an_explosion_does_not_flatten_the_rest() -> None:
    exploded = draw_rates([*RATES, 9.0], [*LOSSES, 1e30], None, None, 80, 20)
    assert float(exploded.frame.lines[0].split("┤")[0]) < 5


@pytest.mark.parametrize(("width", "height"), [(0, 0), (1, 1), (10, 2), (20, 5), (300, 80)])
@pytest.mark.parametrize("count", [0, 1, 2, 75])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_any_size_and_any_number_of_rates_can_be_drawn(width: int, height: int, count: int, ascii_only: bool) -> None:
    drawing = draw_rates(RATES[:count], LOSSES[:count], 1e-3, RATES[0] if count else None, width, height, ascii_only)
    text = "".join("".join(row) for row in drawing.cells.characters) + "".join(drawing.frame.lines)
    assert not ascii_only or text.isascii()


def test_the_loss_of_a_rate_is_that_of_its_nearest() -> None:
    assert loss_at([1e-3, 1e-2], [2.0, 1.0], 2e-3) == 2.0
    assert loss_at([1e-3, 1e-2], [2.0, 1.0], 9e-3) == 1.0
    assert math.isnan(loss_at([], [], 1e-3))
