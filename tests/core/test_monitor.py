import threading

import pytest

from mnist_tui.core import telemetry
from mnist_tui.core.monitor import Monitor
from mnist_tui.core.speed import MachineLoad

PATIENCE = 20.0  # how long a broken test hangs
LOAD = MachineLoad(2, 1.0, 0.0, 10**9)


class Readings:
    """What a monitor made of `Telemetry`: the devices it was made for, and a signal at each reading."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.devices: list[str] = []
        self.read = threading.Semaphore(0)
        readings = self

        class Fake:
            def __init__(self, device: str) -> None:
                readings.devices.append(device)

            def read(self) -> MachineLoad:
                readings.read.release()
                return LOAD

        monkeypatch.setattr(telemetry, "Telemetry", Fake)

    def wait(self) -> bool:
        return self.read.acquire(timeout=PATIENCE)


def test_it_reads_while_somebody_watches_and_a_new_device_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = Readings(monkeypatch)
    monitor = Monitor(seconds=0.001)
    assert monitor.load is None
    monitor.watch("cpu", True)
    assert readings.wait()
    assert readings.wait()
    assert monitor.load == LOAD
    monitor.watch("cuda:0", True)
    while "cuda:0" not in readings.devices:
        assert readings.wait()
    monitor.close()


def test_nobody_is_asked_before_somebody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = Readings(monkeypatch)
    monitor = Monitor(seconds=0.001)
    monitor.watch("cpu", False)
    assert readings.devices == []
    assert monitor.load is None
    monitor.close()
