"""What a batch's time goes into, what the machine is doing meanwhile, and one sentence on what bounds the speed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from mnist_tui.core.progress import Progress

STAGES = ("data", "forward", "backward", "optimizer", "recording")


@attrs.frozen
class StageTimes:
    """Milliseconds of one training batch, by what they went into; the median of several.

    Attributes:
        data: gathering, normalising and augmenting its images.
        forward: from images to the loss.
        backward: the gradients.
        optimizer: the step.
        recording: what becomes of loss and hits: counted, brought to the host, told.
        batch_size: images in it.
    """

    data: float
    forward: float
    backward: float
    optimizer: float
    recording: float
    batch_size: int

    @property
    def total(self) -> float:
        """Milliseconds of the whole batch."""
        return self.data + self.forward + self.backward + self.optimizer + self.recording

    def share(self, stage: str) -> float:
        """The part of the batch (0..1) that `stage` takes."""
        part: float = getattr(self, stage)
        return part / self.total if self.total > 0 else 0.0


@attrs.frozen
class GpuLoad:
    """One GPU: percent busy, bytes used and there, degrees Celsius, watts; None where the driver does not tell."""

    name: str
    busy: float | None = None
    memory: int | None = None
    memory_total: int | None = None
    temperature: float | None = None
    power: float | None = None


@attrs.frozen
class MachineLoad:
    """The machine over the last second or so.

    Attributes:
        cores: that this process may use.
        own: cores kept busy by this process: 1.5 is one and a half.
        others: cores kept busy by everything else.
        memory: resident bytes of this process.
        gpu: the one that is trained on.
    """

    cores: int
    own: float
    others: float
    memory: int
    gpu: GpuLoad | None = None


_BUSY_OTHERS = 0.3  # cores
_CROWDED = 0.6  # cores; a browser or a backup takes less
CROWDED_READINGS = 8
"""Seconds in a row after which it is no passing thing."""

_MUCH = 0.25  # of a batch


def what_bounds(times: StageTimes, device: str, threads: int, load: MachineLoad | None) -> str:
    """One sentence: what the speed of the training depends on most, and what to do about it."""
    if device.startswith("cuda"):
        return _on_gpu(times, load.gpu if load else None)
    if load is not None and load.others >= _BUSY_OTHERS:
        return crowding(load, threads) or (
            f"other programs keep {load.others:.1f} of {load.cores} cores busy, and --threads {threads} leaves them "
            f"that: it is bound by the cores it has"
        )
    if load is not None and threads > load.cores:
        return f"{threads} threads share {load.cores} cores and wait for each other: use --threads {load.cores}"
    if load is not None and threads < load.cores:
        return f"{threads} of {load.cores} cores are used: --threads {load.cores} uses all"
    return _by_stage(times)


def crowding(load: MachineLoad, threads: int) -> str:
    """What to do where other programs need cores that `threads` of a training keep busy; empty where none does.

    Beside one busy core of two, one thread trained 2 to 15 times as fast as two.
    """
    least = max(1, load.cores - round(load.others + 0.2))
    if load.others < _BUSY_OTHERS or threads <= least:
        return ""
    return (
        f"other programs keep {load.others:.1f} of {load.cores} cores busy, and every batch waits for its slowest "
        f"thread: stop them, or go on with --threads {least}, which can be several times as fast"
    )


class CrowdWatch:
    """Tells once a run that other programs slow it down, after they did for some time."""

    def __init__(self) -> None:
        self._run = ""
        self._last: MachineLoad | None = None
        self._readings = 0

    def consider(self, progress: Progress, load: MachineLoad | None) -> str:
        """As `judge`, of a run that may not be trained here on the CPU, with a reading that may not be there yet."""
        if load is None or progress.phase != "training" or progress.device != "cpu":
            return ""
        return self.judge(progress.run, load, progress.threads)

    def judge(self, run: str, load: MachineLoad, threads: int) -> str:
        """What to say now, most often nothing.

        Args:
            run: its name.
            load: the newest reading; one that was judged before does not count again.
            threads: of the training.
        """
        if run != self._run:
            self._run, self._readings = run, 0
        if load is self._last or self._readings >= CROWDED_READINGS:
            return ""
        self._last = load
        words = crowding(load, threads) if load.others >= _CROWDED else ""
        self._readings = self._readings + 1 if words else 0
        return words if self._readings >= CROWDED_READINGS else ""


def _by_stage(times: StageTimes) -> str:
    if times.share("data") >= _MUCH:
        return f"preparing images takes {times.share('data'):.0%} of a batch: shift, rotate and scale of 0 cost nothing"
    if times.share("recording") >= _MUCH / 2:
        return f"recording takes {times.share('recording'):.0%} of a batch: larger batches are fewer to record"
    if times.share("optimizer") >= _MUCH:
        return (
            f"the optimizer's step takes {times.share('optimizer'):.0%} of a batch whatever its size: a batch of "
            f"{2 * times.batch_size} halves that per image"
        )
    arithmetic = times.share("forward") + times.share("backward")
    return (
        f"the network's own arithmetic takes {arithmetic:.0%} of a batch, so the cores' speed bounds it: a faster "
        "device, or a smaller width, is all that helps"
    )


def _on_gpu(times: StageTimes, gpu: GpuLoad | None) -> str:
    busy = gpu.busy if gpu is not None else None
    if busy is not None and busy >= 90:
        return f"the GPU is {busy:.0f} % busy: its own speed bounds the training"
    words = f"the GPU is only {busy:.0f} % busy" if busy is not None else "a batch this small leaves the GPU waiting"
    return (
        f"{words}: what each batch costs besides its arithmetic bounds it, so a batch of {8 * times.batch_size} takes "
        f"hardly longer than one of {times.batch_size}"
    )
