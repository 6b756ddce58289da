import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_tui.core.history import Bucket
from mnist_tui.render.axes import Axis
from mnist_tui.render.cells import (
    ABANDONED,
    ABANDONED_LABEL,
    AVERAGE,
    BEST,
    BLANK,
    CURSOR,
    LABEL,
    MARK,
    RAW,
    TEST,
    Cells,
)
from mnist_tui.render.columns import Columns, reduce_to_columns
from mnist_tui.render.curves import Point, draw_curves
from mnist_tui.render.marks import Line

NAN = math.nan
UNIT = Axis(0.0, 1.0)


def flat(width: int) -> Columns:
    return Columns([NAN] * width, [NAN] * width, [NAN] * width)


def average(values: Sequence[float]) -> Columns:
    return Columns([NAN] * len(values), [NAN] * len(values), list(values))


def text(cells: Cells) -> list[str]:
    return ["".join(row) for row in cells.characters]


def dots(cells: Cells) -> set[tuple[int, int]]:
    """The dots set, as (dot column from the left, dot row from the top)."""
    masks = {
        0x01: (0, 0),
        0x02: (0, 1),
        0x04: (0, 2),
        0x40: (0, 3),
        0x08: (1, 0),
        0x10: (1, 1),
        0x20: (1, 2),
        0x80: (1, 3),
    }
    return {
        (2 * column + x, 4 * row + y)
        for row, characters in enumerate(cells.characters)
        for column, character in enumerate(characters)
        if 0x2800 <= ord(character) < 0x2900
        for mask, (x, y) in masks.items()
        if (ord(character) - 0x2800) & mask
    }


# --- reducing


def buckets_of(values: Sequence[float], first: int = 1) -> list[Bucket]:
    return [
        Bucket(step, step, value, value, (0.0, 0.0, float(step), -float(step)))
        for step, value in enumerate(values, first)
    ]


def test_each_batch_of_a_short_run_has_its_column() -> None:
    columns = reduce_to_columns(buckets_of([3.0, 1.0, 2.0]), Axis(1, 3), 3)
    assert columns == Columns([3.0, 1.0, 2.0], [3.0, 1.0, 2.0], [1.0, 2.0, 3.0])


@given(st.lists(st.floats(0, 100) | st.just(NAN), max_size=80), st.integers(1, 20))
def test_a_column_keeps_the_extremes_and_the_last_average_of_its_batches(values: list[float], width: int) -> None:
    x = Axis(0, 80)
    columns = reduce_to_columns(buckets_of(values), x, width)
    for column in range(width):
        mine = [(step, v) for step, v in enumerate(values, 1) if int(step * (width - 1) / 80 + 0.5) == column]
        finite = [value for _, value in mine if not math.isnan(value)]
        found = (columns.lows[column], columns.highs[column], columns.averages[column])
        assert found[:2] == (min(finite), max(finite)) if finite else math.isnan(found[0]) and math.isnan(found[1])
        assert found[2] == [step for step, value in mine if value == value][-1] if finite else math.isnan(found[2])
        assert (column in columns.gaps) == bool(mine and not finite)


def test_batches_outside_the_limits_are_left_out() -> None:
    columns = reduce_to_columns(buckets_of([9.0] * 10 + [1.0] * 5 + [9.0] * 10), Axis(11, 15), 5)
    assert columns.lows == columns.highs == [1.0] * 5
    assert reduce_to_columns(buckets_of([1.0]), Axis(1, 1), 4).finite([NAN, 2.0]) == [2.0]


def test_a_column_at_an_edge_without_a_batch_lies_on_the_line_to_the_one_outside() -> None:
    buckets = buckets_of([0.5] * 101, first=0)
    columns = reduce_to_columns(buckets[::10], Axis(12, 18), 7)
    assert columns.averages[0] == pytest.approx(12)
    assert columns.averages[-1] == pytest.approx(18)
    columns = reduce_to_columns(buckets[::10], Axis(15, 25), 11)
    assert [columns.averages[at] for at in (0, 5, 10)] == pytest.approx([15, 20, 25])
    columns = reduce_to_columns(buckets[:1], Axis(5, 10), 6)
    assert not columns.finite(columns.averages)


def test_the_unit_and_the_strength_are_the_callers() -> None:
    columns = reduce_to_columns(buckets_of([3.0, 1.0, 2.0]), Axis(0, 2), 3, [0.0, 1.0, 2.0], smoothing=3)
    assert columns.averages == [-1.0, -2.0, -3.0]
    assert columns.lows == [3.0, 1.0, 2.0]


# --- where things land


