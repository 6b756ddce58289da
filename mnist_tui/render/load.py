"""Speed and the machine's load in the words of a narrow column."""

from __future__ import annotations

from mnist_tui.core.speed import GpuLoad, MachineLoad
from mnist_tui.render.words import grouped

_GB = 1e9


def load_lines(rate: float | None, load: MachineLoad, width: int, *, ascii_only: bool = False) -> list[str]:
    """One line on this process, and one on the GPU where there is one; what does not fit goes, the last first.

    Args:
        rate: images a second; None before the first batch.
        load: the machine's.
        width: cells of a line.
        ascii_only: no degree sign.
    """
    own = [f"{grouped(round(rate))} img/s"] if rate else []
    own += [f"cpu {load.own:.0%}".replace("%", " %"), f"{load.memory / _GB:.1f} GB"]
    lines = [own]
    if load.gpu is not None:
        lines.append(gpu_words(load.gpu, ascii_only=ascii_only))
    return [_fitted(line, width) for line in lines]


def gpu_words(gpu: GpuLoad, *, ascii_only: bool = False) -> list[str]:
    """What the driver tells of a GPU, the most telling first."""
    words = [f"gpu {gpu.busy:.0f} %"] if gpu.busy is not None else []
    if gpu.memory is not None and gpu.memory_total:
        words.append(f"{gpu.memory / _GB:.1f}/{gpu.memory_total / _GB:.0f}G")
    if gpu.temperature is not None:
        words.append(f"{gpu.temperature:.0f}{'C' if ascii_only else '°C'}")
    if gpu.power is not None:
        words.append(f"{gpu.power:.0f}W")
    return words


def _fitted(words: list[str], width: int) -> str:
    gap = "  "
    while len(words) > 1 and len(gap.join(words)) > width:
        gap, words = (" ", words) if gap == "  " else ("  ", words[:-1])
    return gap.join(words)[:width]
