import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageOps

from mnist_tui.core.errors import UserError
from mnist_tui.engine import pictures
from mnist_tui.engine.pictures import read_picture
from tests.datafiles import cut

DIGITS = cut(12, seed=4)


def digit(index: int = 0) -> Image.Image:
    return Image.frombytes("L", (28, 28), bytes(DIGITS.digit(index)))


def saved(picture: Image.Image, path: Path) -> Path:
    picture.save(path)
    return path


def centre(pixels: bytes) -> tuple[float, float]:
    """The centre of mass, x and y, in pixels from the left upper corner."""
    total = sum(pixels)
    x = sum((i % 28 + 0.5) * value for i, value in enumerate(pixels)) / total
    y = sum((i // 28 + 0.5) * value for i, value in enumerate(pixels)) / total
    return x, y


def likeness(a: bytes, b: bytes) -> float:
    """The cosine between two pictures: 1 the same, 0 nothing in common."""
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return float(dot / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5)


def assert_centred(pixels: bytes) -> None:
    """As in every digit of MNIST, but for the rounding of grey levels."""
    x, y = centre(pixels)
    assert 13.95 < x < 15.05
    assert 13.95 < y < 15.05


def moved(pixels: bytes, by: int) -> bytes:
    return pixels[by:] + pixels[:by]


def assert_prepared(pixels: bytes, like: bytes) -> None:
    assert len(pixels) == 784
    assert_centred(pixels)
    rows = [row for row in range(28) if max(pixels[row * 28 : row * 28 + 28]) > 40]
    columns = [column for column in range(28) if max(pixels[column::28]) > 40]
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 in range(18, 23)
    assert max(likeness(moved(pixels, by), like) for by in (0, -1, 1, -28, 28)) > 0.85


@pytest.mark.parametrize("index", range(len(DIGITS)))
def test_a_test_digit_is_read_bit_for_bit_either_way_round(tmp_path: Path, index: int) -> None:
    picture = digit(index)
    assert read_picture(saved(picture, tmp_path / "a.png")) == bytes(DIGITS.digit(index))
    assert read_picture(saved(ImageOps.invert(picture), tmp_path / "b.png")) == bytes(DIGITS.digit(index))
    assert read_picture(saved(picture.convert("RGB"), tmp_path / "c.bmp")) == bytes(DIGITS.digit(index))


def upscaled(picture: Image.Image) -> Image.Image:
    return picture.resize((280, 280), Image.Resampling.BICUBIC)


def padded(picture: Image.Image) -> Image.Image:
    field = Image.new("L", (90, 150), 0)
    field.paste(picture, (50, 10))
    return field


def on_paper(picture: Image.Image) -> Image.Image:
    return ImageOps.invert(upscaled(picture))


def on_grey_paper(picture: Image.Image) -> Image.Image:
    return on_paper(picture).point(lambda level: 60 + level * 140 // 255)


def transparent(ink: int) -> Callable[[Image.Image], Image.Image]:
    def make(picture: Image.Image) -> Image.Image:
        large = upscaled(picture)
        return Image.merge("LA", (Image.new("L", large.size, ink), large))

    return make


def palette(picture: Image.Image) -> Image.Image:
    return upscaled(picture).convert("RGB").quantize(16)


def black_and_white(picture: Image.Image) -> Image.Image:
    return on_paper(picture).convert("1", dither=Image.Dither.NONE)


def deep(picture: Image.Image) -> Image.Image:
    large = upscaled(picture)
    values = [level * 65535 // 255 for level in large.tobytes()]
    return Image.frombytes("I;16", large.size, struct.pack(f"<{len(values)}H", *values))


MAKERS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "upscaled": upscaled,
    "padded": padded,
    "on paper": on_paper,
    "on grey paper": on_grey_paper,
    "dark ink over nothing": transparent(0),
    "light ink over nothing": transparent(255),
    "palette": palette,
    "black and white": black_and_white,
    "16 bits": deep,
    "colour": lambda picture: ImageOps.colorize(upscaled(picture), "#102030", "#ffee88"),
    "transparent colour": lambda picture: transparent(0)(picture).convert("RGBA"),
}


@pytest.mark.parametrize("index", range(len(DIGITS)))
def test_a_digit_of_mnist_on_a_larger_field_comes_back_to_its_place(tmp_path: Path, index: int) -> None:
    path = saved(padded(digit(index)), tmp_path / "a.png")
    assert likeness(read_picture(path), bytes(DIGITS.digit(index))) > 0.995


@pytest.mark.parametrize("name", MAKERS)
def test_any_picture_of_a_digit_is_prepared_as_mnist_was(tmp_path: Path, name: str) -> None:
    for index in (0, 1, 2):
        path = saved(MAKERS[name](digit(index)), tmp_path / f"{index}.png")
        assert_prepared(read_picture(path), bytes(DIGITS.digit(index)))


def test_a_jpeg_is_read_in_spite_of_its_noise(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    on_paper(digit()).save(path, quality=40)
    assert_prepared(read_picture(path), bytes(DIGITS.digit(0)))


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    large = on_paper(digit()).quantize(8)
    large.save(path, transparency=0)
    assert len(read_picture(path)) == 784


def test_a_photograph_lying_on_its_side_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be seen upright, turn by 90 degrees clockwise
    on_paper(digit()).transpose(Image.Transpose.ROTATE_90).save(path, quality=90, exif=exif)
    assert_prepared(read_picture(path), bytes(DIGITS.digit(0)))


@pytest.mark.parametrize("size", [(1, 60), (60, 1), (2, 2), (3, 200)])
def test_a_stroke_of_any_shape_is_prepared(tmp_path: Path, size: tuple[int, int]) -> None:
    field = Image.new("L", (size[0] + 20, size[1] + 20), 255)
    field.paste(0, (10, 10, 10 + size[0], 10 + size[1]))
    pixels = read_picture(saved(field, tmp_path / "a.png"))
    assert_centred(pixels)
    assert max(pixels) > 200


@pytest.mark.parametrize("size", [(1, 1), (28, 28), (50, 40)])
@pytest.mark.parametrize("colour", [0, 128, 255])
def test_a_blank_picture_shows_no_digit(tmp_path: Path, size: tuple[int, int], colour: int) -> None:
    path = saved(Image.new("L", size, colour), tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png shows no digit: (all of it is one colour|nothing stands out)"):
        read_picture(path)


def test_a_blank_transparent_picture_shows_no_digit(tmp_path: Path) -> None:
    path = saved(Image.new("RGBA", (40, 40), (0, 0, 0, 0)), tmp_path / "a.png")
    with pytest.raises(UserError, match="shows no digit"):
        read_picture(path)


def truncated(tmp_path: Path) -> Path:
    path = saved(upscaled(digit()), tmp_path / "whole.png")
    path.write_bytes(path.read_bytes()[:-300])
    return path


def text(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_text("this is no picture")
    return path


def deep_and_transparent(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    deep(digit()).save(path, transparency=5)
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text, "is not a picture that can be read: use PNG, JPEG or the like"),
        (lambda folder: folder, "cannot read .*: Is a directory"),
        (lambda folder: folder / "absent.png", "cannot read .*: No such file"),
        (truncated, "truncated|damaged"),
    ],
)
def test_what_is_no_picture_is_one_sentence(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    path = make(tmp_path)
    with pytest.raises(UserError, match=words) as caught:
        read_picture(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_sixteen_bits_with_a_transparent_level(tmp_path: Path) -> None:
    assert read_picture(deep_and_transparent(tmp_path)) == read_picture(saved(deep(digit()), tmp_path / "b.png"))


def test_a_picture_too_large_to_be_honest_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(upscaled(digit()), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UserError, match="a damaged or unusable picture"):
        read_picture(path)


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.png")
    return folder / "a.png"


def linked(folder: Path) -> Path:
    (folder / "link.png").symlink_to("/dev/zero")
    return folder / "link.png"


@pytest.mark.parametrize("make", [pipe, linked, lambda folder: Path("/dev/tty")])
def test_what_would_never_end_is_not_opened(
    tmp_path: Path, make: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path)
    monkeypatch.setattr(Image, "open", no_picture)
    with pytest.raises(UserError, match=r"cannot read .*: it is a pipe or a device"):
        read_picture(path)


def no_picture(*arguments: object) -> Image.Image:
    raise AssertionError("it was read")


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, regular = pipe(tmp_path), os.stat(__file__)
    monkeypatch.setattr(os, "stat", lambda path, **options: regular)
    with pytest.raises(UserError, match="it is a pipe or a device"):
        read_picture(path)


@pytest.mark.parametrize("name", ["16 bits", "on paper", "dark ink over nothing", "palette", "black and white"])
def test_a_large_picture_is_shrunk_before_its_levels_are_looked_at(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_LONGEST", 100)
    sizes = []
    real = torch.frombuffer

    def counted(data: bytearray, *, dtype: torch.dtype) -> torch.Tensor:
        sizes.append(len(data))
        return real(data, dtype=dtype)

    monkeypatch.setattr(torch, "frombuffer", counted)
    path = saved(MAKERS[name](digit()), tmp_path / "a.png")
    assert_prepared(read_picture(path), bytes(DIGITS.digit(0)))
    assert max(sizes) <= 4 * 100 * 100


def test_wide_levels_are_not_stretched_one_by_one(tmp_path: Path) -> None:
    path = saved(deep(digit()).resize((1500, 1500)), tmp_path / "a.png")
    read_picture(path)
    tracemalloc.start()
    read_picture(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 11 * 1500 * 1500  # a list takes 8 a pixel beside the 4 of the levels as floats


def test_a_picture_of_more_pixels_than_are_decoded_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(upscaled(digit()), tmp_path / "a.png")
    monkeypatch.setattr(pictures, "_MOST", 280 * 280 - 1)
    with pytest.raises(UserError, match=r"a\.png is too large, 280 x 280 pixels: scale it down"):
        read_picture(path)
