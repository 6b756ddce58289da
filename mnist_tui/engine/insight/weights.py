"""The network as it was at an evaluation."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from mnist_tui.core.errors import ModelFileError
from mnist_tui.engine.checkpoint import load_model
from mnist_tui.engine.model import CNN, architecture_of, blank_network
from mnist_tui.inspecting import Weights


def load_weights(weights: Weights) -> tuple[CNN, int]:
    """The network with `weights`, and the step they are from: that of the nearest checkpoint where they are not kept.

    Raises:
        ModelFileError: the run has no checkpoint that can be read.
    """
    if weights.state:
        state = torch.load(io.BytesIO(weights.state), weights_only=True)
        model = blank_network(architecture_of(state))
        model.load_state_dict(state)
        return model.eval(), weights.step
    return _nearest(Path(weights.folder), weights.step, weights.branch)


def _nearest(folder: Path, step: int, branch: int) -> tuple[CNN, int]:
    found: list[tuple[int, bool, CNN, int]] = []
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
