"""Files may say anything; the screen is told only what can have happened."""

from __future__ import annotations

import math

import attrs
import pytest

from mnist_tui.core.digest import MERGED, Digest
from mnist_tui.core.events import (
    BatchesTrained,
    BatchInspected,
    EpochFinished,
    Evaluated,
    Event,
    HyperparametersApplied,
    RateFound,
    Rewound,
    RunContinued,
    RunStarted,
)
from mnist_tui.core.history import History
from mnist_tui.core.hyperparameters import Hyperparameters

START = Hyperparameters()
BEGUN = RunStarted("run", "runs/run", START, "cpu", 600, 1000)


def trained(first: int, count: int = 4, **other: object) -> BatchesTrained:
    losses = tuple(1 / (1 + abs(first + index)) for index in range(count))
    event = BatchesTrained(first, 1, 64, losses, (32,) * count, 64 * (first + count - 1), 0.1 * count, 0.001, 1.5)
    return attrs.evolve(event, **other)  # type: ignore[arg-type]


def test_batches_that_follow_each_other_are_one_event() -> None:
    events = Digest().take([BEGUN, trained(1), trained(5, 3)])
    assert events[0] == BEGUN
    assert isinstance(events[1], BatchesTrained)
    assert events[1].seconds == pytest.approx(0.7)
    assert events[1:] == [trained(1, 7, seconds=events[1].seconds)]


def test_what_comes_between_other_sizes_and_long_stretches_stay_apart() -> None:
    edit = HyperparametersApplied(9, START, START)
    apart: list[Event] = [BEGUN, trained(1), edit, trained(5), trained(9, batch_size=32), trained(13, 500)]
    apart += [trained(513, epoch=2), trained(517, MERGED)]
    assert Digest().take(apart) == apart


def test_a_history_looks_the_same_in_few_events() -> None:
    events: list[Event] = [BEGUN, *(trained(first) for first in range(1, 4001, 4))]
    long, short = History(), History()
    for event in events:
        long.apply(event)
    few = Digest().take(events)
    for event in few:
        short.apply(event)
    assert len(few) < 12
    assert [attrs.evolve(bucket, seconds=0.0) for bucket in short.loss.whole()] == [
        attrs.evolve(bucket, seconds=0.0) for bucket in long.loss.whole()
    ]
    assert short.seconds == pytest.approx(long.seconds)


IMPOSSIBLE: list[Event] = [
    trained(9, batch_size=0),
    trained(9, losses=()),
    trained(9, correct=(1,)),
    trained(9, correct=(65, 0, 0, 0)),
    trained(9, epoch=0),
    trained(9, samples=-1),
    trained(9, seconds=math.nan),
    trained(8),
    trained(-3),
    attrs.evolve(BEGUN, samples_per_epoch=0),
    RunContinued("run", "runs/run", 3, START, "cpu", -1, 1000),
    Rewound(8, 9, 1, 1, START, 1, 0, 128, 0.25),
    Rewound(8, -1, 1, 1, START, 1, 0, 128, 0.25),
    Rewound(8, 4, 1, 1, START, 1, 0, 128, math.inf),
    Evaluated(-1, 1, "test", 0.5, 0.9, b"", 0.1),
    Evaluated(8, 1, "test", 0.5, 1.5, b"", 0.1),
    Evaluated(8, 1, "test", 0.5, math.nan, b"", 0.1),
    EpochFinished(1, 8, -2.0),
    RateFound(8, (0.1, 0.0), (1.0, 1.0), None, "why"),
    RateFound(8, (0.1,), (1.0, 1.0), None, "why"),
    RateFound(8, (0.1,), (1.0,), math.nan, "why"),
    BatchInspected(8, 2, 0.5, 1, (3, 10), (3, 9), (0.1, 0.9), (), b""),
    BatchInspected(8, 2, 0.5, 1, (3, 4), (3,), (0.1, 0.9), (), b""),
]


@pytest.mark.parametrize("event", IMPOSSIBLE, ids=lambda event: repr(event)[:70])
def test_the_impossible_is_left_out_and_counted(event: Event) -> None:
    digest = Digest()
    digest.take([BEGUN, trained(1, 8)])
    assert digest.take([event]) == []
    assert digest.refused == 1
    assert digest.take([trained(12)]) == [trained(12)]  # batches 9 to 11 are lost: a gap


def test_after_a_way_back_earlier_batches_come_again() -> None:
    back = Rewound(8, 4, 1, 1, START, 1, 0, 256, 0.4)
    digest = Digest()
    assert digest.take([BEGUN, trained(1, 8), back, trained(5)])[-1] == trained(5)
    assert digest.refused == 0


def test_a_way_back_that_was_not_saved_may_be_taken_back(tmp_path: object) -> None:
    """A kill between an undo and its checkpoint: the next process goes on from the later batch."""
    back = Rewound(8, 2, 1, 1, START, 1, 0, 128, 0.2)
    forward = Rewound(2, 8, 2, 0, START, 1, 0, 512, 0.8)
    assert Digest().take([BEGUN, trained(1, 8), back, forward, trained(9)])[2:] == [back, forward, trained(9)]
