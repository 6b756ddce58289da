"""Signals become facts."""

import os
import signal
from collections.abc import Iterator

import pytest

from mnist_tui.leaving import SIGNALS, Departure


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_terminal_that_is_gone_may_say_so_twice() -> None:
    departure = Departure()
    departure.listen()
    os.kill(os.getpid(), signal.SIGHUP)
    assert (departure.hung_up, departure.exit_code, departure.reason) == (True, 129, "the terminal was gone")
    departure.outlive_terminal()
    os.kill(os.getpid(), signal.SIGHUP)
    assert not departure.asked.is_set()
    os.kill(os.getpid(), signal.SIGTERM)
    assert departure.asked.is_set()
    assert departure.exit_code == 143


def test_the_first_signal_gives_the_code() -> None:
    departure = Departure()
    departure.listen()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
        os.kill(os.getpid(), number)
    assert departure.exit_code == 143
    assert departure.interrupts == 2
