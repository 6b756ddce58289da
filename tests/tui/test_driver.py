"""What the driver does beyond Textual's, without a terminal."""

import pytest
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual.drivers.linux_driver import LinuxDriver

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
