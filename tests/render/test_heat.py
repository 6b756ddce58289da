import math

import pytest
from rich.color import Color

from mnist_tui.render.blocks import Glyphs, draw_digit
from mnist_tui.render.heat import draw_heat, enlarge, enlarge_digit, hues, peak_of
from mnist_tui.render.maps import draw_filter, draw_map, draw_table, fitting, lay_out
from mnist_tui.render.palette import DARK, LIGHT, Palette

PIXELS = bytes(range(256)) * 3 + bytes(16)
HEAT = [0.0] * 784
HEAT[0], HEAT[28], HEAT[56], HEAT[84], HEAT[2] = 4.0, 4.0, -4.0, -4.0, 1.0


def texts(lines: list[list[object]]) -> list[str]:
    return ["".join(getattr(segment, "text", "") for segment in line) for line in lines]


@pytest.mark.parametrize("glyphs", ["half", "shade", "ascii"])
def test_a_digit_under_heat_has_the_size_of_one_without(glyphs: Glyphs) -> None:
    lines = draw_heat(PIXELS, HEAT, DARK, glyphs)
    assert [sum(segment.cell_length for segment in line) for line in lines] == [28] * 14


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_for_is_orange_against_is_blue_and_the_further_from_0_the_more(palette: Palette) -> None:
    lines = draw_heat(bytes(784), HEAT, palette)
    speaks_for, speaks_against = hues(palette)

    def colour(text: str) -> tuple[int, int, int]:
        return tuple(Color.parse(text).get_truecolor())  # type: ignore[return-value]

    def nearness(cell: object, hue: str) -> float:
        back = cell.style.bgcolor.get_truecolor()  # type: ignore[attr-defined]
        return -math.dist(tuple(back), colour(hue))

    strongly, against = lines[0][0], lines[1][0]
    assert nearness(strongly, speaks_for) > nearness(strongly, speaks_against)
    assert nearness(against, speaks_against) > nearness(against, speaks_for)
    weakly = next(segment for segment in lines[0][1:] if segment.text == "▀")
    top = weakly.style.color.get_truecolor() if weakly.style and weakly.style.color else None
    assert top is not None
    assert -math.dist(tuple(top), colour(speaks_for)) < nearness(strongly, speaks_for)


def test_signs_stand_for_colour_where_there_is_none() -> None:
    lines = texts(draw_heat(bytes(784), HEAT, DARK, "ascii"))  # type: ignore[arg-type]
    assert lines[0][:3] == "# +"
    assert lines[1][0] == "="
    assert set("".join(lines[2:])) == {" "}


@pytest.mark.parametrize("glyphs", ["half", "ascii"])
def test_without_a_trace_or_with_what_is_not_a_number_the_digit_alone_is_left(glyphs: Glyphs) -> None:
    for heat in ([0.0] * 784, [math.nan] * 784, [math.inf, *[1.0] * 783]):
        assert peak_of(heat) == 0
        drawn = draw_heat(PIXELS, heat, DARK, glyphs)
        if glyphs == "ascii":
            assert texts(drawn) == texts(draw_digit(PIXELS, DARK, glyphs))  # type: ignore[arg-type]


def test_enlarging_repeats_rows_and_columns() -> None:
    assert enlarge([1, 2, 3, 4], 2, 2) == [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]
    assert enlarge_digit(bytes([1, 2, 3, 4]), 2, 2)[:4] == bytes([1, 1, 2, 2])


def test_maps_share_one_scale_and_an_odd_side_gets_a_blank_column() -> None:
    values = [0.0] * 49
    values[0] = values[7] = 2.0
    full, half = draw_map(values, 7, 2.0, DARK, "ascii"), draw_map(values, 7, 4.0, DARK, "ascii")
    assert [len(line) for line in texts(full)] == [8] * 4  # type: ignore[arg-type]
    assert texts(full)[0][0] == "@"  # type: ignore[arg-type]
    assert texts(half)[0][0] not in "@ "  # type: ignore[arg-type]
    assert set("".join(texts(draw_map([math.nan] * 49, 7, math.nan, DARK, "ascii")))) == {" "}  # type: ignore[arg-type]


def test_a_filter_is_three_lines_of_six_cells_and_a_table_half_as_high_as_it_has_rows() -> None:
    kernel = [1.0, 0, 0, 0, 0, 0, 0, 0, -1.0]
    assert texts(draw_filter(kernel, 1.0, DARK, "ascii")) == ["##    ", "      ", "    =="]  # type: ignore[arg-type]
    table = texts(draw_table([1.0] * 8 + [0.0] * 8, 8, DARK, "ascii"))  # type: ignore[arg-type]
    assert [len(line) for line in table] == [8]
    assert len(draw_table([0.0] * 64 * 32, 64, DARK)) == 16


def test_pictures_are_laid_out_in_whole_rows() -> None:
    picture = draw_map([1.0] * 196, 14, 1.0, DARK, "ascii")
    assert fitting((14, 7), 46, 20) == (3, 2)
    lines = lay_out([picture] * 20, (14, 7), 46, 20)
    assert [len(line) for line in texts(lines)] == [48] * 14  # type: ignore[arg-type]
    assert lay_out([picture], (14, 7), 10, 20) == []
