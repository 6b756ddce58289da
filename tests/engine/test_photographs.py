"""Photographs and scans of real digits, made on the spot, come back as what the network was trained on."""

from pathlib import Path

import numpy as np
import pytest

from mnist_tui.core.errors import UserError
from mnist_tui.engine.pictures import read_picture
from tests.datafiles import cut
from tests.photographs import KINDS, as_jpeg, as_png, noise, pen, plane

DIGITS = cut(16, seed=4)


def correlation(a: bytes, b: bytes) -> float:
    """Pearson's, the better of all shifts by up to one pixel: how a centre of mass was rounded no picture tells."""
    one, other = (np.frombuffer(pixels, np.uint8).reshape(28, 28).astype(float) for pixels in (a, b))
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(np.roll(one, by, (0, 1)).ravel(), other.ravel())[0, 1]) for by in shifts)


def read(file: bytes, folder: Path) -> bytes:
    path = folder / "picture"
    path.write_bytes(file)
    return read_picture(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_photographed_digit_is_recovered(tmp_path: Path, kind: str) -> None:
    likeness = []
    for index in range(5):
        original = bytes(DIGITS.digit(index))
        likeness.append(correlation(read(KINDS[kind](original, index), tmp_path), original))
    assert np.mean(likeness) > 0.88
    assert min(likeness) > 0.7


@pytest.mark.parametrize("width", [4, 20])
def test_a_thin_pen_in_a_large_photograph_survives(tmp_path: Path, width: int) -> None:
    original = bytes(DIGITS.digit(13))  # itself of thin strokes
    seen = read(pen(original, 13, (4000, 3000), width), tmp_path)
    assert max(seen) > 220
    assert correlation(seen, original) > 0.75


def test_a_picture_is_always_read_the_same(tmp_path: Path) -> None:
    file = KINDS["vignette"](bytes(DIGITS.digit(3)), 3)
    assert read(file, tmp_path) == read(file, tmp_path)


@pytest.mark.parametrize("name", ["paper", "grain", "shadow"])
def test_paper_without_a_digit_shows_none(tmp_path: Path, name: str) -> None:
    _, x = plane(500, 600)
    light = {"paper": 0.8 + 0 * x, "grain": 0.8 + noise(x.shape, 0.03, 1), "shadow": 0.6 + 0.2 * x}[name]
    for file in (as_png(light), as_jpeg(light)):
        with pytest.raises(UserError, match="shows no digit: nothing stands out from its background"):
            read(file, tmp_path)
