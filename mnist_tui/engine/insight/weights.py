"""The network as it was at an evaluation."""

from __future__ import annotations

import contextlib
import io
import time
from pathlib import Path

import torch

from mnist_tui.core.errors import ModelFileError
from mnist_tui.engine.architectures import architecture_of, blank_network
from mnist_tui.engine.checkpoint import load_model
from mnist_tui.engine.network import Network
from mnist_tui.inspecting import Weights

SAVING_SECONDS = 0.5
RECENT_SECONDS = 300.0


def load_weights(weights: Weights) -> tuple[Network, int]:
    """The network with `weights`, and the step they are from: that of the nearest checkpoint where they are not kept.

    Raises:
        ModelFileError: the run has no checkpoint that can be read.
    """
    if weights.state:
        state = torch.load(io.BytesIO(weights.state), weights_only=True)
        model = blank_network(architecture_of(state))
        model.load_state_dict(state)
        return model.eval(), weights.step
    folder = Path(weights.folder)
    deadline = time.monotonic() + SAVING_SECONDS
    while True:
        there = checkpoints_of(weights)
        model, step = _nearest(folder, weights.step, weights.branch)
        # An evaluation is told before the checkpoint that follows it is written.
        if step >= weights.step or time.monotonic() > deadline or not _is_new(there):
            return model, step
        time.sleep(0.1)


def checkpoints_of(weights: Weights) -> tuple[tuple[str, int], ...]:
    """The checkpoints of a run as they are now: names, and when each was written, in ns."""
    found = []
    for path in sorted(Path(weights.folder).glob("checkpoints/*.pt")):
        with contextlib.suppress(OSError):  # the oldest of them go
            found.append((path.name, path.stat().st_mtime_ns))
    return tuple(found)


def _is_new(there: tuple[tuple[str, int], ...]) -> bool:
    """Whether one was written within the last minutes: somebody trains, and may write the next in a moment."""
    return any(time.time() - written / 1e9 < RECENT_SECONDS for _, written in there)


def _nearest(folder: Path, step: int, branch: int) -> tuple[Network, int]:
    found: list[tuple[int, bool, Network, int]] = []
    for path in sorted(folder.glob("checkpoints/*.pt")):
        try:
            model, facts = load_model(path)
        except ModelFileError:
            continue
        at = facts.get("step")
        if isinstance(at, int):
            found.append((abs(at - step), facts.get("branch") != branch, model, at))
    if not found:
        raise ModelFileError(f"{folder} holds no checkpoint that can be read, so no digit can be looked into")
    _, _, model, at = min(found, key=lambda candidate: candidate[:2])
    return model, at
