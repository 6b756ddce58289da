from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.braille import THRESHOLDS, draw_braille
from mnist_tui.render.inks import INKS, InkName, inked
from mnist_tui.render.mosaic import joined
from mnist_tui.render.palette import DARK, LIGHT, Palette
from mnist_tui.render.quadrants import LEVELS, quadrant_codes, quadrant_runs, two_colours

GRID = st.binary(min_size=64, max_size=64)  # 8 x 8


@given(GRID)
def test_a_braille_dot_is_set_from_its_threshold_on(grid: bytes) -> None:
    lines = draw_braille(grid, 4, DARK)
    dots = ((0, 3), (1, 4), (2, 5), (6, 7))  # the numbers of the dots, less one, by row and column
    for line, column in product(range(2), range(4)):
        expected = 0x2800
        for y, x in product(range(4), range(2)):
            if grid[8 * (4 * line + y) + 2 * column + x] >= THRESHOLDS[y][x]:
                expected += 1 << dots[y][x]
        assert lines[line][0].text[column] == chr(expected)


def test_braille_thresholds_differ_around_the_middle() -> None:
    flat = sorted(value for row in THRESHOLDS for value in row)
    assert len(set(flat)) == 8
    assert 110 <= sum(flat) / 8 <= 140


@given(st.lists(st.integers(0, LEVELS - 1), min_size=4, max_size=4))
def test_no_other_two_colours_come_closer_to_four_pixels(levels: list[int]) -> None:
    bits, high, low = two_colours(levels)
    chosen = [high if bits & 8 >> place else low for place in range(4)]
    error = sum((level - colour) ** 2 for level, colour in zip(levels, chosen, strict=True))
    for mask in range(16):
        sides = [[level for place, level in enumerate(levels) if bool(mask & 8 >> place) is on] for on in (False, True)]
        other = sum((level - sum(side) / len(side)) ** 2 for side in sides if side for level in side)
        assert error <= other + 1e-9


SPOTS = {"▘": (0,), "▝": (1,), "▖": (2,), "▗": (3,), "▀": (0, 1), "▄": (2, 3), "▌": (0, 2), "▐": (1, 3)} | {
    "▚": (0, 3),
    "▞": (1, 2),
    "▛": (0, 1, 2),
    "▜": (0, 1, 3),
    "▙": (0, 2, 3),
    "▟": (1, 2, 3),
}


def test_each_quadrant_stands_where_its_pixels_are() -> None:
    runs = quadrant_runs(DARK)
    for glyph, inked_places in SPOTS.items():
        grid = bytes(255 if place in inked_places else 0 for place in range(4))
        segment = runs[quadrant_codes(grid, 1)]
        assert segment.text == glyph
        assert segment.style is not None
        assert segment.style.color == Color.parse(DARK.ink)
        assert segment.style.bgcolor == Color.parse(DARK.paper)


def lightness(colour: str) -> float:
    """CIE L*, 0..100."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


def palettes() -> list[tuple[Palette, InkName]]:
    return [(palette, name) for palette in (DARK, LIGHT) for name in INKS]


def test_every_ramp_only_grows_lighter_or_only_darker() -> None:
    for palette, name in palettes():
        shades = [lightness(inked(palette, name).shade(level / 15)) for level in range(16)]
        steps = [after - before for before, after in pairwise(shades)]
        sign = 1 if palette.dark else -1
        assert all(sign * step >= 0 for step in steps), (name, palette.dark, steps)
        assert sign * steps[0] > 0
        assert abs(shades[-1] - shades[0]) > 60


def test_a_ramp_begins_with_paper_and_ends_in_ink() -> None:
    for palette, name in palettes():
        ours = inked(palette, name)
        assert ours.paper == palette.paper
        assert (ours.shade(0), ours.shade(1)) == (ours.paper, ours.ink)


def test_inks_differ_and_high_contrast_is_full_at_half() -> None:
    for palette in (DARK, LIGHT):
        assert len({inked(palette, name).ink for name in INKS}) >= 3
        assert len({inked(palette, name).shade(0.5) for name in INKS}) == len(INKS)
        assert inked(palette, "contrast").shade(0.5) == inked(palette, "contrast").ink


def test_right_and_wrong_differ_in_lightness_in_every_palette() -> None:
    for palette, name in palettes():
        ours = inked(palette, name)
        assert abs(lightness(ours.right) - lightness(ours.wrong)) > 9


def test_neighbours_of_the_very_same_style_become_one_segment() -> None:
    one, other = Style(color="#ffffff"), Style(color="#000000")
    line = [Segment("a", one), Segment("b", one), Segment("c", other), Segment("d", one)]
    assert joined(line) == [Segment("ab", one), Segment("c", other), Segment("d", one)]
    assert joined([]) == []
