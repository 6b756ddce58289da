"""The evaluations of one run, oldest first, and which of them is looked at."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from mnist_tui.core.events import Evaluated


_KEPT = 120  # evaluations, 400 kB each; of more, those in the middle go
_WITH_WEIGHTS = 12  # 1.7 MB each; the weights of older ones are looked for in the run's checkpoints
_ROW = struct.Struct("10f")


@attrs.frozen
class Verdict:
    """What one evaluation made of one digit: probabilities 0..1, of its true class and of the predicted one."""

    step: int
    epoch: int
    predicted: int
    probability: float
    probability_true: float


class Album:
    """Evaluations of a test split; the newest is shown until another one is turned to.

    Attributes:
        pages: those that count: an undo takes those of later batches away.
    """

    def __init__(self) -> None:
        self.pages: list[Evaluated] = []
        self._pinned: Evaluated | None = None

    @property
    def shown(self) -> Evaluated | None:
        """The evaluation that is looked at."""
        if self._pinned is not None:
            return self._pinned
        return self.pages[-1] if self.pages else None

    @property
    def before(self) -> Evaluated | None:
        """The evaluation before the one that is looked at."""
        shown = self.shown
        place = self.pages.index(shown) if shown is not None else 0
        return self.pages[place - 1] if place else None

    @property
    def follows(self) -> bool:
        """Whether the next evaluation will be shown."""
        return self._pinned is None

    def add(self, page: Evaluated) -> None:
        """Take a new evaluation in, in place of one of the same weights: a continued run may make its last anew."""
        anew = bool(self.pages) and (self.pages[-1].step, self.pages[-1].branch) == (page.step, page.branch)
        if anew and self.pages.pop() is self._pinned:
            self._pinned = page
        self.pages.append(page)
        if len(self.pages) > _KEPT:
            closest = min(range(1, len(self.pages) - 1), key=lambda i: self.pages[i + 1].step - self.pages[i - 1].step)
            if self.pages[closest] is not self._pinned:
                del self.pages[closest]
        old = len(self.pages) - _WITH_WEIGHTS - 1
        if old >= 0 and self.pages[old].weights:
            bare = attrs.evolve(self.pages[old], weights=b"")
            if self.pages[old] is self._pinned:
                self._pinned = bare
            self.pages[old] = bare

    def rewind(self, step: int) -> bool:
        """Forget evaluations of batches after `step`; whether there were any."""
        kept = [page for page in self.pages if page.step <= step]
        gone = len(kept) < len(self.pages)
        self.pages = kept
        if self._pinned is not None and self._pinned.step > step:
            self._pinned = None
        return gone

    def clear(self) -> None:
        """Forget all."""
        self.pages, self._pinned = [], None

    def turn(self, distance: int) -> bool:
        """Look at an earlier or a later evaluation; whether there is one. At the last, the newest is followed again."""
        shown = self.shown
        if shown is None:
            return False
        place = self.pages.index(shown)
        target = min(max(place + distance, 0), len(self.pages) - 1)
        self._pinned = None if target == len(self.pages) - 1 else self.pages[target]
        return target != place

    def history(self, index: int, labels: bytes) -> Sequence[Verdict]:
        """What every evaluation made of digit `index` of the split with these `labels`."""
        return [_verdict(page, index, labels[index]) for page in self.pages]


def turning_points(history: Sequence[Verdict], true: int) -> list[tuple[str, Verdict]]:
    """Where the digit was `learned` and where `forgotten`; the first evaluation counts as learned where it is right."""
    points = [("learned", verdict) for verdict in history[:1] if verdict.predicted == true]
    for earlier, later in pairwise(history):
        if earlier.predicted != true and later.predicted == true:
            points.append(("learned", later))
        elif earlier.predicted == true and later.predicted != true:
            points.append(("forgotten", later))
    return points


def _verdict(page: Evaluated, index: int, true: int) -> Verdict:
    logits = _ROW.unpack_from(page.logits, index * _ROW.size)
    if not all(map(math.isfinite, logits)):
        return Verdict(page.step, page.epoch, 0, 0.0, 0.0)
    highest = max(logits)
    shares = [math.exp(logit - highest) for logit in logits]
    total = math.fsum(shares)
    predicted = logits.index(highest)
    return Verdict(page.step, page.epoch, predicted, shares[predicted] / total, shares[true] / total)
