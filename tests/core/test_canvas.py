import pytest

from mnist_tui.core.canvas import BRUSHES, Canvas


def ink(canvas: Canvas, column: int, row: int) -> int:
    return canvas.pixels[row * 28 + column]


def stroke(canvas: Canvas, *places: tuple[float, float]) -> None:
    canvas.press(*places[0])
    for place in places[1:]:
        canvas.drag(*place)
    canvas.lift()


def test_a_line_between_two_reports_has_no_gap_and_fades_beside() -> None:
    canvas = Canvas()
    stroke(canvas, (3.5, 10.5), (24.5, 17.5))
    for column in range(3, 25):
        row = 10.5 + (column - 3) / 3
        assert ink(canvas, column, int(row)) == 255
    assert 0 < ink(canvas, 14, 12) < 255 or 0 < ink(canvas, 14, 16) < 255
    assert canvas.pixels.count(0) > 600


def test_within_a_stroke_the_darkest_counts_and_strokes_add_up_to_255() -> None:
    canvas = Canvas()
    stroke(canvas, (14.0, 14.5), (20.0, 14.5))
    edge = ink(canvas, 17, 16)
    assert 0 < edge < 128
    canvas.press(14.0, 14.5)
    for _ in range(5):
        canvas.drag(20.0, 14.5)
        canvas.drag(14.0, 14.5)
    canvas.lift()
    assert ink(canvas, 17, 16) == 2 * edge
    assert ink(canvas, 17, 14) == 255


def test_broader_brushes_leave_more_ink() -> None:
    masses = []
    for brush in range(len(BRUSHES)):
        canvas = Canvas()
        canvas.brush = brush
        stroke(canvas, (14.5, 14.5))
        masses.append(sum(canvas.pixels))
    assert masses == sorted(set(masses))


@pytest.mark.parametrize("by_button", [False, True])
def test_erasing_takes_ink_away(by_button: bool) -> None:
    canvas = Canvas()
    stroke(canvas, (5.5, 14.5), (22.5, 14.5))
    canvas.erasing = not by_button
    canvas.press(14.5, 14.5, erase=True if by_button else None)
    canvas.lift()
    assert ink(canvas, 14, 14) == 0
    assert ink(canvas, 5, 14) == 255


def test_strokes_are_taken_back_one_by_one() -> None:
    canvas = Canvas()
    assert not canvas.undo()
    stroke(canvas, (5.5, 5.5), (9.5, 9.5))
    one = canvas.pixels
    stroke(canvas, (15.5, 5.5), (9.5, 19.5))
    canvas.clear()
    assert canvas.blank
    canvas.undo()
    canvas.undo()
    assert canvas.pixels == one
    canvas.undo()
    assert canvas.blank


def test_a_stroke_may_leave_the_canvas() -> None:
    canvas = Canvas()
    stroke(canvas, (14.5, 14.5), (-40.0, 14.5))
    stroke(canvas, (100.0, 100.0), (90.0, 300.0))
    assert ink(canvas, 0, 14) == 255
    assert ink(canvas, 27, 27) == 0


def test_nothing_is_drawn_between_strokes() -> None:
    canvas = Canvas()
    stroke(canvas, (5.5, 5.5))
    before = canvas.revision
    canvas.drag(20.0, 20.0)
    assert canvas.revision == before


def test_shifting_moves_every_pixel_and_loses_what_leaves() -> None:
    canvas = Canvas()
    canvas.replace(bytes([9] + [0] * 26 + [7] + [0] * 756))
    canvas.shift(1, 2)
    assert ink(canvas, 1, 2) == 9
    assert sum(canvas.pixels) == 9


def test_four_quarter_turns_are_none_and_one_is_clockwise() -> None:
    canvas = Canvas()
    stroke(canvas, (14.0, 3.5), (14.0, 8.5))
    before = canvas.pixels
    canvas.rotate(90)
    assert ink(canvas, 24, 14) == 255
    for _ in range(3):
        canvas.rotate(90)
    assert max(abs(a - b) for a, b in zip(before, canvas.pixels, strict=True)) <= 2


def test_noise_is_another_each_time_and_the_same_in_every_program() -> None:
    first, second = Canvas(), Canvas()
    first.add_noise()
    second.add_noise()
    assert first.pixels == second.pixels
    once = first.pixels
    first.clear()
    first.add_noise()
    assert first.pixels != once
