import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment

from mnist_tui.render.blocks import CELLS, LEVELS, SIDE, Glyphs, Size, draw_digit, draw_sized, halve
from mnist_tui.render.palette import DARK, LIGHT, mix
from tests.datafiles import cut

GLYPHS: list[Glyphs] = ["half", "quadrant", "braille", "shade", "ascii"]
SIZES: list[Size] = ["full", "half", "dense"]


def text_of(lines: list[list[Segment]]) -> list[str]:
    return ["".join(segment.text for segment in line) for line in lines]


def cells(line: list[Segment]) -> list[tuple[str, str, str]]:
    """Character, foreground and background of each cell."""
    found = []
    for segment in line:
        assert segment.style is not None
        colour = segment.style.color.name if segment.style.color else ""
        ground = segment.style.bgcolor.name if segment.style.bgcolor else ""
        found += [(character, colour, ground) for character in segment.text]
    return found


def test_two_pixels_share_a_cell() -> None:
    ink, paper = DARK.ink, DARK.paper
    pixels = bytes([255, 255, 0, 0, 255, 0, 255, 0]) + bytes([0, 0, 255, 255] * 2)
    top, bottom = draw_digit(pixels, DARK, side=4)
    assert cells(top) == [(" ", "", ink), ("▀", ink, paper), ("▀", paper, ink), (" ", "", paper)]
    assert cells(bottom) == [(" ", "", paper)] * 2 + [(" ", "", ink)] * 2


def test_equal_neighbours_are_one_segment() -> None:
    (line, *_) = draw_digit(bytes(784), DARK)
    assert [segment.text for segment in line] == [" " * 28]
    assert len(draw_digit(bytes([0] * 14 + [255] * 14) * 28, DARK)[0]) == 2


def test_grey_levels_are_mixed_from_paper_and_ink() -> None:
    line = draw_digit(bytes([0, 17, 128, 255] * 4), LIGHT, side=4)[0]
    grounds = [ground for _, _, ground in cells(line)]
    assert grounds[0] == LIGHT.paper
    assert grounds[3] == LIGHT.ink
    assert grounds[1] == mix(LIGHT.paper, LIGHT.ink, 1 / (LEVELS - 1))
    assert len(set(grounds)) == 4


def test_the_faintest_stroke_differs_from_paper() -> None:
    for glyphs in GLYPHS:
        value = 100 if glyphs == "braille" else 40  # which knows no grey
        blank, faint = (draw_digit(bytes([value]) * 784, DARK, glyphs) for value in (0, value))
        assert blank != faint


def test_shades_and_ascii_stand_for_the_mean_of_two_pixels() -> None:
    pixels = bytes([0, 255, 255, 128, 0, 255, 0, 128]) * 2
    assert text_of(draw_digit(pixels, DARK, "shade", side=4)) == [" █▒▒", " █▒▒"]
    assert text_of(draw_digit(pixels, DARK, "ascii", side=4)) == [" @++", " @++"]


TWO = [
    "      .:.     ",
    "     +##@#:   ",
    "        .%@   ",
    "  -##++-=@#   ",
    "  @@%%@@@@=.  ",
    "  .:==:..+*+  ",
    "              ",
]


def test_a_real_digit_can_be_read_at_half_size_in_ascii() -> None:
    split = cut(1, seed=0)
    assert split.labels == bytes([2])
    assert text_of(draw_digit(halve(split.digit(0)), DARK, "ascii", side=14)) == TWO


