"""What `run.json` says about how a run is made, as far as a file that anybody may have written can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mnist_tui.core.dataset import DATASETS
from mnist_tui.core.events import EngineLoaded
from mnist_tui.core.hyperparameters import PRESETS
from mnist_tui.core.settings import RunSettings


def settings_of(folder: Path, facts: Mapping[str, object]) -> RunSettings:
    """Preset, data set and its place, where they are such."""
    preset, dataset, data_dir = (facts.get(key) for key in ("preset", "dataset", "data_dir"))
    return RunSettings(
        preset=preset if isinstance(preset, str) and preset in PRESETS else "classic",
        dataset=dataset if isinstance(dataset, str) and dataset in DATASETS else "mnist",
        data_dir=Path(data_dir) if isinstance(data_dir, str) and "\0" not in data_dir else None,
        runs_dir=folder.parent,
    )


def engine_of(facts: Mapping[str, object]) -> EngineLoaded:
    """The device that trains, as if it had just been chosen."""
    words = {key: value for key in ("device", "device_name") if isinstance(value := facts.get(key), str)}
    versions, threads = facts.get("versions"), facts.get("threads")
    torch = versions.get("torch", "") if isinstance(versions, dict) else ""
    return EngineLoaded(
        words.get("device", ""),
        words.get("device_name", ""),
        threads if type(threads) is int else 0,
        torch if isinstance(torch, str) else "",
        0,
    )
