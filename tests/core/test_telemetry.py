import os
import sys
import types

import pytest

from mnist_tui.core.telemetry import Telemetry, available_cores


def test_a_reading_is_of_this_process_and_machine() -> None:
    telemetry = Telemetry()
    sum(number * number for number in range(300_000))
    load = telemetry.read()
    assert load.cores == available_cores() >= 1
    assert 0 < load.own <= (os.cpu_count() or 1) + 0.5
    assert 0 <= load.others <= (os.cpu_count() or 1)
    assert 10**6 < load.memory < 10**12
    assert load.gpu is None


def driver(monkeypatch: pytest.MonkeyPatch, **broken: bool) -> types.SimpleNamespace:
    """A driver of one GPU; what is named in `broken` it does not tell."""

    class NVMLError(Exception):
        pass

    def tell(name: str, value: object) -> object:
        def figure(*_: object) -> object:
            if broken.get(name):
                raise NVMLError(name)
            return value

        return figure

    asked: list[object] = []

    def handle(which: object) -> str:
        asked.append(which)
        return "handle"

    fake = types.SimpleNamespace(
        NVMLError=NVMLError,
        NVML_TEMPERATURE_GPU=0,
        asked=asked,
        nvmlInit=tell("init", None),
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetHandleByUUID=handle,
        nvmlDeviceGetName=tell("name", b"NVIDIA H200"),
        nvmlDeviceGetUtilizationRates=tell("busy", types.SimpleNamespace(gpu=41)),
        nvmlDeviceGetMemoryInfo=tell("memory", types.SimpleNamespace(used=2, total=8)),
        nvmlDeviceGetTemperature=tell("temperature", 50),
        nvmlDeviceGetPowerUsage=tell("power", 123_400),
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


def test_a_gpu_is_read_by_the_number_that_torch_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = driver(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-abc")
    gpu = Telemetry("cuda:0").read().gpu
    assert gpu is not None
    assert (gpu.name, gpu.busy, gpu.memory, gpu.memory_total) == ("NVIDIA H200", 41.0, 2, 8)
    assert (gpu.temperature, gpu.power) == (50.0, 123.4)
    Telemetry("cuda:1")
    assert fake.asked == [3, "GPU-abc"]


def test_what_the_driver_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, power=True, temperature=True)
    gpu = Telemetry("cuda:0").read().gpu
    assert gpu is not None
    assert gpu.busy == 41.0
    assert gpu.power is gpu.temperature is None


def test_without_a_driver_there_are_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    driver(monkeypatch, init=True)
    assert Telemetry("cuda:0").read().gpu is None
