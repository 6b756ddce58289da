"""Curves over each other, told apart by letters."""

import math

import pytest

from mnist_tui.core.curves import CURVE_KINDS
from mnist_tui.render.chart import Drawing
from mnist_tui.render.overlay import LETTER, LINE, Overlaid, draw_overlay

RISING = [(step, 0.9 + step / 20000) for step in range(100, 1001, 100)]
FALLING = [(step, 1.0 - step / 20000) for step in range(100, 1001, 100)]


def drawn(*runs: Overlaid, ascii_only: bool = False, log: bool = False, size: tuple[int, int] = (80, 20)) -> Drawing:
    drawing = draw_overlay(runs, "test accuracy", *size, log=log, ascii_only=ascii_only)
    assert drawing is not None
    return drawing


def places(drawing: Drawing, letter: str) -> list[tuple[int, int]]:
    """Where a letter stands as (column, row)."""
    rows = drawing.cells.characters
    return [(x, y) for x in range(len(rows[0])) for y in range(len(rows)) if rows[y][x] == letter]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_curve_carries_its_letter_along_it_and_at_its_end(ascii_only: bool) -> None:
    drawing = drawn(Overlaid("A", 0, RISING), Overlaid("B", 1, FALLING), ascii_only=ascii_only)
    a, b = places(drawing, "A"), places(drawing, "B")
    assert len(a) >= 3
    assert len(b) >= 3
    assert [y for _, y in a] == sorted((y for _, y in a), reverse=True)
    assert [y for _, y in b] == sorted(y for _, y in b)
    assert a[-1][0] == b[-1][0]
    if ascii_only:
        assert all(character.isascii() for row in drawing.cells.characters for character in row)


def test_letters_and_lines_have_the_style_of_their_run() -> None:
    drawing = drawn(Overlaid("A", 0, RISING), Overlaid("*", 6, FALLING))
    styles = {style for row in drawing.cells.styles for style in row}
    assert styles == {0, LINE, LINE + 6, LETTER, LETTER + 6}


def test_equal_curves_both_have_their_letter_at_the_end() -> None:
    drawing = drawn(*(Overlaid(letter, number, RISING) for number, letter in enumerate("ABC")))
    ends = [places(drawing, letter)[-1] for letter in "ABC"]
    assert len({x for x, _ in ends}) == 1
    assert len({y for _, y in ends}) == 3


def test_one_evaluation_is_a_letter() -> None:
    assert len(places(drawn(Overlaid("A", 0, [(938, 0.98)])), "A")) == 1


@pytest.mark.parametrize("kind", CURVE_KINDS)
@pytest.mark.parametrize("log", [False, True])
def test_no_number_draws_nothing_and_breaks_nothing(kind: str, log: bool) -> None:
    nothing = Overlaid("A", 0, [(1, math.nan)])
    assert draw_overlay([nothing], kind, 80, 20, log=log, ascii_only=False) is None  # type: ignore[arg-type]
    assert draw_overlay([], kind, 80, 20, log=log, ascii_only=False) is None  # type: ignore[arg-type]
    some = Overlaid("B", 1, [(1, 0.5), (2, math.nan), (3, 0.25)])
    drawing = draw_overlay([nothing, some], kind, 80, 20, log=log, ascii_only=False)  # type: ignore[arg-type]
    assert drawing is not None
    assert places(drawing, "B")


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (10, 2), (14, 3), (20, 4)])
def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    drawn(Overlaid("A", 0, RISING), Overlaid("B", 1, FALLING), size=size)
