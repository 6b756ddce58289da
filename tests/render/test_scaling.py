import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.render.scaling import crop, lanes, scale


def area_mean(pixels: bytes, side: int, columns: int, rows: int) -> list[float]:
    """The slow way: every output pixel the mean of the area it covers."""

    def covered(place: int, count: int) -> list[tuple[int, float]]:
        low, high = place * side / count, (place + 1) * side / count
        overlaps = [(at, min(at + 1, high) - max(at, low)) for at in range(side)]
        return [(at, overlap / (high - low)) for at, overlap in overlaps if overlap > 0]

    return [
        sum(
            pixels[y * side + x] * wide * high for y, high in covered(row, rows) for x, wide in covered(column, columns)
        )
        for row in range(rows)
        for column in range(columns)
    ]


@given(st.data(), st.sampled_from([(28, 14, 14), (28, 28, 14), (28, 16, 16), (24, 8, 8), (24, 16, 16), (28, 8, 4)]))
def test_a_smaller_picture_is_made_of_area_means(data: st.DataObject, sizes: tuple[int, int, int]) -> None:
    side, columns, rows = sizes
    pixels = data.draw(st.binary(min_size=side * side, max_size=side * side))
    scaled = scale(pixels, side, columns, rows)
    expected = area_mean(pixels, side, columns, rows)
    assert len(scaled) == len(expected)
    assert max(abs(have - want) for have, want in zip(scaled, expected, strict=True)) < 3


def linear(line: bytes) -> list[float]:
    clamped = [line[0], *line, line[-1]]
    pairs = [
        (0.75 * clamped[at] + 0.25 * clamped[at - 1], 0.75 * clamped[at] + 0.25 * clamped[at + 1])
        for at in range(1, len(line) + 1)
    ]
    return [value for pair in pairs for value in pair]


@given(st.binary(min_size=64, max_size=64))
def test_a_picture_twice_as_wide_or_high_is_linear_between_neighbours(pixels: bytes) -> None:
    wide, high = scale(pixels, 8, 16, 8), scale(pixels, 8, 8, 16)
    for at in range(8):
        for have, want in (
            (wide[16 * at : 16 * at + 16], linear(pixels[8 * at : 8 * at + 8])),
            (high[at::8], linear(pixels[at::8])),
        ):
            assert max(abs(a - b) for a, b in zip(have, want, strict=True)) <= 0.5


@given(st.binary(min_size=64, max_size=64))
def test_the_same_size_is_the_same_picture(pixels: bytes) -> None:
    assert scale(pixels, 8, 8, 8) == pixels


@pytest.mark.parametrize("size", [4, 8, 14, 16, 28, 56])
def test_black_stays_black_and_white_white(size: int) -> None:
    for value in (0, 255):
        assert set(scale(bytes([value]) * 784, 28, size, size)) == {value}


def test_other_growth_is_refused() -> None:
    with pytest.raises(ValueError, match="from 28 to 42"):
        scale(bytes(784), 28, 42, 28)


def test_lanes_have_16_bits() -> None:
    assert lanes(b"\x01\xff") == 0x00FF0001


@pytest.mark.parametrize("place", [0, 11, 12, 13, 16, 17, 24, 35])
def test_a_margin_with_ink_is_not_cropped(place: int) -> None:
    pixels = bytearray(36)
    assert crop(bytes(pixels), 6, 2) == bytes(4)
    pixels[place] = 1
    assert crop(bytes(pixels), 6, 2) is None


def test_cropping_keeps_the_middle() -> None:
    pixels = bytearray(36)
    pixels[14], pixels[15], pixels[20], pixels[21] = 1, 2, 3, 4
    assert crop(bytes(pixels), 6, 2) == bytes([1, 2, 3, 4])
