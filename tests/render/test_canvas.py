import pytest
from rich.segment import Segment

from mnist_tui.render.blocks import Glyphs
from mnist_tui.render.canvas import draw_field, field_of, fits_double
from mnist_tui.render.palette import DARK, LIGHT

PIXELS = bytes(255 if index in {0, 29, 783} else 0 for index in range(784))


def texts(lines: list[list[Segment]]) -> list[str]:
    return ["".join(segment.text for segment in line) for line in lines]


@pytest.mark.parametrize("glyphs", ["half", "shade", "ascii"])
@pytest.mark.parametrize(("double", "width", "height"), [(True, 56, 28), (False, 28, 14)])
@pytest.mark.parametrize("cursor", [None, (0, 0), (27, 27), (13, 6)])
def test_every_line_is_as_wide_as_the_canvas(
    glyphs: Glyphs, double: bool, width: int, height: int, cursor: tuple[int, int] | None
) -> None:
    lines = texts(draw_field(PIXELS, DARK, glyphs, double=double, cursor=cursor))
    assert len(lines) == height
    assert {len(line) for line in lines} == {width}


def test_a_pixel_is_two_cells_wide_and_one_high_at_double_size() -> None:
    lines = texts(draw_field(PIXELS, DARK, "ascii", double=True))
    assert lines[0] == "@@" + " " * 54
    assert lines[1] == "  @@" + " " * 52
    assert lines[27] == " " * 54 + "@@"


def test_the_cursor_is_read_without_colour() -> None:
    assert texts(draw_field(bytes(784), DARK, "ascii", double=True, cursor=(3, 5)))[5].index("[]") == 6
    assert texts(draw_field(bytes(784), DARK, "half", double=False, cursor=(3, 4)))[2][3] == "^"
    assert texts(draw_field(bytes(784), DARK, "half", double=False, cursor=(3, 5)))[2][3] == "v"


def test_the_cursor_hides_nothing_but_its_own_pixel() -> None:
    plain = texts(draw_field(PIXELS, DARK, "ascii", double=True))
    marked = texts(draw_field(PIXELS, DARK, "ascii", double=True, cursor=(1, 1)))
    assert marked[1] == "  []" + plain[1][4:]
    assert marked[:1] + marked[2:] == plain[:1] + plain[2:]


def test_the_paper_can_be_told_from_the_panel_in_both_themes() -> None:
    for palette in (DARK, LIGHT):
        assert field_of(palette).paper != palette.surface


def test_double_size_needs_room() -> None:
    assert fits_double(56, 28)
    assert not fits_double(55, 40)
    assert not fits_double(80, 27)
