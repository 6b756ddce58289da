"""What the devices here can do, for `doctor`."""

from __future__ import annotations

from typing import Any

import torch

from mnist_tui.core.dataset import find
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.core.speed import MachineLoad, StageTimes
from mnist_tui.core.telemetry import Telemetry
from mnist_tui.engine import device as devices
from mnist_tui.engine.architectures import kernels_for
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.bfloat16 import has_fast_bf16
from mnist_tui.engine.graphs import why_no_graphs
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.timing import time_stages


def describe_devices() -> dict[str, Any]:
    """Version, CPU, GPUs, and the reason why there is no CUDA, as plain values."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cuda = []
    for index in range(count):
        free, total = torch.cuda.mem_get_info(index)
        major, minor = torch.cuda.get_device_capability(index)
        name = torch.cuda.get_device_name(index)
        cuda.append({"name": name, "capability": f"{major}.{minor}", "free": free, "total": total})
    return {
        "torch": str(torch.__version__),
        "built_for_cuda": torch.version.cuda,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "onednn": bool(torch.backends.mkldnn.is_available()),  # type: ignore[no-untyped-call]
        "bf16": has_fast_bf16(),
        "kernels": kernels_for(Hyperparameters(), torch.device("cpu")),
        "cuda": cuda,
        "why_no_cuda": "" if count else devices.why_no_cuda(),
        "why_no_graphs": why_no_graphs(torch.device("cuda" if count else "cpu")),
        "mps": torch.backends.mps.is_available(),
    }


def time_training(device: str, threads: int | None) -> tuple[str, int, Precision, StageTimes, MachineLoad]:
    """Label of `device`, CPU threads, precision, where the time of the classic recipe's batches goes, and the machine.

    All are what a training takes that is asked for nothing else.

    Raises:
        UsageError: there is no such device.
    """
    chosen = devices.choose(device)
    threads = threads or devices.default_threads()
    devices.prepare(threads)
    train = Batches(find("mnist").load_train(), chosen.torch)
    precision = devices.resolve_precision("auto", chosen)
    learner = Learner(Hyperparameters(), chosen.torch, precision)
    time_stages(learner, train, batches=1)  # what is set up once is no part of a batch
    telemetry = Telemetry(chosen.label)
    times = time_stages(learner, train)
    return chosen.label, threads, precision, times, telemetry.read()
