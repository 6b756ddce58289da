import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.core.dataset import DATASETS
from mnist_tui.render.captions import caption_of


@pytest.mark.parametrize(
    ("width", "text"),
    [(28, "✗ 4→9 98%"), (9, "✗ 4→9 98%"), (8, "✗4→9 98%"), (7, "✗ 4→9"), (5, "✗ 4→9"), (4, "✗4→9")],
)
def test_what_fits_of_a_mistake_is_said(width: int, text: str) -> None:
    assert caption_of("4", "9", 0.98, width) == text


def test_a_hit_has_no_sign() -> None:
    assert caption_of("4", "4", 0.98, 14) == "4 98%"
    assert caption_of("Pullover", "Pullover", 0.98, 8) == "Pullover"


def test_only_certainty_is_a_hundred_percent() -> None:
    assert caption_of("4", "9", 0.9985, 14) == "✗ 4→9 99%"
    assert caption_of("4", "9", 0.9999, 14) == "✗ 4→9 100%"


def test_long_names_are_shortened_alike() -> None:
    assert caption_of("T-shirt", "Pullover", 0.9, 14) == "✗T-shir→Pullov"
    assert caption_of("Bag", "Pullover", 0.9, 10) == "✗Bag→Pullo"
    assert caption_of("Sneaker", "Bag", 0.9, 8) == "✗Sne→Bag"


def test_a_network_that_diverged_has_no_percentage() -> None:
    assert caption_of("4", "9", float("nan"), 14) == "✗ 4→9 ?"


@given(
    st.sampled_from(list(DATASETS)),
    st.integers(0, 9),
    st.integers(0, 9),
    st.floats(0, 1),
    st.integers(5, 28),
    st.booleans(),
)
def test_sign_and_classes_stay_at_every_width(
    dataset: str, true: int, predicted: int, share: float, width: int, ascii_only: bool
) -> None:
    names = DATASETS[dataset].classes
    text = caption_of(names[true], names[predicted], share, width, ascii_only=ascii_only)
    assert 0 < len(text) <= width
    if names[true] != names[predicted]:
        assert text[0] == ("x" if ascii_only else "✗")
        assert ("->" if ascii_only else "→") in text
        before, _, after = text[1:].strip().partition("->" if ascii_only else "→")
        assert before
        assert after
        assert names[true].startswith(before)
    assert not ascii_only or text.isascii()
