"""What a runner needs before it can train: data, torch, a device; all of it inside the training thread."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from mnist_tui import __version__
from mnist_tui.core.dataset import Source, Split, default_data_dir, find
from mnist_tui.core.errors import DatasetMissing, UsageError
from mnist_tui.core.events import DownloadProgressed, EngineLoaded, Event
from mnist_tui.core.first_import import first_import_of
from mnist_tui.core.hyperparameters import PRESETS, Hyperparameters
from mnist_tui.core.runs import name_of
from mnist_tui.core.settings import Precision, RunSettings

if TYPE_CHECKING:
    from mnist_tui.core.large import LargeSplit
    from mnist_tui.core.launch import Launch
    from mnist_tui.engine.device import Device
    from mnist_tui.engine.parallel import Leader
    from mnist_tui.engine.trainer import Splits


@attrs.frozen
class Bench:
    """Everything loaded: what was asked for, where the data came from, the device, the data on it, the precision.

    `leader` leads the processes that train together, where there are several: `world_size` of them.
    """

    settings: RunSettings
    source: Source
    device: Device
    splits: Splits
    precision: Precision = "fp32"
    leader: Leader | None = None
    world_size: int = 1


def load_data(
    settings: RunSettings, tell: Callable[[Event], None], cancelled: Callable[[], bool]
) -> tuple[Source, Split]:
    """The data set of `settings` and its test split; downloaded first where it is not here.

    Raises:
        UserError: it is damaged, or cannot be had.
    """
    try:
        source = find(settings.dataset, settings.data_dir)
    except DatasetMissing:
        from mnist_tui.engine.download import download

        directory = settings.data_dir or default_data_dir()
        download(
            settings.dataset,
            directory,
            lambda file, done, total: tell(DownloadProgressed(file, done, total)),
            cancelled,
        )
        source = find(settings.dataset, directory)
    from mnist_tui.core.large import with_notice

    return with_notice(source), source.load_test()


def load_engine(
    settings: RunSettings,
    source: Source,
    test: Split,
    importing: Callable[[bool], None],
    launch: Launch | None = None,
) -> tuple[Bench, EngineLoaded]:
    """Import torch and meanwhile read the training data, choose the device, and put the data there.

    Args:
        settings: device, threads, how many images are held out.
        source: where the training split is.
        test: the test split.
        importing: told true before the import, which nothing can interrupt, and false after it.
        launch: our place among several processes, of which this is the first.

    Raises:
        UserError: the training data is damaged (which is told when torch is there), there is no such device, or the
            other processes did not come.
    """
    from concurrent.futures import ThreadPoolExecutor

    held_out = settings.validation
    with ThreadPoolExecutor(1, "data") as beside:  # 0.3 s of inflating, for which it needs no GIL
        reading = beside.submit(_read_train, source, held_out)
        importing(True)
        try:
            with first_import_of("torch"):
                import torch

                from mnist_tui.engine import device as devices
                from mnist_tui.engine.architectures import kernels_for
                from mnist_tui.engine.streaming import put_on
                from mnist_tui.engine.trainer import Splits
        finally:
            importing(False)
        train = reading.result()
    device, threads = choose_device(settings, launch)
    kept = len(train) - held_out
    splits = Splits(
        train=put_on(train, device.torch, 0, kept),
        test=put_on(test, device.torch, 0, len(test)),
        validation=put_on(train, device.torch, kept, len(train)) if held_out else None,
    )
    precision = devices.resolve_precision(settings.precision, device)
    own = False
    if device.torch.type == "cuda" and launch is None:  # compiled, once a machine, before a run waits for them
        own = kernels_for(PRESETS[settings.preset], device.torch) == "CUDA"
    bench = Bench(settings, source, device, splits, precision)
    notices = [device.notice, devices.slowness_of(precision, device, own_kernels=own)]
    if launch is not None:
        bench = _lead(bench, launch)
        notices = [f"{launch.world_size} processes train together", *notices]
    notice = "; ".join(filter(None, notices))
    return bench, EngineLoaded(device.label, device.name, threads, str(torch.__version__), kept, notice)


def _read_train(source: Source, held_out: int) -> Split | LargeSplit:
    """The training split, or the files that it is streamed from.

    Raises:
        DatasetError: it is damaged.
        UsageError: no image is left beside those that are held out.
    """
    from mnist_tui.core.large import open_large

    train = open_large(source) or source.load_train()
    if held_out >= len(train):
        raise UsageError(f"--validation {held_out} leaves nothing to train on: there are {len(train)} images")
    return train


def choose_device(settings: RunSettings, launch: Launch | None) -> tuple[Device, int]:
    """The device and the number of threads of this process, made ready for training.

    Raises:
        UsageError: there is no such device.
    """
    from mnist_tui.engine import device as devices

    device = devices.choose(settings.device) if launch is None else devices.choose_for(settings.device, launch)
    threads = settings.threads or devices.default_threads(launch.local_world_size if launch else 1)
    devices.prepare(threads)
    return device, threads


def _lead(bench: Bench, launch: Launch) -> Bench:
    """`bench`, with the other processes of `launch`, who are told where its training data is."""
    from mnist_tui.engine.parallel import Leader
    from mnist_tui.engine.team import Team

    data_dir = bench.settings.data_dir
    data = {
        "dataset": bench.settings.dataset,
        "data_dir": str(data_dir.absolute()) if data_dir else None,
        "train_size": len(bench.splits.train),
        "threads": bench.settings.threads,
    }
    leader = Leader(Team.join(launch, bench.device.torch), data)
    return attrs.evolve(bench, leader=leader, world_size=launch.world_size)


def for_settings(bench: Bench, settings: RunSettings) -> Bench:
    """`bench`, whose data is that of `settings`, with the precision that they want."""
    from mnist_tui.engine import device as devices

    return attrs.evolve(bench, precision=devices.resolve_precision(settings.precision, bench.device))


def run_facts(settings: RunSettings, folder: Path, hyperparameters: Hyperparameters, bench: Bench) -> dict[str, Any]:
    """What `run.json` says from the beginning."""
    return {
        "run": folder.name,
        "name": name_of(folder),
        "preset": settings.preset,
        "dataset": bench.source.name,
        "data": bench.source.where,
        "data_dir": str(settings.data_dir.absolute()) if settings.data_dir else None,
        "validation": settings.validation,
        **machine_facts(bench, hyperparameters),
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "initial_hyperparameters": attrs.asdict(hyperparameters),
        "hyperparameters": attrs.asdict(hyperparameters),
    }


def _kernels_of(bench: Bench, hyperparameters: Hyperparameters) -> str | None:
    """What kernels of our own the run has; several processes on GPUs have none."""
    from mnist_tui.engine.architectures import kernels_for

    if bench.device.torch.type == "cuda" and bench.world_size > 1:
        return "none"
    return kernels_for(hyperparameters, bench.device.torch, bench.precision)


def machine_facts(bench: Bench, hyperparameters: Hyperparameters) -> dict[str, Any]:
    """What the figures of a run depend on, besides its settings."""
    import torch

    return {
        "device": bench.device.label,
        "device_name": bench.device.name,
        "threads": torch.get_num_threads(),
        "world_size": bench.world_size,
        "precision": bench.precision,
        "kernels": _kernels_of(bench, hyperparameters),
        "versions": {
            "mnist_tui": __version__,
            "torch": str(torch.__version__),  # a TorchVersion is no plain value
            "python": ".".join(map(str, sys.version_info[:3])),
        },
    }
