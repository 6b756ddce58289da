"""The clock of the app, against a loop whose time the test sets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mnist_tui.tui.beat import Beat


class Loop:
    """Keeps what is to be called, and when."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None]) -> None:
        self.calls.append((when, call))

    def run(self, late: float = 0.0) -> float:
        """Make the call that is due next, `late` seconds after its time, which is returned."""
        ((when, call),) = self.calls
        self.calls.clear()
        self.now = when + late
        call()
        return when


class App:
    """As much of an app as a beat looks at."""

    is_running = True
    _exit = False

    def __init__(self) -> None:
        self.faults: list[Exception] = []

    def _handle_exception(self, error: Exception) -> None:
        self.faults.append(error)


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    return loop


def beat(app: Any, act: Callable[[], object]) -> Beat:
    def call() -> None:
        act()

    return Beat(app, 0.125, call)


def test_it_calls_at_equal_intervals_however_late_each_call_is(loop: Loop) -> None:
    struck: list[float] = []
    beat(App(), lambda: struck.append(loop.now))
    assert [loop.run(late) for late in (0.01, 0.1, 0.0, 0.05)] == [100.125, 100.25, 100.375, 100.5]
    assert struck == [100.135, 100.35, 100.375, 100.55]


def test_what_was_missed_is_left_out(loop: Loop) -> None:
    beat(App(), lambda: None)
    loop.run(late=0.3)
    assert loop.run() == 100.5, "and not 100.25 or 100.375, which have passed"
    assert loop.run() == 100.625


@pytest.mark.parametrize("change", [{"_exit": True}, {"is_running": False}])
def test_it_ends_with_the_app(loop: Loop, change: dict[str, bool]) -> None:
    app, struck = App(), list[int]()
    beat(app, lambda: struck.append(1))
    loop.run()
    for name, value in change.items():
        setattr(app, name, value)
    loop.run()
    assert (struck, loop.calls) == ([1], [])


def test_a_fault_is_told_and_ends_it(loop: Loop) -> None:
    app = App()
    beat(app, lambda: 1 // 0)
    loop.run()
    assert [type(error) for error in app.faults] == [ZeroDivisionError]
    assert loop.calls == []
