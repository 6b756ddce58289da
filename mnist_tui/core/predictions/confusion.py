"""What a 10 x 10 table of counts says: shares of its rows, its difference to another, the pairs most often confused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs

Counts: TypeAlias = Sequence[Sequence[int]]
"""Row true, column predicted."""


@attrs.frozen
class Pair:
    """`count` digits of class `true` were taken for `predicted`."""

    true: int
    predicted: int
    count: int


def row_shares(counts: Counts) -> list[list[float]]:
    """Each count as a share (0..1) of its row: where the digits of a class went; 0 in a row without digits."""
    return [[count / total if (total := sum(row)) else 0.0 for count in row] for row in counts]


def difference(counts: Counts, before: Counts) -> list[list[int]]:
    """Each count less that of the same cell of `before`."""
    return [[now - old for now, old in zip(*rows, strict=True)] for rows in zip(counts, before, strict=True)]


def confused_pairs(counts: Counts) -> list[Pair]:
    """Every pair that was confused at least once, the most often confused first, equals in the order of classes."""
    pairs = [
        Pair(true, predicted, count)
        for true, row in enumerate(counts)
        for predicted, count in enumerate(row)
        if count and true != predicted
    ]
    return sorted(pairs, key=lambda pair: -pair.count)
