"""What `doctor` prints: what this terminal and these devices can do, and what bounds the speed."""

from __future__ import annotations

import contextlib
import locale
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from mnist_tui import __version__
from mnist_tui.core.dataset import DATASETS, find
from mnist_tui.core.errors import UserError
from mnist_tui.core.first_import import first_import_of
from mnist_tui.core.recorder import to_json
from mnist_tui.core.settings import RunSettings
from mnist_tui.core.speed import STAGES, StageTimes, what_bounds
from mnist_tui.render.words import grouped

_GB = 1e9


def doctor(settings: RunSettings, *, as_json: bool) -> int:
    """Look at terminal, data, disk and devices, train sixty batches of a network that nobody keeps, and print it."""
    if not as_json and sys.stderr.isatty():
        print("mnist-tui: loading torch and timing sixty batches ...", file=sys.stderr, flush=True)
    findings = examine(settings)
    if as_json:
        print(to_json(findings), flush=True)
    else:
        print("\n".join(_as_text(findings)), flush=True)
    return 0


def examine(settings: RunSettings) -> dict[str, Any]:
    """Everything that `doctor` finds, as plain values.

    Raises:
        UsageError: there is no device as asked for.
    """
    with first_import_of("torch"):
        from mnist_tui.engine.examination import describe_devices, time_training

    devices = describe_devices()
    trial = time_training(settings.device, settings.threads)
    return {
        "mnist_tui": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "terminal": describe_terminal(os.environ),
        "data": {name: _where(name) for name in DATASETS},
        "runs": _describe_disk(settings.runs_dir),
        "devices": devices,
        "device": trial.device,
        "threads": trial.threads,
        "precision": trial.precision,
        "load": attrs.asdict(trial.load),
        "batch": {
            **attrs.asdict(trial.times),
            "total": trial.times.total,
            "images_per_second": trial.images_per_second,
        },
        "bound": what_bounds(trial.times, trial.device, trial.threads, trial.load),
    }


def describe_terminal(environment: Mapping[str, str]) -> dict[str, Any]:
    """What is known of the terminal without asking it: nothing is written to it."""
    colours = environment.get("COLORTERM", "").lower()
    term = environment.get("TERM", "")
    depth = "truecolor" if colours in {"truecolor", "24bit"} else "256" if "256" in term else "16"
    if environment.get("NO_COLOR"):
        depth = "none (NO_COLOR)"
    columns, rows = _terminal_size(environment)
    return {
        "there": sys.stdin.isatty() and sys.stderr.isatty() and term != "dumb",
        "term": term,
        "colours": depth,
        "utf8": "utf" in locale.getpreferredencoding(False).lower(),
        "columns": columns,
        "rows": rows,
        "inside": "tmux" if environment.get("TMUX") else "screen" if environment.get("STY") else "",
        "ssh": bool(environment.get("SSH_CONNECTION")),
    }


def _terminal_size(environment: Mapping[str, str]) -> tuple[int, int]:
    """Columns and rows: those of the environment, as for the dashboard, or else of a descriptor that is a terminal.

    The output may be piped on. 0 for what nobody tells.
    """
    words = environment.get("COLUMNS", ""), environment.get("LINES", "")
    columns, rows = (int(word) if word.isdecimal() else 0 for word in words)
    for descriptor in (1, 2, 0):
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(descriptor)
            columns, rows = columns or size.columns, rows or size.lines
    return columns, rows


def _where(name: str) -> str:
    """Where a data set was found; empty where it would have to be downloaded."""
    try:
        return find(name).where
    except UserError:
        return ""


def _describe_disk(runs_dir: Path) -> dict[str, Any]:
    place = runs_dir.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        free: int | None = shutil.disk_usage(place).free
    except OSError:
        free = None
    return {"folder": str(runs_dir), "writable": os.access(place, os.W_OK), "free": free}


