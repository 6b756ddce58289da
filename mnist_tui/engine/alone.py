"""What the trainer asks of the processes that train with it, answered where there are none: it costs nothing then."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.engine.keeper import Place
from mnist_tui.engine.learner import Learner


class Alone:
    """One process, which trains every batch whole.

    Attributes:
        free: whether something else than the next batch may be done now.
    """

    free = True

    def make_learner(self, hyperparameters: Hyperparameters, device: torch.device, precision: Precision) -> Learner:
        """What trains a batch here."""
        return Learner(hyperparameters, device, precision)

    def announce(self, place: Place, train_size: int, every: int, *, whole: bool) -> slice | None:
        """The part of the batch at `place` that is trained here; None: all of it.

        Args:
            place: where the run is.
            train_size: images in an epoch.
            every: it has to be free after each multiple of so many steps, and where batches become shorter.
            whole: all of it is to be trained here.
        """
        return None

    def add_up(self, losses: Sequence[Tensor], correct: Sequence[Tensor]) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Losses (nats) and hits of whole batches, from those of the parts trained here, on the device."""
        return tuple(torch.stack([*losses]).tolist()), tuple(torch.stack([*correct]).tolist())

    def agrees(self) -> bool:
        """Whether the weights are everywhere the same; where not, they are from now on."""
        return True

    def remember(self, place: Place) -> None:
        """Nothing is under way on the device now, and the run is at `place`."""

    def rescue(self, place: Place) -> Learner | None:
        """What to save where the others are lost; `place` is moved to where it was. None: the learner as it is."""
        return None

    def dismiss(self) -> None:
        """The run is over."""
