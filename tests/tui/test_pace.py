from itertools import pairwise

import pytest

from mnist_tui.tui.pace import Pace


class Line:
    """A line on which writing takes `share` of each second, second by second."""

    def __init__(self, pace: Pace) -> None:
        self.pace, self.now, self.waited = pace, 0.0, 0.0
        pace.judge(self.now, 0.0)

    def run(self, seconds: int, share: float) -> list[float]:
        rates = []
        for _ in range(seconds):
            self.now += 1.0
            self.waited += share
            self.pace.judge(self.now, self.waited)
            rates.append(self.pace.rate)
        return rates


def test_a_clogged_line_halves_the_rate_down_to_once_a_second() -> None:
    pace = Pace(10.0)
    assert Line(pace).run(5, 0.9) == [5, 2, 1, 1, 1]
    assert pace.words == "slow link, 1 fps"


@pytest.mark.parametrize("share", [0.0, 0.15, 0.45])
def test_a_line_that_carries_it_all_is_left_alone(share: float) -> None:
    pace = Pace(10.0)
    assert set(Line(pace).run(20, share)) == {10.0}
    assert not pace.slow
    assert pace.words == ""


def test_the_rate_comes_back_when_the_line_is_free() -> None:
    line = Line(Pace(10.0))
    line.run(2, 0.9)
    assert line.pace.rate == 2
    rates = line.run(14, 0.01)
    assert rates[-1] == 10.0
    assert sorted(rates) == rates


def test_what_was_tried_in_vain_is_tried_ever_more_seldom() -> None:
    line = Line(Pace(10.0))
    line.run(2, 0.9)
    tries = []
    for second in range(120):
        rate = line.pace.rate
        line.run(1, 0.9 if rate > 2 else 0.1)
        if line.pace.rate > rate:
            tries.append(second)
    gaps = [after - before for before, after in pairwise(tries)]
    assert len(gaps) >= 3
    assert gaps[-1] > 2 * gaps[0]


def test_a_rate_below_one_is_never_raised() -> None:
    line = Line(Pace(0.5))
    assert set(line.run(5, 0.9) + line.run(20, 0.0)) == {0.5}


def test_nothing_is_judged_by_less_than_a_second() -> None:
    pace = Pace(10.0)
    pace.judge(100.0, 0.0)
    pace.judge(100.3, 0.3)
    assert pace.rate == 10.0
