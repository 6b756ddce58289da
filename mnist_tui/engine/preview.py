"""What the hyperparameters make of digits, before anything is trained with it."""

from __future__ import annotations

from torch import Tensor

from mnist_tui.core.events import Previewed
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.augment import as_bytes, augment
from mnist_tui.engine.batches import Batches

PREVIEWED = 24


def preview(train: Batches, hyperparameters: Hyperparameters, indices: Tensor | None = None) -> Previewed:
    """Digits as stored and as `hyperparameters` would feed them: the first of `indices` (n,) int64 into `train`.

    Where these are too few, as in the last batch of an epoch, they are those that the first epoch begins with.
    """
    if indices is None or len(indices) < PREVIEWED:
        indices = train.order(hyperparameters.seed, 1)[:PREVIEWED]
    images, _ = train.gather(indices[:PREVIEWED])
    return Previewed(hyperparameters, as_bytes(images), as_bytes(augment(images, hyperparameters, 0)))
