import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from mnist_tui.core.dataset import find
from mnist_tui.core.sheet import Caption
from mnist_tui.engine.insight.sheet import draw_sheet

Pixels = npt.NDArray[np.uint8]

CELL, GAP, FRAME, SIDE = 92, 10, 4, 84
WIDE = "Pullover", "Trouser"


@pytest.fixture(scope="module")
def digits() -> bytes:
    return find("mnist").load_test().images


def drawn(captions: list[Caption], pixels: bytes, heading: tuple[str, ...] = ()) -> Pixels:
    *working, png = draw_sheet(pixels, captions, heading)
    assert working == sorted(working)
    assert working[-1] == 1.0
    assert isinstance(png, bytes)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def right(index: int) -> Caption:
    return Caption(index, "7", "7", 0.98)


def picture_of(digits: bytes, place: int) -> Pixels:
    small = np.frombuffer(digits[784 * place : 784 * (place + 1)], np.uint8).reshape(28, 28)
    return small.repeat(3, 0).repeat(3, 1)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (5, 5), (13, 8), (150, 15), (400, 20)])
def test_every_picture_is_in_its_place(digits: bytes, count: int, columns: int) -> None:
    sheet = drawn([right(index) for index in range(count)], digits)
    rows = -(-count // columns)
    height = (sheet.shape[0] - GAP) // rows
    assert sheet.shape[1] == columns * (CELL + GAP) + GAP
    for place in range(count):
        top, left = place // columns * height + GAP + FRAME, place % columns * (CELL + GAP) + GAP + FRAME
        found = sheet[top : top + SIDE, left : left + SIDE, 0]
        assert (found == picture_of(digits, place)).all(), place


def test_a_wrong_one_is_told_without_colour(digits: bytes) -> None:
    sheet = drawn([right(0), Caption(1, "2", "9", 0.5)], digits)
    grey = np.asarray(Image.fromarray(sheet).convert("L")).astype(int)
    for place, wrong in enumerate((False, True)):
        left = place * (CELL + GAP) + GAP
        frame = grey[GAP + 1, left : left + CELL - 20]
        assert (frame < 150).all() if wrong else (frame == 255).all()
        corner = sheet[GAP + FRAME : GAP + 16, left + CELL - 16 : left + CELL - FRAME]
        same = picture_of(digits, place)[: 16 - FRAME, -12:]
        assert (corner[:, :, 0] == same).all() != wrong  # a cross lies over it


def test_long_names_of_classes_make_wider_cells_and_touch_no_neighbour(digits: bytes) -> None:
    sheet = drawn([Caption(index, *WIDE, 0.9) for index in range(3)], digits)
    step = (sheet.shape[1] - GAP) // 3
    assert step > CELL + GAP
    for place in range(4):
        assert (sheet[:, place * step + 2 : place * step + GAP - 2] == 255).all()


def test_the_heading_fits_above(digits: bytes) -> None:
    lines = ("the first 400 of 1 234, out of 10 000 test digits of mnist, hardest first", "run · epoch 1")
    bare, sheet = drawn([right(0)], digits), drawn([right(0)], digits, lines)
    top = sheet.shape[0] - bare.shape[0]
    assert (sheet[top:, : bare.shape[1]] == bare).all()
    assert (sheet[:top] < 255).any()
    assert (sheet[:, -5:] == 255).all()
    assert sheet.shape[1] > 400


def test_the_caption_differs_with_what_it_says(digits: bytes) -> None:
    """No arrow of a font that has none, no number that is not drawn."""
    below = [
        drawn([caption], digits)[GAP + CELL :].tobytes()
        for caption in (
            Caption(1, "2", "9", 0.5),
            Caption(1, "2", "9", 0.6),
            Caption(2, "2", "9", 0.5),
            Caption(1, "2", "2", 0.5),
            Caption(1, "2", "8", 0.5),
        )
    ]
    assert len(set(below)) == len(below)
