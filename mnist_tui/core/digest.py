"""What a run's files say, made fit to be shown: the impossible left out, a long history in few events."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs

from mnist_tui.core.events import (
    BatchesTrained,
    BatchInspected,
    EpochFinished,
    Evaluated,
    Event,
    RateFound,
    Rewound,
    RunContinued,
    RunStarted,
)

MERGED = 512  # batches in one event: taking in one event costs as much as fifty batches


class Digest:
    """Takes the events of one run in order, as often as there are more.

    Attributes:
        refused: events so far that cannot have happened, where a line was lost or written by somebody else.
    """

    def __init__(self) -> None:
        self.refused = 0
        self._step = self._most = 0

    def take(self, events: Iterable[Event]) -> list[Event]:
        """Those of `events` that are possible; batches that follow each other are one event, of at most `MERGED`."""
        found: list[Event] = []
        for event in events:
            if not self._possible(event):
                self.refused += 1
                continue
            before = found[-1] if found else None
            if isinstance(event, BatchesTrained) and isinstance(before, BatchesTrained) and _follows(before, event):
                found[-1] = _merged(before, event)
            else:
                found.append(event)
        return found

    def _possible(self, event: Event) -> bool:
        match event:
            case BatchesTrained():
                possible = _possible_batches(event) and event.first_step > self._step
                self._step = event.last_step if possible else self._step
                self._most = max(self._most, self._step)
            case RunStarted():
                possible = event.samples_per_epoch > 0
                self._step = 0 if possible else self._step
            case RunContinued():
                possible = event.samples_per_epoch > 0
            case Rewound():
                possible = 0 <= event.to_step <= self._most and _amounts(event.samples, event.seconds)
                self._step = event.to_step if possible else self._step
            case Evaluated():
                possible = event.step >= 0 and _amounts(event.seconds) and 0 <= event.accuracy <= 1
            case EpochFinished():
                possible = _amounts(event.seconds)
            case BatchInspected():
                possible = _possible_images(event)
            case RateFound():
                rates = [*event.rates, *([] if event.suggestion is None else [event.suggestion])]
                possible = len(event.rates) == len(event.losses) and all(0 < rate < math.inf for rate in rates)
            case _:
                possible = True
        return possible


def _amounts(*values: float) -> bool:
    return all(0 <= value < math.inf for value in values)


def _possible_batches(event: BatchesTrained) -> bool:
    return (
        len(event.losses) == len(event.correct) > 0
        and event.batch_size > 0
        and event.epoch > 0
        and all(0 <= hits <= event.batch_size for hits in event.correct)
        and _amounts(event.samples, event.seconds)
    )


def _possible_images(event: BatchInspected) -> bool:
    shown = len(event.labels)
    return (
        len(event.predicted) == len(event.losses) == shown
        and event.batch_size > 0
        and all(0 <= digit <= 9 for digit in (*event.labels, *event.predicted))
    )


def _follows(before: BatchesTrained, event: BatchesTrained) -> bool:
    return (
        event.first_step == before.last_step + 1
        and event.epoch == before.epoch
        and event.batch_size == before.batch_size
        and len(before.losses) + len(event.losses) <= MERGED
    )


def _merged(before: BatchesTrained, event: BatchesTrained) -> BatchesTrained:
    return attrs.evolve(
        event,
        first_step=before.first_step,
        losses=before.losses + event.losses,
        correct=before.correct + event.correct,
        seconds=before.seconds + event.seconds,
    )
