import numpy as np

from mnist_tui.core.predictions import Predictions
from mnist_tui.core.predictions.confusion import Pair, confused_pairs, difference, row_shares
from mnist_tui.core.predictions.versus import Versus, versus


def table_of(labels: list[int], predicted: list[int]) -> Predictions:
    logits = np.zeros((len(labels), 10), dtype=np.float32)
    logits[np.arange(len(labels)), predicted] = 5
    return Predictions(logits, np.array(labels), 1)


def test_shares_of_a_row_add_up_and_a_row_without_digits_is_zero() -> None:
    shares = row_shares(table_of([4, 4, 4, 4, 7], [4, 4, 4, 9, 7]).confusion())
    assert (shares[4][4], shares[4][9], sum(shares[4])) == (0.75, 0.25, 1.0)
    assert shares[0] == [0.0] * 10


def test_a_difference_is_now_less_before() -> None:
    now, before = table_of([4, 4, 7], [4, 9, 7]).confusion(), table_of([4, 4, 7], [9, 9, 7]).confusion()
    assert (difference(now, before)[4][4], difference(now, before)[4][9]) == (1, -1)
    assert sum(map(sum, difference(now, before))) == 0


def test_pairs_are_ranked_by_count_and_hits_are_none() -> None:
    table = table_of([4, 4, 4, 7, 1, 1, 2], [9, 9, 4, 2, 7, 7, 2])
    assert confused_pairs(table.confusion()) == [Pair(1, 7, 2), Pair(4, 9, 2), Pair(7, 2, 1)]


def test_every_mistake_is_fixed_broken_or_wrong_in_both() -> None:
    labels = [0, 1, 2, 3, 4, 5]
    before, now = table_of(labels, [0, 2, 3, 4, 4, 5]), table_of(labels, [0, 1, 2, 9, 5, 5])
    assert versus(now, before) == Versus(fixed=2, broken=1, both=1)
    assert versus(before, now) == Versus(fixed=1, broken=2, both=1)