@pytest.mark.parametrize(
    ("value", "row"), [(1.0, 0), (0.0, 15), (0.5, 8), (2 / 3, 5), (7.0, 0), (-7.0, 15), (1e308, 0), (-1e308, 15)]
)
def test_a_value_lands_on_its_dot_and_stays_inside(value: float, row: int) -> None:
    cells = draw_curves((1, 4), UNIT, UNIT, average([value, NAN]), None)
    assert dots(cells) == {(0, row)}
    assert cells.styles[row // 4][0] == AVERAGE


def test_a_line_joins_neighbouring_columns_without_gaps() -> None:
    cells = draw_curves((2, 4), UNIT, UNIT, average([1.0, 0.0, 0.0, 1.0]), None)
    found = dots(cells)
    assert {(0, 0), (1, 15), (2, 15), (3, 0)} <= found
    for column in range(3):
        here = {row for x, row in found if x == column} | {row for x, row in found if x == column + 1}
        assert here == set(range(16)) or column == 1


def test_a_line_bridges_columns_without_batches() -> None:
    cells = draw_curves((3, 4), UNIT, UNIT, average([1.0, NAN, NAN, NAN, NAN, 0.0]), None)
    assert {column for column, _ in dots(cells)} == set(range(6))
    assert (0, 0) in dots(cells)
    assert (5, 15) in dots(cells)


def test_raw_values_are_strokes_from_lowest_to_highest() -> None:
    columns = Columns([0.0, NAN, 1.0, NAN], [1.0, NAN, 1.0, NAN], [NAN] * 4)
    cells = draw_curves((2, 4), UNIT, UNIT, columns, None)
    assert dots(cells) == {(0, row) for row in range(16)} | {(2, 0)}
    assert cells.styles[0] == [RAW, RAW]
    assert cells.styles[3] == [RAW, BLANK]


def test_the_average_hides_the_raw_values_of_its_cell() -> None:
    columns = Columns([0.0, NAN], [1.0, NAN], [1.0, NAN])
    cells = draw_curves((1, 4), UNIT, UNIT, columns, None)
    assert [row[0] for row in cells.styles] == [AVERAGE, RAW, RAW, RAW]
    assert (0, 1) not in dots(cells)


def test_values_that_are_no_numbers_leave_gaps() -> None:
    cells = draw_curves((3, 2), UNIT, UNIT, flat(6), None)
    assert text(cells) == ["   ", "   "]
    columns = Columns([0.5, NAN, 0.5, 0.5, NAN, 0.5], [0.5, NAN, 0.5, 0.5, NAN, 0.5], [NAN] * 6)
    cells = draw_curves((3, 2), UNIT, UNIT, columns, None)
    assert {column for column, _ in dots(cells)} == {0, 2, 3, 5}


def test_a_scale_of_its_own_is_applied() -> None:
    cells = draw_curves((1, 4), UNIT, Axis(-2.0, 0.0), average([0.01, NAN]), math.log10)
    assert dots(cells) == {(0, 15)}


@pytest.mark.parametrize(("step", "column"), [(0, 0), (100, 9), (50, 5), (49, 4)])
@pytest.mark.parametrize(("value", "row"), [(1.0, 0), (0.0, 3), (0.4, 2), (9.0, 0), (-9.0, 3)])
def test_an_evaluation_lands_in_its_cell(step: int, column: int, value: float, row: int) -> None:
    cells = draw_curves((10, 4), Axis(0, 100), UNIT, flat(20), None, [Point(step, value)])
    lines = text(cells)
    assert lines[row][column] == "●"
    assert cells.styles[row][column] == TEST
    assert "".join(lines).count("●") == 1


def test_the_best_evaluation_stands_out_and_strangers_are_left_out() -> None:
    points = [Point(50, 0.5), Point(50, 0.5, best=True), Point(-5, 0.5), Point(105, 0.5), Point(20, NAN)]
    cells = draw_curves((10, 4), Axis(0, 100), UNIT, flat(20), None, points)
    assert "".join(text(cells)).strip() == "◆"
    assert BEST in {style for row in cells.styles for style in row}


# --- marks


def test_a_mark_is_a_dotted_line_with_its_label_beside_it() -> None:
    cells = draw_curves((20, 4), Axis(0, 100), UNIT, flat(40), None, marks=[Line(25, "lr 0.1→0.2")])
    lines = text(cells)
    assert lines[0] == "     ┊lr 0.1→0.2    "
    assert lines[1:] == ["     ┊              "] * 3
    assert cells.styles[0][5:8] == [MARK, LABEL, LABEL]


def test_a_label_without_room_on_the_right_goes_to_the_left() -> None:
    cells = draw_curves((20, 2), Axis(0, 100), UNIT, flat(40), None, marks=[Line(90, "lr 0.1→0.2")])
    assert text(cells)[0] == "       lr 0.1→0.2┊  "


def test_labels_that_would_overlap_go_to_the_next_row_and_too_many_are_dropped() -> None:
    marks = [Line(10, "one"), Line(11, "two"), Line(12, "three")]
    cells = draw_curves((20, 4), Axis(0, 100), UNIT, flat(40), None, marks=marks)
    lines = text(cells)
    assert "three" in lines[0]
    assert "two" in lines[1]
    assert not any("one" in line for line in lines)


def test_the_newest_edit_and_the_newest_that_was_undone_have_labels_first() -> None:
    marks = [Line(10, "one"), Line(11, "two"), Line(12, "gone", undone=True), Line(11, "old", undone=True)]
    lines = text(draw_curves((20, 4), Axis(0, 100), UNIT, flat(40), None, marks=marks))
    assert "two" in lines[0]
    assert "undone gone" in lines[1]


def test_labels_of_a_rising_curve_are_below() -> None:
    cells = draw_curves((20, 4), Axis(0, 100), UNIT, flat(40), None, marks=[Line(25, "a")], labels_low=True)
    assert text(cells)[3] == "     ┊a             "


def test_marks_outside_the_limits_are_left_out() -> None:
    marks = [Line(5, "before"), Line(200, "after")]
    cells = draw_curves((20, 4), Axis(50, 100), UNIT, flat(40), None, marks=marks)
    assert set("".join(text(cells))) == {" "}


def test_curves_are_drawn_over_marks() -> None:
    cells = draw_curves((10, 1), Axis(0, 100), UNIT, average([0.5] * 20), None, marks=[Line(50, "")])
    assert cells.styles[0] == [AVERAGE] * 10


# --- ASCII, sizes, differences

shares = st.floats(0, 1) | st.just(NAN)
columns_of_20 = st.builds(Columns, *(st.lists(shares, min_size=20, max_size=20) for _ in range(3)))
marks = st.lists(st.builds(Line, st.integers(0, 100), st.sampled_from(["lr 0.1→0.2", "x"]), st.booleans()), max_size=4)
points = st.lists(st.builds(Point, st.integers(0, 100), shares, st.booleans()), max_size=4)


@given(columns_of_20, marks, points)
def test_ascii_is_ascii(columns: Columns, marks: list[Line], points: list[Point]) -> None:
    cells = draw_curves((10, 4), Axis(0, 100), UNIT, columns, None, points, marks, ascii_only=True)
    assert all(line.isascii() for line in text(cells))


def test_a_curve_in_ascii_has_one_value_a_cell() -> None:
    cells = draw_curves((3, 3), UNIT, UNIT, average([1.0, 1.0, 0.5, 0.5, 0.0, 0.0]), None, ascii_only=True)
    assert [line[0] for line in text(cells)] == ["*", " ", " "]
    assert text(cells)[2][2] == "*"
    points = [Point(0, 0.0), Point(1, 1.0, best=True)]
    cells = draw_curves((3, 3), UNIT, UNIT, flat(6), None, points, [Line(0, "a→b")], ascii_only=True)
    assert text(cells) == ["a>b", ":  ", "o  "]


def test_the_average_is_not_drawn_across_columns_without_a_finite_batch() -> None:
    bridged = Columns([NAN] * 6, [NAN] * 6, [1.0, NAN, NAN, NAN, NAN, 0.0])
    broken = Columns([NAN] * 6, [NAN] * 6, [1.0, NAN, NAN, NAN, NAN, 0.0], frozenset({2}))
    assert {column for column, _ in dots(draw_curves((3, 4), UNIT, UNIT, bridged, None))} == {*range(6)}
    assert {column for column, _ in dots(draw_curves((3, 4), UNIT, UNIT, broken, None))} == {0, 5}


# --- what was undone, and the cursor


def test_an_abandoned_branch_is_drawn_below_everything() -> None:
    undone = average([0.0] * 6)
    cells = draw_curves((3, 2), UNIT, UNIT, average([1.0] * 6), None, abandoned=[undone])
    assert cells.styles == [[AVERAGE] * 3, [ABANDONED] * 3]
    cells = draw_curves((3, 2), UNIT, UNIT, average([0.0] * 6), None, abandoned=[undone])
    assert cells.styles == [[BLANK] * 3, [AVERAGE] * 3]
    cells = draw_curves((3, 2), UNIT, UNIT, flat(6), None, abandoned=[undone], ascii_only=True)
    assert text(cells) == ["   ", "..."]


def test_a_branch_that_diverged_goes_along_the_edge() -> None:
    undone = average([0.5, 0.5, 9.0, math.inf, 0.5, 0.5])
    cells = draw_curves((3, 2), UNIT, UNIT, flat(6), None, abandoned=[undone])
    assert [row[1] for row in cells.styles] == [ABANDONED, BLANK]
    assert {column for column, _ in dots(cells)} == {*range(6)}


def test_a_branch_shows_no_raw_batches() -> None:
    undone = Columns([0.0] * 6, [1.0] * 6, [NAN] * 6)
    cells = draw_curves((3, 2), UNIT, UNIT, flat(6), None, abandoned=[undone])
    assert text(cells) == ["   ", "   "]


def test_an_edit_that_was_undone_says_so_and_makes_room_for_the_one_in_force() -> None:
    lines = [Line(10, "a", undone=True), Line(10, "b")]
    cells = draw_curves((20, 4), Axis(0, 100), UNIT, flat(40), None, marks=lines)
    assert "b" in text(cells)[0]
    assert "undone a" in text(cells)[1]
    assert cells.styles[0][3] == LABEL
    assert cells.styles[1][3] == ABANDONED_LABEL
    assert cells.styles[3][2] == MARK
    alone = draw_curves((20, 4), Axis(0, 100), UNIT, flat(40), None, marks=lines[:1])
    assert alone.styles[3][2] == ABANDONED


@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_cursor_stands_behind_curves_and_over_marks(ascii_only: bool) -> None:
    cells = draw_curves(
        (9, 5), UNIT, UNIT, average([0.5] * 18), None, marks=[Line(0.5, "")], ascii_only=ascii_only, cursor=0.5
    )
    assert [row[4] for row in cells.styles] == [CURSOR, CURSOR, AVERAGE, CURSOR, CURSOR]
    assert cells.characters[0][4] == ("|" if ascii_only else "│")
    assert all(CURSOR not in row[:4] + row[5:] for row in cells.styles)


def test_a_cursor_outside_the_limits_is_not_drawn() -> None:
    assert text(draw_curves((3, 1), UNIT, UNIT, flat(6), None, cursor=2.0)) == ["   "]


@pytest.mark.parametrize("size", [(0, 0), (0, 4), (4, 0), (1, 1)])
def test_no_room_is_no_error(size: tuple[int, int]) -> None:
    cells = draw_curves(size, UNIT, UNIT, flat(2 * size[0]), None, [Point(0, 0.5)], [Line(0, "mark")])
    assert len(cells.characters) == size[1]
    assert all(len(row) == size[0] for row in cells.characters)


def test_limits_without_a_span_draw_nothing() -> None:
    assert text(draw_curves((3, 1), UNIT, Axis(1.0, 1.0), average([0.5] * 6), None)) == ["   "]
    assert text(draw_curves((3, 1), Axis(1, 1), UNIT, flat(6), None, [Point(1, 0.5)])) == ["●  "]


def test_text_is_cut_at_the_edges() -> None:
    cells = Cells(4, 1)
    cells.put(0, 2, "abc", LABEL)
    cells.put(0, -1, "xy", LABEL)
    cells.put(5, 0, "no", LABEL)
    assert text(cells) == ["y ab"]


@given(columns_of_20, columns_of_20, marks, points)
@settings(max_examples=60)
def test_changes_are_exactly_what_has_to_be_sent(
    before: Columns, after: Columns, marks: list[Line], points: list[Point]
) -> None:
    old = draw_curves((10, 4), Axis(0, 100), UNIT, before, None)
    new = draw_curves((10, 4), Axis(0, 100), UNIT, after, None, points, marks)
    stretches = new.changes(old)
    assert [row for row, _, _ in stretches] == sorted({row for row, _, _ in stretches})
    covered = {row: (first, end) for row, first, end in stretches}
    for row in range(4):
        differing = [
            column
            for column in range(10)
            if (new.characters[row][column], new.styles[row][column])
            != (old.characters[row][column], old.styles[row][column])
        ]
        assert covered.get(row) == ((differing[0], differing[-1] + 1) if differing else None)


def test_nothing_changed_is_nothing_to_send() -> None:
    cells = draw_curves((10, 4), UNIT, UNIT, average([0.5] * 20), None)
    assert cells.changes(cells) == []
    assert Cells(3, 2).changes(Cells(3, 2)) == []


def test_another_size_is_sent_whole() -> None:
    whole = [(0, 0, 3), (1, 0, 3)]
    assert Cells(3, 2).changes(None) == whole
    assert Cells(3, 2).changes(Cells(3, 1)) == whole
    narrow = Cells(2, 2)
    narrow.put(0, 0, "x", RAW)
    narrow.put(1, 0, "x", RAW)
    assert Cells(3, 2).changes(narrow) == whole
    assert Cells(0, 0).changes(None) == []


def test_a_colour_alone_is_a_change() -> None:
    plain, coloured = Cells(3, 1), Cells(3, 1)
    coloured.put(0, 1, " ", MARK)
    assert coloured.changes(plain) == [(0, 1, 2)]
