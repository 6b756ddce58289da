"""Fair comparisons: alternated pairs, medians of per-pair ratios, bootstrap intervals, one way to print a figure."""

from __future__ import annotations

import math
import os
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

RESAMPLES = 4000
FIGURE = "FIGURE: "
SEPARATOR = " | "


@dataclass(frozen=True)
class Estimate:
    """A statistic and its 95 % interval."""

    value: float
    low: float
    high: float

    def show(self, pattern: str, unit: str) -> str:
        """E.g. `2.45x (95 %: 2.41 to 2.49)` for the pattern `.2f` and the unit `x`."""
        return f"{self.value:{pattern}}{unit} (95 %: {self.low:{pattern}} to {self.high:{pattern}})"


def alternate(pairs: int, first: Callable[[int], A], second: Callable[[int], B]) -> Iterator[tuple[A, B]]:
    """Measure both, `pairs` times, in the order AB BA AB …, so that a drift of the machine favours neither."""
    for pair in range(pairs):
        if pair % 2:
            b = second(pair)
            yield first(pair), b
        else:
            a = first(pair)
            yield a, second(pair)


def starts(pairs: int, ours: Callable[[int], float], rival: Callable[[int], float], name: str) -> str:
    """Seconds of ours against those of the rival `name`, in words; each is first started once unmeasured."""
    for warm in (ours, rival):
        warm(-1)
    times = []
    for number, (first, second) in enumerate(alternate(pairs, ours, rival), 1):
        times.append((first, second))
        print(f"pair {number}: ours {first:.3f} s, {name} {second:.3f} s, {first / second:.2f}x", flush=True)
    ratios = [first / second for first, second in times]
    middle = [statistics.median(column) for column in zip(*times, strict=True)]
    return f"{median(ratios).show('.2f', 'x')}, {middle[0]:.3f} s to {middle[1]:.3f} s"


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of `values` lie, between neighbours by straight line."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def bootstrap(values: Sequence[float], statistic: Callable[[Sequence[float]], float]) -> Estimate:
    """`statistic` of `values`, and the middle 95 % of it over resamples with replacement (always the same ones)."""
    if not values:
        raise ValueError("nothing was measured")
    generator = random.Random(0)
    resampled = [statistic(generator.choices(values, k=len(values))) for _ in range(RESAMPLES)]
    return Estimate(statistic(values), quantile(resampled, 0.025), quantile(resampled, 0.975))


def median(values: Sequence[float]) -> Estimate:
    """The median and its bootstrap interval."""
    return bootstrap(values, statistics.median)


def percentile(values: Sequence[float], share: float) -> Estimate:
    """The `share` quantile and its bootstrap interval."""
    return bootstrap(values, lambda sample: quantile(sample, share))


# Student's t, 97.5 %, for 1, 2, … degrees of freedom: a bootstrap of five seeds would look surer than it is.
_STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11)


def mean(values: Sequence[float]) -> Estimate:
    """The mean and its Student interval; of a single value, the value alone."""
    centre = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(centre, centre, centre)
    factor = _STUDENT[min(len(values) - 1, len(_STUDENT)) - 1]
    half = factor * statistics.stdev(values) / math.sqrt(len(values))
    return Estimate(centre, centre - half, centre + half)


def cores() -> int:
    """The cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def machine() -> str:
    """Where a figure was read; the load says how quiet it was there."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{cores()} CPUs, torch {version('torch')}{load}"


def report(figure: str, rival: str, target: str, read: str) -> None:
    """Print the line of one figure, which `run_all` gathers; without a rival or a target that part stays `-`."""
    print(f"{FIGURE}{read} target {target}{SEPARATOR}{figure}{SEPARATOR}{rival}{SEPARATOR}{machine()}", flush=True)
