"""Where and how a run is made, beside its hyperparameters: device, data, folders, and the screen's own choices."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from mnist_tui.core.errors import UsageError
from mnist_tui.core.hyperparameters import PRESETS

MOST_THREADS = 1024  # far above it OpenMP cannot start them all, and ends the process
RUNS_DIR_VARIABLE = "MNIST_TUI_RUNS_DIR"


def default_runs_dir() -> Path:
    """`$MNIST_TUI_RUNS_DIR`, or `runs` in the working directory."""
    return Path(os.environ.get(RUNS_DIR_VARIABLE) or "runs")


def _at_least(low: float, high: float = math.inf) -> Any:
    def check(_: object, attribute: attrs.Attribute[Any], value: float | None) -> None:
        if value is not None and not low <= value <= high:
            flag = "--" + attribute.name.replace("_", "-")
            legal = f"{low:g} or more" if high == math.inf else f"from {low:g} to {high:g}"
            raise UsageError(f"{flag} must be {legal}, not {value}")

    return check


def _known_preset(_: object, __: attrs.Attribute[Any], value: str) -> None:
    if value not in PRESETS:
        raise UsageError(f"there is no preset {value!r}: use one of {', '.join(PRESETS)}")


def _one_of(what: str, *values: str) -> Any:
    legal = f"{', '.join(values[:-1])} or {values[-1]}"

    def check(_: object, __: attrs.Attribute[Any], value: str) -> None:
        if value not in values:
            raise UsageError(f"there is no {what} {value!r}: use {legal}")

    return check


def _known_precision(_: object, __: attrs.Attribute[Any], value: str) -> None:
    if value not in {"fp32", "bf16", "auto"}:
        raise UsageError(f"--precision is fp32, bf16 or auto, not {value!r}")


def _known_hangup(_: object, __: attrs.Attribute[Any], value: str) -> None:
    if value not in {"save", "continue"}:
        raise UsageError(f"--on-hangup is save or continue, not {value!r}")


def _option(default: Any, help: str, validator: Any = None) -> Any:
    if callable(default):
        return attrs.field(factory=default, validator=validator, metadata={"help": help})
    return attrs.field(default=default, validator=validator, metadata={"help": help})


Precision: TypeAlias = Literal["fp32", "bf16"]
"""What the maps of a training are computed in; weights and optimizer are float32 in both."""


@attrs.frozen(kw_only=True, repr=False)
class RunSettings:
    """Everything about a run that is not a hyperparameter.

    Raises:
        UsageError: a value makes no sense.
    """

    preset: str = _option("classic", "The recipe the other flags start from.", _known_preset)
    device: str = _option("auto", "auto, cpu, cuda, cuda:N or mps.")
    threads: int | None = _option(
        None, "CPU threads of the training; default: one per core, or OMP_NUM_THREADS.", _at_least(1, MOST_THREADS)
    )
    precision: str = _option(
        "auto",
        "fp32, bf16, or auto: bf16 on a CPU that is faster with it, else fp32.",
        _known_precision,
    )
    dataset: str = _option("mnist", "mnist (bundled), fashion, kmnist or qmnist.")
    data_dir: Path | None = _option(None, "Where the data files are, or shall be downloaded to.")
    validation: int = _option(0, "Training images held out to choose the best checkpoint by.", _at_least(0))
    runs_dir: Path = _option(default_runs_dir, "Where runs are kept; also $MNIST_TUI_RUNS_DIR.")
    name: str | None = _option(None, "A name for the run; default: the preset's, numbered.")
    resume: str | None = _option(None, "Go on with a run: its name, its folder, or one of its checkpoints.")
    autosave: float = _option(60.0, "Seconds between checkpoints while training.", _at_least(1))


@attrs.frozen(kw_only=True, repr=False)
class ScreenSettings:
    """The dashboard's own choices.

    Raises:
        UsageError: a value makes no sense.
    """

    start: bool = _option(False, "Start training at once.")
    fps: float = _option(
        10.0, "How often a second the charts may move, 10 at most; less on a slow link.", _at_least(0.2)
    )
    mouse: bool = _option(True, "React to the mouse.")
    bell: bool = _option(True, "Ring, and notify the desktop, at the end of a run of a minute or more.")
    ascii: bool = _option(False, "Draw with ASCII characters only.")
    theme: str = _option(
        "auto", "auto (light where $COLORFGBG says so), dark or light.", _one_of("theme", "auto", "dark", "light")
    )
    glyphs: str = _option(
        "auto",
        "What digits are drawn with: auto (by the terminal's colours), half, quadrant, braille, shade or ascii.",
        _one_of("kind of glyphs", "auto", "half", "quadrant", "braille", "shade", "ascii"),
    )
    palette: str = _option(
        "ink",
        "The colours of digits: ink, viridis, cividis or contrast.",
        _one_of("palette", "ink", "viridis", "cividis", "contrast"),
    )
    on_hangup: str = _option(
        "save", "When the terminal is gone: save and end, or continue without a screen.", _known_hangup
    )