@given(st.binary(min_size=784, max_size=784), st.sampled_from(GLYPHS), st.sampled_from([14, 28]))
def test_a_picture_takes_its_cells_exactly(pixels: bytes, glyphs: Glyphs, side: int) -> None:
    shown = halve(pixels) if side == 14 else pixels
    lines = draw_digit(shown, DARK, glyphs, side)
    assert [len(line) for line in text_of(lines)] == [side] * (side // 2)
    assert glyphs != "ascii" or all(line.isascii() for line in text_of(lines))


@given(st.binary(min_size=784, max_size=784))
def test_half_blocks_show_every_pixels_level(pixels: bytes) -> None:
    lines = draw_digit(pixels, DARK)
    expected = [mix(DARK.paper, DARK.ink, min(15, (value * 15 + 254) // 255) / 15) for value in pixels]
    shown: list[str] = []
    for line in lines:
        row = cells(line)
        shown += [colour if character == "▀" else ground for character, colour, ground in row]
        shown += [ground for _, _, ground in row]
    assert shown == expected


def test_a_memoryview_draws_as_bytes_do() -> None:
    digit = cut(1).digit(0)
    assert draw_digit(digit, DARK) == draw_digit(bytes(digit), DARK)
    assert halve(digit) == halve(bytes(digit))


def test_halving_takes_the_mean_of_four_and_lifts_it() -> None:
    assert halve(bytes([0, 16, 32, 0, 16, 32, 0, 0] + [255] * 8), side=4) == bytes([20, 10, 255, 255])
    assert halve(bytes(784)) == bytes(196)


def test_each_palette_has_its_own_colours() -> None:
    assert draw_digit(bytes(784), DARK) != draw_digit(bytes(784), LIGHT)


def test_mixing_colours() -> None:
    assert mix("#000000", "#ff8000", 0.5) == "#804000"
    assert (mix("#123456", "#ffffff", 0), mix("#123456", "#abcdef", 1)) == ("#123456", "#abcdef")


@given(st.binary(min_size=784, max_size=784), st.sampled_from(GLYPHS), st.sampled_from(SIZES))
def test_every_size_takes_its_cells_exactly_in_all_glyphs(pixels: bytes, glyphs: Glyphs, size: Size) -> None:
    columns, rows = CELLS[size]
    lines = draw_sized(pixels, DARK, glyphs, size)
    assert [len(line) for line in text_of(lines)] == [columns] * rows
    assert columns == 2 * rows  # a cell is twice as high as wide
    assert glyphs != "ascii" or all(line.isascii() for line in text_of(lines))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("glyphs", "blank", "full"),
    [
        ("half", (" ", "", DARK.paper), (" ", "", DARK.ink)),
        ("quadrant", (" ", "", DARK.paper), (" ", "", DARK.ink)),
        ("braille", ("\u2800", DARK.ink, DARK.paper), ("⣿", DARK.ink, DARK.paper)),
        ("shade", (" ", DARK.ink, DARK.paper), ("█", DARK.ink, DARK.paper)),
        ("ascii", (" ", DARK.ink, DARK.paper), ("@", DARK.ink, DARK.paper)),
    ],
)
def test_a_blank_digit_is_paper_and_a_full_one_is_ink(
    glyphs: Glyphs, size: Size, blank: tuple[str, str, str], full: tuple[str, str, str]
) -> None:
    for value, cell in ((0, blank), (255, full)):
        lines = draw_sized(bytes([value]) * 784, DARK, glyphs, size)
        assert {shown for line in lines for shown in cells(line)} == {cell}
        assert all(len(line) == 1 for line in lines)


@given(st.binary(min_size=784, max_size=784))
def test_the_half_size_shows_lifted_means_in_half_blocks(pixels: bytes) -> None:
    assert draw_sized(pixels, DARK, "half", "half") == draw_digit(halve(pixels), DARK, "half", SIDE // 2)


def test_braille_shows_all_28_x_28_pixels_at_the_half_size() -> None:
    one_dot = bytearray(784)
    one_dot[28 * 13 + 9] = 255  # the fourth line's second row of dots, the fifth column's right dot
    lines = text_of(draw_sized(bytes(one_dot), DARK, "braille", "half"))
    assert lines[3] == "\u2800" * 4 + chr(0x2800 + 0x10) + "\u2800" * 9
    assert [line for line in lines if set(line) != {"\u2800"}] == [lines[3]]


def test_quadrants_keep_every_column_at_the_half_size() -> None:
    stripes = bytes([255, 0] * 14) * 28
    assert text_of(draw_sized(stripes, DARK, "quadrant", "half")) == ["▌" * 14] * 7


def test_empty_margins_are_left_out_at_the_dense_size_and_inked_ones_are_not() -> None:
    inner = bytearray(784)
    for row in range(2, 26):
        inner[28 * row + 2 : 28 * row + 26] = bytes([255]) * 24
    assert text_of(draw_sized(bytes(inner), DARK, "shade", "dense")) == ["█" * 8] * 4
    inner[0] = 255
    assert text_of(draw_sized(bytes(inner), DARK, "shade", "dense"))[0] != "█" * 8


def test_ten_digits_look_different_from_each_other_at_every_size_in_all_glyphs() -> None:
    split = cut(40)
    for glyphs in GLYPHS:
        for size in SIZES:
            assert len({str(draw_sized(split.digit(index), DARK, glyphs, size)) for index in range(40)}) == 40
