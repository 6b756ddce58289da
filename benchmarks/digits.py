"""MNIST, or a set in its files, on a device as the runner puts it there."""

from __future__ import annotations

from pathlib import Path

import torch

from mnist_tui.core.dataset import find
from mnist_tui.core.large import open_large
from mnist_tui.engine.streaming import put_on
from mnist_tui.engine.trainer import Splits


def load_splits(device: torch.device, data_dir: Path | None = None) -> Splits:
    """All of the bundled set, or of the one in `data_dir`: resident on `device`, or streamed where it is large."""
    source = find("mnist", data_dir)
    train, test = open_large(source) or source.load_train(), source.load_test()
    return Splits(put_on(train, device, 0, len(train)), put_on(test, device, 0, len(test)))
