"""What the engine says: frozen values with past-tense names, in the order they happened.

| event | fires |
| --- | --- |
| `DataLoaded` | the test split is in memory; the browser can show digits |
| `DownloadProgressed` | a file of a data set that is not here yet has grown |
| `EngineLoaded` | torch is imported, the device is chosen, the training split is checked |
| `RunStarted` | the run folder exists; before the first batch |
| `BatchesTrained` | after batches of equal size; at least every 0.1 s, and before any other event of the run |
| `HyperparametersApplied` | between two batches, when an edit has taken effect |
| `Paused`, `Resumed` | between two batches |
| `EvaluationBegan`, `Evaluated` | after each epoch, on request, and after the last batch |
| `EpochFinished` | after the last batch of an epoch and before its evaluation |
| `CheckpointSaved` | a checkpoint is complete on the disk |
| `SaveFailed` | it is not (disk full, read-only); the training goes on |
| `RunFinished` | last event of a run that ended by itself or was stopped |
| `RunFailed` | last event of a run that could not go on, also when it could not begin |
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from mnist_tui.core.dataset import Source, Split
from mnist_tui.core.hyperparameters import Hyperparameters

Status: TypeAlias = Literal["done", "stopped", "failed"]


@attrs.frozen
class DataLoaded:
    """The test split of `source` is readable."""

    source: Source
    test: Split


@attrs.frozen
class DownloadProgressed:
    """`done` of `total` bytes of `file` have arrived; `total` is 0 where it is unknown."""

    file: str
    done: int
    total: int


@attrs.frozen
class EngineLoaded:
    """The engine can train: on `device` (`cpu`, `cuda:0`), called `device_name`, with `threads` CPU threads."""

    device: str
    device_name: str
    threads: int
    torch_version: str
    train_size: int
    notice: str = ""


@attrs.frozen
class RunStarted:
    """A run began; `folder` holds its files, `samples_per_epoch` images make an epoch."""

    run: str
    folder: str
    hyperparameters: Hyperparameters
    device: str
    samples_per_epoch: int
    parameters: int


@attrs.frozen
class BatchesTrained:
    """Batches `first_step` … of one size, all in `epoch` (both count from 1).

    `losses` are mean cross-entropies in nats, `correct` the hits among `batch_size` images of each; `samples` is the
    number of images seen in the run after the last of them, `seconds` the time they took.
    """

    first_step: int
    epoch: int
    batch_size: int
    losses: tuple[float, ...]
    correct: tuple[int, ...]
    samples: int
    seconds: float

    @property
    def last_step(self) -> int:
        """The step of the last batch."""
        return self.first_step + len(self.losses) - 1

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Share of hits per batch, 0..1."""
        return tuple(hits / self.batch_size for hits in self.correct)


@attrs.frozen
class HyperparametersApplied:
    """From batch `step` on, `new` is in force."""

    step: int
    old: Hyperparameters
    new: Hyperparameters


@attrs.frozen
class Paused:
    """Training waits after batch `step`."""

    step: int


@attrs.frozen
class Resumed:
    """Training goes on after batch `step`."""

    step: int


@attrs.frozen
class EpochFinished:
    """Every image was seen once more; `seconds` of training, without pauses and evaluations."""

    epoch: int
    step: int
    seconds: float


@attrs.frozen
class EvaluationBegan:
    """An evaluation of the weights after batch `step` is under way."""

    step: int


@attrs.frozen
class Evaluated:
    """One pass over a whole split with the weights after batch `step`.

    `logits` is n x 10 float32, row-major, native byte order; `loss` the mean cross-entropy in nats; `accuracy` 0..1.
    """

    step: int
    epoch: int
    split: Literal["test", "validation"]
    loss: float
    accuracy: float
    logits: bytes = attrs.field(repr=False)
    seconds: float


@attrs.frozen
class CheckpointSaved:
    """`path` is complete on the disk; `kind` says why it was written."""

    step: int
    kind: Literal["last", "best"]
    path: str


@attrs.frozen
class SaveFailed:
    """A checkpoint or a record could not be written; `message` is one sentence."""

    step: int
    message: str


@attrs.frozen
class RunFinished:
    """The run is over and on the disk, after `epochs` whole epochs."""

    status: Status
    step: int
    epochs: int
    seconds: float


@attrs.frozen
class RunFailed:
    """The run cannot go on; `message` is one sentence, `details` a traceback or empty."""

    message: str
    details: str = ""
    exit_code: int = 1


Event: TypeAlias = (
    DataLoaded
    | DownloadProgressed
    | EngineLoaded
    | RunStarted
    | BatchesTrained
    | HyperparametersApplied
    | Paused
    | Resumed
    | EpochFinished
    | EvaluationBegan
    | Evaluated
    | CheckpointSaved
    | SaveFailed
    | RunFinished
    | RunFailed
)
