"""What the driver does beyond Textual's, without a terminal."""

import asyncio
import signal
from typing import Any

import pytest
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size

from mnist_tui.tui.driver import GuardedDriver


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    parts: list[str] = []
    monkeypatch.setattr(LinuxDriver, "write", lambda self, data: parts.append(data))
    return parts


def make_driver() -> GuardedDriver:
    return GuardedDriver.__new__(GuardedDriver)  # its constructor wants a terminal


def test_the_parts_of_a_frame_are_written_together(written: list[str]) -> None:
    driver = make_driver()
    for part in (SYNC_START, "a", "b", SYNC_END, SYNC_START, "c", SYNC_END):
        driver.write(part)
    assert written == [f"{SYNC_START}ab{SYNC_END}", f"{SYNC_START}c{SYNC_END}"]


def test_outside_a_frame_everything_is_written_at_once(written: list[str]) -> None:
    driver = make_driver()
    for part in ("a", "\a"):
        driver.write(part)
    assert written == ["a", "\a"]


async def test_a_size_is_told_after_one_that_came_while_it_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler of signals is itself interrupted by signals."""
    told: list[Size] = []

    class Listener:
        async def _post_message(self, event: Resize) -> None:
            told.append(event.size)

    sizes = [(5, 2), (120, 36)]
    later = sizes[-1]

    def look(self: GuardedDriver) -> tuple[int, int]:
        size = sizes.pop(0) if sizes else later
        if sizes:
            signal.raise_signal(signal.SIGWINCH)
        return size

    monkeypatch.setattr(LinuxDriver, "start_application_mode", install)
    monkeypatch.setattr(LinuxDriver, "_get_terminal_size", look)
    driver = make_driver()
    driver._app, driver._in_band_window_resize = Listener(), False  # type: ignore[assignment]
    before = signal.getsignal(signal.SIGWINCH)
    try:
        driver.start_application_mode()
        signal.raise_signal(signal.SIGWINCH)
        for _ in range(10):
            await asyncio.sleep(0)
    finally:
        signal.signal(signal.SIGWINCH, before)
    assert told[-1] == later


def install(driver: Any) -> None:
    """Textual's way: the size is read and told in the handler."""

    def tell(*_: object) -> None:
        size = Size(*driver._get_terminal_size())
        asyncio.run_coroutine_threadsafe(driver._app._post_message(Resize(size, size)), asyncio.get_running_loop())

    signal.signal(signal.SIGWINCH, tell)
