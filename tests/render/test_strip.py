from mnist_tui.core.album import Verdict
from mnist_tui.render.palette import DARK
from mnist_tui.render.strip import draw_history, tell

DIGITS = "0123456789"
HISTORY = [
    Verdict(100 * epoch, epoch, predicted, 0.9, 0.9 if predicted == 9 else 0.05)
    for epoch, predicted in enumerate((4, 9, 9, 4, 4), 1)
]


def drawn(history: list[Verdict], width: int = 40, height: int = 9, names: object = DIGITS, **more: bool) -> list[str]:
    lines = draw_history(history, 9, 400, names, width, height, DARK, **more)  # type: ignore[arg-type]
    return ["".join(segment.text for segment in line) for line in lines]


def test_each_evaluation_is_a_column_of_bar_class_sign_and_epoch() -> None:
    *bars, classes, signs, epochs = drawn(HISTORY)
    assert classes.split() == ["says", "4", "9", "9", "4", "4"]
    assert signs.split() == ["✗", "✓", "✓", "✗", "✗"]
    assert epochs.split() == ["epoch", "1", "2", "3", "4", "5"]
    assert len(bars) == 6
    column = classes.index("9")
    assert [line[column] for line in bars] == ["▃", "█", "█", "█", "█", "█"]
    assert [line[classes.index("4")] for line in bars] == [" ", " ", " ", " ", " ", "▂"]


def test_the_evaluation_that_is_looked_at_stands_out() -> None:
    lines = draw_history(HISTORY, 9, 400, DIGITS, 40, 1, DARK)
    underlined = [segment.text for segment in lines[0] if segment.style and segment.style.underline]
    assert underlined == ["4"]
    assert len(lines) == 1


def test_the_newest_are_kept_where_not_all_fit_and_names_are_short() -> None:
    fashion = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot")
    (classes,) = drawn(HISTORY, 15, 1, fashion)
    assert classes.split() == ["Co", "Bo", "Bo", "Co", "Co"]
    (classes,) = drawn(HISTORY, 14, 1, fashion)
    assert classes.split() == ["Bo", "Bo", "Co", "Co"]


def test_ascii_has_nothing_else() -> None:
    assert all(line.isascii() for line in drawn(HISTORY, ascii_only=True))


def test_it_is_told_when_the_digit_was_learned_and_forgotten() -> None:
    assert tell(HISTORY, 9) == "learned in epoch 2, forgotten in 4"
    assert tell(HISTORY[:1], 9) == "never right so far"
    assert tell([], 9) == ""
    twice = [*HISTORY[:2], Verdict(250, 2, 4, 0.9, 0.1)]
    assert tell(twice, 9) == "learned at step 200, forgotten at 250"
    flickering = [Verdict(step, step, 9 if step % 2 else 4, 0.5, 0.5) for step in range(1, 8)]
    assert tell(flickering, 9) == "learned and forgotten 7 times, last learned in epoch 7"
