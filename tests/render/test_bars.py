import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from mnist_tui.core.dataset import DATASETS
from mnist_tui.render.bars import bar, draw_bars
from mnist_tui.render.palette import DARK

DIGITS = tuple("0123456789")
any_float = st.floats(allow_nan=True, allow_infinity=True)


def texts(
    shares: list[float],
    true: int,
    predicted: int,
    width: int,
    names: tuple[str, ...] = DIGITS,
    ascii_only: bool = False,
) -> list[str]:
    lines = draw_bars(shares, true, predicted, names, width, DARK, ascii_only)
    return ["".join(segment.text for segment in line) for line in lines]


@given(any_float, st.integers(0, 60), st.booleans())
def test_a_bar_has_its_width_whatever_the_share(share: float, width: int, ascii_only: bool) -> None:
    text = bar(share, width, ascii_only)
    assert len(text) == cell_len(text) == width
    assert not ascii_only or text.isascii()


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "    "),
        (1.0, "████"),
        (0.5, "██  "),
        (0.5625, "██▎ "),
        (0.002, "▏   "),
        (0.0001, "    "),
        (1.5, "████"),
        (-1.0, "    "),
        (math.nan, "    "),
    ],
)
def test_a_bar_fills_in_eighths(share: float, text: str) -> None:
    assert bar(share, 4) == text


def test_a_bar_in_ascii() -> None:
    assert [bar(share, 4, ascii_only=True) for share in (0, 0.5, 1)] == ["    ", "##  ", "####"]


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 1) | st.just(math.nan), min_size=10, max_size=10),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 80),
    st.sampled_from(sorted(DATASETS)),
    st.booleans(),
)
def test_every_line_has_the_width_asked_for(
    shares: list[float], true: int, predicted: int, width: int, dataset: str, ascii_only: bool
) -> None:
    for text in texts(shares, true, predicted, width, DATASETS[dataset].classes, ascii_only):
        assert cell_len(text) == width
        assert not ascii_only or text.isascii()


def test_a_right_prediction_has_one_sign() -> None:
    shares = [0.0] * 10
    shares[3] = 0.987
    lines = texts(shares, 3, 3, 24)
    assert lines[3] == "✓ 3 ████████████▉  98.7%"
    assert [line[0] for line in lines] == [" "] * 3 + ["✓"] + [" "] * 6


def test_a_mistake_marks_the_prediction_and_the_truth() -> None:
    shares = [0.0] * 10
    shares[3], shares[5] = 0.75, 0.25
    lines = texts(shares, 5, 3, 24)
    assert lines[3].startswith("✗ 3 █████████")
    assert lines[5].startswith("← 5 ███")
    assert [line[0] for line in texts(shares, 5, 3, 24, ascii_only=True)] == [*"   x <    "]
    assert texts(shares, 3, 3, 24, ascii_only=True)[3].startswith("+")


def test_names_share_a_column_and_little_room_shortens_the_percentage() -> None:
    shares = [0.0] * 9 + [1.0]
    lines = texts(shares, 9, 9, 30, DATASETS["fashion"].classes)
    assert lines[0].startswith("   T-shirt ")
    assert lines[9].startswith("✓     Boot ")
    assert lines[9].endswith(" 100.0%")
    assert texts(shares, 9, 9, 14, DIGITS)[9].endswith("█ 100%")
