import pytest

from mnist_tui.render.confusion import MatrixMode, cell_style, cell_words
from mnist_tui.render.palette import DARK


@pytest.mark.parametrize(
    ("value", "mode", "width", "words"),
    [
        (0, "counts", 3, "·"),
        (982, "counts", 3, "982"),
        (1131, "counts", 3, "1k"),
        (1131, "counts", 4, "1131"),
        (0.989, "shares", 4, "98.9"),
        (0.989, "shares", 3, "99"),
        (0.012, "shares", 3, "1.2"),
        (0.012, "shares", 2, "1"),
        (0.002, "shares", 2, "<1"),
        (1.0, "shares", 5, "100"),
        (3, "changes", 3, "+3"),
        (-2, "changes", 3, "-2"),
        (-1204, "changes", 3, "-1k"),
        (0, "changes", 3, "·"),
    ],
)
def test_a_value_is_written_as_far_as_there_is_room(value: float, mode: MatrixMode, width: int, words: str) -> None:
    assert cell_words(value, mode, width, "·") == words


def test_fewer_mistakes_and_more_hits_are_better() -> None:
    def better(value: float, diagonal: bool) -> bool:
        style = cell_style(value, "changes", diagonal, 9, DARK)
        shade = (style.bgcolor or style.color).triplet  # type: ignore[union-attr]
        assert shade is not None
        return bool(shade.green > shade.red)

    assert better(+3, diagonal=True)
    assert not better(-3, diagonal=True)
    assert better(-3, diagonal=False)
    assert not better(+3, diagonal=False)


def test_mistakes_glow_by_their_number() -> None:
    def red(value: float, mode: MatrixMode, greatest: float) -> int:
        colour = cell_style(value, mode, False, greatest, DARK).bgcolor
        assert colour is not None
        assert colour.triplet is not None
        return colour.triplet.red

    assert red(1, "counts", 40) < red(9, "counts", 40) < red(40, "counts", 40)
    assert red(0.001, "shares", 0.04) < red(0.04, "shares", 0.04)
    assert cell_style(0, "counts", False, 40, DARK).bgcolor is None
