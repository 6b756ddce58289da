"""What the devices here can do, for `doctor`."""

from __future__ import annotations

import time
from typing import Any

import attrs
import torch

from mnist_tui.core.control import Control
from mnist_tui.core.dataset import find
from mnist_tui.core.events import BatchesTrained
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.core.speed import MachineLoad, StageTimes
from mnist_tui.core.telemetry import Telemetry
from mnist_tui.engine import device as devices
from mnist_tui.engine.architectures import kernels_for
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.bfloat16 import has_fast_bf16
from mnist_tui.engine.cuda.classic import why_no_kernels
from mnist_tui.engine.graphs import why_no_graphs
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.network import Architecture
from mnist_tui.engine.timing import time_stages
from mnist_tui.engine.trainer import Splits, Trainer

TRIAL_SECONDS = 1.5


def describe_devices() -> dict[str, Any]:
    """Version, CPU, GPUs, and the reason why there is no CUDA, as plain values."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    first = torch.device("cuda", 0) if count else torch.device("cpu")
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
        "why_no_kernels": why_no_kernels(Architecture(), first),
        "why_no_graphs": why_no_graphs(first),
        "mps": torch.backends.mps.is_available(),
    }


@attrs.frozen
class Trial:
    """A short training with the classic recipe, with what one takes that is asked for nothing else.

    Attributes:
        device: its label.
        threads: of the CPU.
        precision: of the maps.
        times: where the time of a batch goes; on a GPU, of one that is waited for after every stage.
        images_per_second: as a training has them.
        load: the machine meanwhile.
    """

    device: str
    threads: int
    precision: Precision
    times: StageTimes
    images_per_second: float
    load: MachineLoad


def time_training(device: str, threads: int | None) -> Trial:
    """Train for a second or so, and keep nothing.

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
    rate = 1000 * times.batch_size / times.total
    if chosen.torch.type == "cuda":
        telemetry = Telemetry(chosen.label)
        rate = _rate_ahead(train, chosen.torch, precision)
    return Trial(chosen.label, threads, precision, times, rate, telemetry.read())


def _rate_ahead(train: Batches, device: torch.device, precision: Precision) -> float:
    """Images a second of batches that are not waited for, in the second half of a training of `TRIAL_SECONDS`."""
    hyperparameters = Hyperparameters(epochs=10_000)
    trainer = Trainer(hyperparameters, Splits(train, train), device, precision=precision, attended=False)
    began = time.perf_counter()
    images, seconds = 0, 0.0
    for event in trainer.run(Control()):
        spent = time.perf_counter() - began
        if isinstance(event, BatchesTrained) and spent > TRIAL_SECONDS / 2:
            images += event.batch_size * len(event.losses)
            seconds += event.seconds
        if spent > TRIAL_SECONDS and seconds > 0:
            break
    return images / seconds
