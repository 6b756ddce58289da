"""MNIST on a device, as the runner puts it there."""

from __future__ import annotations

import torch

from mnist_tui.core.dataset import find
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.trainer import Splits


def load_splits(device: torch.device) -> Splits:
    """All of the bundled set, resident on `device`."""
    source = find("mnist")
    return Splits(Batches(source.load_train(), device), Batches(source.load_test(), device))