def _as_text(found: Mapping[str, Any]) -> list[str]:
    devices, disk, load = found["devices"], found["runs"], found["load"]
    free = "unknown" if disk["free"] is None else f"{disk['free'] / _GB:.1f} GB free"
    missing = ", ".join(name for name, where in found["data"].items() if not where)
    lines = [
        ("mnist-tui", f"{found['mnist_tui']}, Python {found['python']}, torch {devices['torch']}"),
        ("machine", f"{found['platform']}, {load['cores']} cores to use, {devices['cpu_capability']}"),
        ("terminal", _terminal_words(found["terminal"])),
        ("data", "; ".join(f"{name}: {where}" for name, where in found["data"].items() if where)),
        ("", f"not here, downloaded when asked for: {missing}" if missing else ""),
        ("runs", f"{disk['folder']}, {'writable' if disk['writable'] else 'NOT writable'}, {free}"),
        *_device_lines(devices),
        ("speed", _speed_words(found)),
        ("", _stage_words(found["batch"], found["device"])),
        ("load", _load_words(load)),
        ("bound by", found["bound"]),
    ]
    return [f"{name:<10}{words}" for name, words in lines if words]


def _terminal_words(terminal: Mapping[str, Any]) -> str:
    if not terminal["there"]:
        return "none here: `mnist-tui train` needs none"
    parts = [
        terminal["term"] or "TERM is not set",
        f"{terminal['columns']}x{terminal['rows']}",
        f"colours: {terminal['colours']}",
        "UTF-8" if terminal["utf8"] else "no UTF-8: --ascii",
    ]
    parts += [f"inside {terminal['inside']}"] if terminal["inside"] else []
    parts += ["over SSH"] if terminal["ssh"] else []
    small = " (80x24 shows everything)" if terminal["columns"] < 80 or terminal["rows"] < 24 else ""
    return ", ".join(parts) + small


def _device_lines(devices: Mapping[str, Any]) -> list[tuple[str, str]]:
    lines = []
    for index, gpu in enumerate(devices["cuda"]):
        room = f"{gpu['free'] / _GB:.1f} of {gpu['total'] / _GB:.1f} GB free"
        lines.append((f"cuda:{index}", f"{gpu['name']}, {room}, compute capability {gpu['capability']}"))
    if devices["cuda"]:
        reason = devices["why_no_graphs"]
        lines.append(("graphs", f"off: {reason}" if reason else "on: a batch is one launch of a CUDA graph"))
        reason = devices["why_no_kernels"]
        lines.append(("kernels", f"off, torch's are used: {reason}" if reason else "on, for the classic network"))
    else:
        lines.append(("cuda", f"off: {devices['why_no_cuda']}"))
    if devices["mps"]:
        lines.append(("mps", "Apple GPU"))
    onednn = "oneDNN" if devices["onednn"] else "no oneDNN"
    own = devices["kernels"]
    kernels = "no convolutions of our own" if own == "none" else f"convolutions of our own in {own}"
    lines.append(("cpu", f"{onednn}, {kernels}, {'bfloat16 in hardware' if devices['bf16'] else 'no fast bfloat16'}"))
    return lines


def _speed_words(found: Mapping[str, Any]) -> str:
    batch, threads = found["batch"], found["threads"]
    rate = grouped(round(batch["images_per_second"]))
    plural = "thread" if threads == 1 else "threads"
    how = f"{threads} {plural} in {found['precision']}, batches of {batch['batch_size']}"
    return f"{rate} images/s on {found['device']} with {how}"


def _load_words(load: Mapping[str, Any]) -> str:
    words = f"{load['own']:.1f} cores by this program, {load['others']:.1f} by others, {load['memory'] / _GB:.1f} GB"
    gpu = load["gpu"]
    if gpu is None:
        return words
    figures = [f"{gpu['busy']:.0f} % busy"] if gpu["busy"] is not None else []
    figures += [f"{gpu['temperature']:.0f} °C"] if gpu["temperature"] is not None else []
    figures += [f"{gpu['power']:.0f} W"] if gpu["power"] is not None else []
    return f"{words}; GPU {', '.join(figures)}" if figures else words


def _stage_words(batch: Mapping[str, Any], device: str) -> str:
    times = StageTimes(**{stage: batch[stage] for stage in STAGES}, batch_size=batch["batch_size"])
    stages = ", ".join(f"{stage} {batch[stage]:.2f}" for stage in STAGES)
    waited = "one that is waited for after each stage: " if device.startswith("cuda") else ""
    return f"{waited}{times.total:.2f} ms a batch: {stages}"
