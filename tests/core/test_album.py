import struct
from collections.abc import Sequence

import pytest

from mnist_tui.core.album import Album, Verdict, turning_points
from mnist_tui.core.events import Evaluated


def page(step: int, predicted: Sequence[int] = (0,), branch: int = 0, weights: bytes = b"w") -> Evaluated:
    rows = [[4.0 if digit == which else 0.0 for digit in range(10)] for which in predicted]
    logits = b"".join(struct.pack("10f", *row) for row in rows)
    return Evaluated(step, step // 100, "test", 0.1, 0.9, logits, 0.5, branch, weights)


def test_the_newest_is_shown_until_another_is_turned_to() -> None:
    album = Album()
    assert album.shown is None
    assert album.before is None
    for step in (100, 200, 300):
        album.add(page(step))
    assert album.shown is not None
    assert album.shown.step == 300
    assert album.turn(-1)
    album.add(page(400))
    assert album.shown.step == 200
    assert album.before is not None
    assert album.before.step == 100
    assert not album.turn(-5) or album.shown.step == 100
    assert album.turn(9)
    assert album.follows
    album.add(page(500))
    assert album.shown.step == 500


def test_an_undo_takes_later_evaluations_away() -> None:
    album = Album()
    for step in (100, 200, 300):
        album.add(page(step))
    album.turn(-1)
    assert album.rewind(150)
    assert [kept.step for kept in album.pages] == [100]
    assert album.shown is album.pages[0]
    assert not album.rewind(150)


def test_an_evaluation_that_is_made_anew_takes_the_place_of_the_first() -> None:
    album = Album()
    for predicted in (1, 2):
        album.add(page(100, (predicted,)))
    assert [kept.logits for kept in album.pages] == [page(100, (2,)).logits]
    album.add(page(100, (3,), branch=1))
    assert len(album.pages) == 2


def test_old_weights_are_given_up_and_the_shown_evaluation_stays() -> None:
    album = Album()
    album.add(page(0))
    album.add(page(1))
    album.turn(-1)
    for step in range(2, 200):
        album.add(page(step))
    assert sum(bool(kept.weights) for kept in album.pages) == 12
    assert len(album.pages) == 120
    assert album.shown is album.pages[0]
    assert album.pages[-1].step == 199


def test_the_history_of_a_digit_says_when_it_was_learned_and_forgotten() -> None:
    album = Album()
    for step, predicted in ((100, 7), (200, 4), (300, 4), (400, 9), (500, 4)):
        album.add(page(step, (1, predicted)))
    history = album.history(1, bytes([1, 4]))
    assert [verdict.predicted for verdict in history] == [7, 4, 4, 9, 4]
    assert history[1].probability_true == history[1].probability == pytest.approx(0.858, abs=1e-3)
    assert history[0].probability_true == pytest.approx(0.0157, abs=1e-3)
    points = [(word, verdict.step) for word, verdict in turning_points(history, 4)]
    assert points == [("learned", 200), ("forgotten", 400), ("learned", 500)]
    assert turning_points(history[1:2], 4) == [("learned", history[1])]


def test_logits_that_are_no_numbers_are_nobodys_prediction() -> None:
    album = Album()
    broken = struct.pack("10f", *[float("nan")] * 10)
    album.add(Evaluated(1, 1, "test", 0.1, 0.9, broken, 0.5))
    assert album.history(0, bytes([3])) == [Verdict(1, 1, 0, 0.0, 0.0)]
