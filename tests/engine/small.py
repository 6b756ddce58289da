"""A network and data small enough that a test may train."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import pooled, sparse
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.engine.trainer import Splits
from tests.datafiles import cut

CPU = torch.device("cpu")
SMALL = Hyperparameters(width=2, hidden_units=8, batch_size=32, epochs=2)
TINY = Architecture(1, 2, 3)
"""About 5 kB in a file."""


def splits(train: int = 100, test: int = 40, validation: int = 0) -> Splits:
    """Real digits; no two splits share one."""
    everything = cut(train + validation + test)
    return Splits(
        train=Batches(everything, CPU, 0, train),
        validation=Batches(everything, CPU, train, train + validation) if validation else None,
        test=Batches(everything, CPU, train + validation),
    )


def network(architecture: Architecture = TINY, seed: int = 0) -> CNN:
    """A network with the weights of `seed`."""
    torch.manual_seed(seed)
    return CNN(architecture)


@contextmanager
def kernels_anew() -> Iterator[None]:
    """What was found out and made before does not count, and what is found out and made meanwhile not afterwards."""
    made = (sparse.has_kernels, sparse._forward_program, sparse._backward_program, pooled.has_pooled, pooled._program)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()
