import random

import pytest

from mnist_tui.core.sliding_rate import SlidingRate


def test_nothing_has_no_rate() -> None:
    rate = SlidingRate(10.0)
    assert rate.per_second is None
    rate.add(64, 0.0)
    assert rate.per_second is None
    rate.add(64, 0.5)
    assert rate.per_second == 256
    rate.clear()
    assert rate.per_second is None


def test_the_two_newest_count_however_long_they_took() -> None:
    rate = SlidingRate(1.0)
    for count in (10, 20, 30):
        rate.add(count, 5.0)
    assert rate.per_second == 5


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_rate_of_the_newest_parts_that_fit(seed: int) -> None:
    rng, rate = random.Random(seed), SlidingRate(10.0)
    parts: list[tuple[int, float]] = []
    for _ in range(3000):
        parts.append((rng.randint(1, 500), rng.random() * 0.4))
        rate.add(*parts[-1])
        while len(parts) > 2 and sum(seconds for _, seconds in parts) > 10.0:
            del parts[0]
        expected = sum(count for count, _ in parts) / sum(seconds for _, seconds in parts)
        assert rate.per_second == pytest.approx(expected, rel=1e-9)
