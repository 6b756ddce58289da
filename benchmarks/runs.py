"""Trainings of the real program for the reliability benchmarks: begun, cut off, gone on with, compared."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.children import environment, python
from mnist_tui.core.dataset import find
from mnist_tui.core.events import BatchesTrained, Evaluated
from mnist_tui.core.replay import Replay, in_force

DIGITS = {"train": 12_800, "t10k": 2_000}
NET = ("--device", "cpu", "--threads", "2")


def write_digits(folder: Path) -> Path:
    """IDX files of the first 12 800 training and 2 000 test digits: an epoch of 200 batches."""
    folder.mkdir(parents=True)
    source = find("mnist")
    for name, split in (("train", source.load_train()), ("t10k", source.load_test())):
        count = DIGITS[name]
        header = bytes((0, 0, 8, 3)) + b"".join(size.to_bytes(4, "big") for size in (count, 28, 28))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + split.images[: 784 * count])
        header = bytes((0, 0, 8, 1)) + count.to_bytes(4, "big")
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(header + split.labels[:count])
    return folder


def train(runs: Path, *words: object) -> subprocess.Popen[bytes]:
    """Begin `mnist-tui train` with `words`; in a session of its own, its output thrown away."""
    return subprocess.Popen(
        python("mnist_tui", "train", "--runs-dir", runs, *NET, *words),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[bytes], *codes: int) -> int:
    """Wait for the end.

    Raises:
        RuntimeError: it ended with another code than those expected.
    """
    _, said = process.communicate(timeout=300)
    if process.returncode not in codes:
        raise RuntimeError(f"exit code {process.returncode}: {said.decode(errors='replace').strip()}")
    return process.returncode


def only_run(runs: Path) -> Path:
    """The one run in there."""
    (run,) = [path for path in runs.iterdir() if path.is_dir()]
    return run


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something.

    Raises:
        TimeoutError: it never came true.
    """
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError("it never came true")
        time.sleep(0.01)


def trains(runs: Path) -> bool:
    """Whether batches were recorded."""
    return any("BatchesTrained" in path.read_text() for path in runs.glob("*/metrics.jsonl"))


def cut_off(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal."""
    os.kill(process.pid, number)


def fingerprint(run: Path) -> tuple[list[torch.Tensor], dict[int, float], dict[int, tuple[float, float]]]:
    """Weights, optimizer and random state at the end, every batch's loss, every evaluation: what is in force."""
    content = torch.load(run / "checkpoints" / "last.pt", weights_only=True)
    moments = [value for state in content["optimizer"]["state"].values() for value in state.values()]
    losses: dict[int, float] = {}
    tests: dict[int, tuple[float, float]] = {}
    for event in in_force(Replay(run).read(arrays=False)):
        if isinstance(event, BatchesTrained):
            losses.update(enumerate(event.losses, event.first_step))
        elif isinstance(event, Evaluated):
            tests[event.step] = (event.loss, event.accuracy)
    return [*content["model"].values(), *moments, content["rng"]["cpu"]], losses, tests


def same(a: Path, b: Path) -> bool:
    """Whether two runs ended bit for bit alike."""
    ours, theirs = fingerprint(a), fingerprint(b)
    tensors = len(ours[0]) == len(theirs[0]) and all(map(torch.equal, ours[0], theirs[0]))
    return tensors and ours[1:] == theirs[1:]
