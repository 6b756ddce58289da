"""What the machine is doing, read from psutil and the NVIDIA driver; silent where one of them is not there.

Both are imported by the first reading: the first frame does without.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

from mnist_tui.core.speed import GpuLoad, MachineLoad


class Telemetry:
    """Readings of the time since the reading before, or since this was made.

    Args:
        device: what is trained on: `cpu`, `cuda:0`, `mps`.
    """

    def __init__(self, device: str = "cpu") -> None:
        import psutil

        self._process = psutil.Process()
        self._affinity = available_cores()
        self._all = psutil.cpu_count() or 1
        self._gpu = _Gpu(int(device.partition(":")[2] or 0)) if device.startswith("cuda") else None
        self._before = self._times()

    def read(self) -> MachineLoad:
        """The load since the reading before."""
        clock, own, busy = self._times()
        clock_before, own_before, busy_before = self._before
        self._before = (clock, own, busy)
        seconds = max(clock - clock_before, 1e-3)
        mine = max(0.0, own - own_before) / seconds
        others = min(max(0.0, (busy - busy_before) / seconds - mine), float(self._all))
        memory = int(self._process.memory_info().rss)
        return MachineLoad(self._affinity, mine, others, memory, self._gpu.read() if self._gpu else None)

    def _times(self) -> tuple[float, float, float]:
        """Clock, seconds of computing of this process, and of everything on the machine."""
        import psutil

        own = self._process.cpu_times()
        whole = psutil.cpu_times()
        idle = whole.idle + getattr(whole, "iowait", 0.0)
        # `guest` is part of `user` already; the time stolen by the host of a virtual machine is busy for us too.
        busy = sum(whole) - idle - getattr(whole, "guest", 0.0) - getattr(whole, "guest_nice", 0.0)
        return time.monotonic(), own.user + own.system, busy


class _Gpu:
    """One NVIDIA GPU, by torch's number, which CUDA_VISIBLE_DEVICES may have shifted."""

    def __init__(self, index: int) -> None:
        self._handle: Any = None
        self._name = ""
        with contextlib.suppress(Exception):  # no driver, an old one, a container without it: there are no figures then
            import pynvml

            pynvml.nvmlInit()
            visible = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
            which = visible[index] if index < len(visible) else str(index)
            by_number = which.isdecimal()
            self._handle = (
                pynvml.nvmlDeviceGetHandleByIndex(int(which)) if by_number else pynvml.nvmlDeviceGetHandleByUUID(which)
            )
            name = pynvml.nvmlDeviceGetName(self._handle)
            self._name = name.decode() if isinstance(name, bytes) else str(name)

    def read(self) -> GpuLoad | None:
        """The GPU now; None where the driver tells nothing at all."""
        if self._handle is None:
            return None
        import pynvml

        busy = memory = total = temperature = power = None
        with contextlib.suppress(pynvml.NVMLError):
            busy = float(pynvml.nvmlDeviceGetUtilizationRates(self._handle).gpu)
        with contextlib.suppress(pynvml.NVMLError):
            info = pynvml.nvmlDeviceGetMemoryInfo(self._handle)
            memory, total = int(info.used), int(info.total)
        with contextlib.suppress(pynvml.NVMLError):
            temperature = float(pynvml.nvmlDeviceGetTemperature(self._handle, pynvml.NVML_TEMPERATURE_GPU))
        with contextlib.suppress(pynvml.NVMLError):
            power = pynvml.nvmlDeviceGetPowerUsage(self._handle) / 1000
        return GpuLoad(self._name, busy, memory, total, temperature, power)


def available_cores() -> int:
    """Cores this process may use: fewer than there are in a container or under taskset."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
