import pytest

from mnist_tui.render.words import clock, grouped


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5.0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185.0, "3 min 05 s"),
        (3599.9, "1 h 00 min"),
        (7620.0, "2 h 07 min"),
        (400_000.0, "111 h 06 min"),
    ],
)
def test_a_duration_as_people_say_it(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_thousands_stand_apart() -> None:
    assert [grouped(number) for number in (0, 999, 2104, 1234567)] == ["0", "999", "2 104", "1 234 567"]
