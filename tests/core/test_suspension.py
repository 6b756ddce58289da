"""A clock that stands still while the process is suspended."""

import pytest

from mnist_tui.core import suspension as module
from mnist_tui.core.suspension import suspension, training_clock


def test_the_clock_stands_still_in_a_suspension(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    monkeypatch.setattr(module, "_suspended", 0.0)
    assert training_clock() == 100
    with suspension():
        now[0] = 160.0
        assert training_clock() == 100  # another thread may be the first to run again
    assert training_clock() == 100
    now[0] = 161.0
    assert training_clock() == 101
