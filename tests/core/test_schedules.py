import math
from itertools import pairwise

import pytest

from mnist_tui.core.schedules import FIRST_FACTOR, LAST_FACTOR, SCHEDULES, WARM_UP, rate_factor


@pytest.mark.parametrize(
    ("schedule", "share", "factor"),
    [
        ("constant", 0.0, 1.0),
        ("constant", 1.0, 1.0),
        ("cosine", 0.0, 1.0),
        ("cosine", 0.5, 0.5),
        ("cosine", 1.0, 0.0),
        ("one-cycle", 0.0, FIRST_FACTOR),
        ("one-cycle", WARM_UP, 1.0),
        ("one-cycle", 1.0, LAST_FACTOR),
        ("step", 0.49, 1.0),
        ("step", 0.5, 0.1),
        ("step", 0.75, 0.01),
        ("step", 1.0, 0.01),
    ],
)
def test_where_a_schedule_is_at_a_share_of_the_run(schedule: str, share: float, factor: float) -> None:
    assert rate_factor(schedule, round(share * 10_000), 10_000) == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_never_leaves_its_range_and_stays_at_its_end(schedule: str) -> None:
    factors = [rate_factor(schedule, samples, 1000) for samples in range(0, 1500, 7)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert rate_factor(schedule, 5000, 1000) == rate_factor(schedule, 1000, 1000)
    assert math.isfinite(rate_factor(schedule, 0, 0))


def test_one_cycle_rises_and_then_falls() -> None:
    factors = [rate_factor("one-cycle", samples, 1000) for samples in range(1001)]
    peak = factors.index(max(factors))
    assert peak == 300
    assert all(a < b for a, b in pairwise(factors[: peak + 1]))
    assert all(a > b for a, b in pairwise(factors[peak:]))
