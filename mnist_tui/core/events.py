"""What the engine says: frozen values with past-tense names, in the order they happened.

| event | fires |
| --- | --- |
| `DataLoaded` | the test split is in memory; the browser can show digits |
| `DownloadProgressed` | a file of a data set that is not here yet has grown |
| `EngineLoaded` | torch is imported, the device is chosen, the training split is checked |
| `Previewed` | on request: training images as stored, and as an edit would feed them |
| `RunStarted` | the run folder exists; before the first batch |
| `RunContinued` | a run goes on from a checkpoint; a `Rewound` follows where that is behind what was recorded |
| `Recalled` | to a front end, what was recorded of a run before it came to know it |
| `Commanded` | a numbered command that another process left in the run's folder was taken |
| `Observed` | to those who watch another process train: whether it still does |
| `BatchesTrained` | after batches of equal size; at least every 0.1 s, and before any other event of the run |
| `HyperparametersApplied` | between two batches, when an edit has taken effect |
| `Rewound` | an edit was taken back, or a run that diverged: the state of an earlier batch is in force |
| `Paused`, `Resumed` | between two batches |
| `BatchInspected` | after a single step, with what the batch was and did |
| `LayersProbed` | every 200 batches |
| `StopScheduled` | a stop after the epoch under way was asked for, or called off |
| `BatchTimed` | on request: where the time of one batch went |
| `Answered` | a wish needed nothing done, or could not be fulfilled |
| `RatesTried`, `RateFound` | while the learning-rate finder runs, and when it is through |
| `HealthWarned`, `HealthRecovered` | something is wrong with the training, or is so no more |
| `EvaluationBegan`, `Evaluated` | after each epoch, on request, and after the last batch |
| `EpochFinished` | after the last batch of an epoch and before its evaluation |
| `CheckpointSaved` | a checkpoint is complete on the disk |
| `SaveFailed` | it is not (disk full, read-only); the training goes on |
| `RunFinished` | last event of a run that ended by itself or was stopped |
| `RunFailed` | last event of a run that could not go on, also when it could not begin |
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from mnist_tui.core.dataset import Source, Split
from mnist_tui.core.hyperparameters import Hyperparameters

Status: TypeAlias = Literal["done", "stopped", "failed"]
RunState: TypeAlias = Literal["live", "stalled", "crashed", "finished", "stopped", "failed"]
"""`live`: a process trains it. `stalled`: its heart stands still. `crashed`: it is gone without a word."""


class Fact:
    """What all events share, in place of what attrs would compile for each: 9 ms of the first frame."""

    __slots__ = ()

    def __repr__(self) -> str:
        fields = [field for field in self._fields() if field.repr]
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in fields)})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, field.name) for field in self._fields())

    def _fields(self) -> Any:
        kind: Any = type(self)
        return attrs.fields(kind)


@attrs.frozen(repr=False, eq=False)
class DataLoaded(Fact):
    """The test split of `source` is readable."""

    source: Source
    test: Split


@attrs.frozen(repr=False, eq=False)
class DownloadProgressed(Fact):
    """`done` of `total` bytes of `file` have arrived; `total` is 0 where it is unknown."""

    file: str
    done: int
    total: int


@attrs.frozen(repr=False, eq=False)
class EngineLoaded(Fact):
    """The engine can train: on `device` (`cpu`, `cuda:0`), called `device_name`, with `threads` CPU threads."""

    device: str
    device_name: str
    threads: int
    torch_version: str
    train_size: int
    notice: str = ""


@attrs.frozen(repr=False, eq=False)
class RunStarted(Fact):
    """A run began; `folder` holds its files, `samples_per_epoch` images make an epoch."""

    run: str
    folder: str
    hyperparameters: Hyperparameters
    device: str
    samples_per_epoch: int
    parameters: int


@attrs.frozen(repr=False, eq=False)
class RunContinued(Fact):
    """A run goes on after batch `step`, with `hyperparameters`; `notice` says why it may not be bit-exact, or nothing.

    What was lost on the way here, by a crash, a `Rewound` tells.
    """

    run: str
    folder: str
    step: int
    hyperparameters: Hyperparameters
    device: str
    samples_per_epoch: int
    parameters: int
    notice: str = ""


@attrs.frozen(repr=False, eq=False)
class Recalled(Fact):
    """Everything that was recorded of a run so far, in order: to be taken in, and no news to tell anybody.

    Where it is `ahead`, the run is still to be loaded: it is for the charts alone, and will be told once more.
    """

    events: tuple[Event, ...] = attrs.field(repr=False)
    ahead: bool = False


@attrs.frozen(repr=False, eq=False)
class Commanded(Fact):
    """Command `number` of the run's `control/` folder was taken; what came of it, the events behind it say."""

    number: int
    command: str


@attrs.frozen(repr=False, eq=False)
class Observed(Fact):
    """Who trains the run that is watched (`owner`, in words, or empty), and whether it lives."""

    state: RunState
    owner: str = ""


@attrs.frozen(repr=False, eq=False)
class BatchesTrained(Fact):
    """Batches `first_step` … of one size, all in `epoch` (both count from 1).

    `losses` are mean cross-entropies in nats, `correct` the hits among `batch_size` images of each; `samples` is the
    number of images seen in the run after the last of them, `seconds` the time they took, `learning_rate` what the
    schedule made of it for the last of them, `gradient_norm` the Euclidean norm of that one's whole gradient.
    """

    first_step: int
    epoch: int
    batch_size: int
    losses: tuple[float, ...]
    correct: tuple[int, ...]
    samples: int
    seconds: float
    learning_rate: float = 0.0
    gradient_norm: float = 0.0

    @property
    def last_step(self) -> int:
        """The step of the last batch."""
        return self.first_step + len(self.losses) - 1

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Share of hits per batch, 0..1."""
        return tuple(hits / self.batch_size for hits in self.correct)


@attrs.frozen(repr=False, eq=False)
class HyperparametersApplied(Fact):
    """From batch `step` on, `new` is in force.

    `edit` counts edits from 1; a key that is held makes several events of one edit. `undoable` is false where no
    checkpoint could be written before it.
    """

    step: int
    old: Hyperparameters
    new: Hyperparameters
    edit: int = 0
    undoable: bool = True


@attrs.frozen(repr=False, eq=False)
class Rewound(Fact):
    """The state after batch `to_step` is in force again, on branch `branch`; `from_step` was the newest batch.

    Weights, optimizer, random state and position are those of the checkpoint; `hyperparameters` too. `edit` is the
    number of the edit that was taken back, 0 for a recovery.
    """

    from_step: int
    to_step: int
    branch: int
    edit: int
    hyperparameters: Hyperparameters
    epoch: int
    epochs_finished: int
    samples: int
    seconds: float


@attrs.frozen(repr=False, eq=False)
class Layer(Fact):
    """One layer's figures: Euclidean norms of its weights and gradients, and what a step did.

    `update_ratio` is the norm of the last update over that of the weights, None where it was not measured; `dead` the
    share of its ReLUs that were zero for every image of a batch, None for the output layer and where not measured.
    """

    name: str
    weight_norm: float
    gradient_norm: float
    update_ratio: float | None = None
    dead: float | None = None


@attrs.frozen(repr=False, eq=False)
class LayersProbed(Fact):
    """The layers after batch `step`, first to last."""

    step: int
    layers: tuple[Layer, ...]


@attrs.frozen(repr=False, eq=False)
class BatchInspected(Fact):
    """Batch `step`, image by image, the one with the largest loss first; at most 100 of its `batch_size`.

    `loss` is the mean of all in nats, `correct` the hits among all; `images` holds 784 bytes each, as the network was
    fed them.
    """

    step: int
    batch_size: int
    loss: float
    correct: int
    labels: tuple[int, ...]
    predicted: tuple[int, ...]
    losses: tuple[float, ...]
    layers: tuple[Layer, ...]
    images: bytes = attrs.field(repr=False)


@attrs.frozen(repr=False, eq=False)
class StopScheduled(Fact):
    """The run ends after `epoch`; None where that was called off."""

    step: int
    epoch: int | None


@attrs.frozen(repr=False, eq=False)
class Answered(Fact):
    """A wish was heard and needed nothing done, or cannot be fulfilled; `message` is one sentence."""

    step: int
    message: str


@attrs.frozen(repr=False, eq=False)
class BatchTimed(Fact):
    """Milliseconds that batch `step`, of `batch_size` images, spent in each stage; `core.speed` says what each is."""

    step: int
    batch_size: int
    data: float
    forward: float
    backward: float
    optimizer: float
    recording: float


@attrs.frozen(repr=False, eq=False)
class RatesTried(Fact):
    """The learning-rate finder has come so far: rates, and the smoothed loss of each in nats."""

    step: int
    rates: tuple[float, ...]
    losses: tuple[float, ...]


@attrs.frozen(repr=False, eq=False)
class RateFound(Fact):
    """The finder is through; `suggestion` is None where no rate can be told, `reason` says why it is what it is."""

    step: int
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    suggestion: float | None
    reason: str
    cancelled: bool = False


@attrs.frozen(repr=False, eq=False)
class Previewed(Fact):
    """Training images as stored and as `hyperparameters` would feed them, 784 bytes each."""

    hyperparameters: Hyperparameters
    originals: bytes = attrs.field(repr=False)
    augmented: bytes = attrs.field(repr=False)


Ailment: TypeAlias = Literal[
    "not finite", "spike", "dead", "exploding", "vanishing", "plateau", "overfitting", "out of memory"
]


@attrs.frozen(repr=False, eq=False)
class HealthWarned(Fact):
    """Something is wrong since batch `step`; `message` is one sentence with the figure and the limit."""

    step: int
    ailment: Ailment
    message: str


@attrs.frozen(repr=False, eq=False)
class HealthRecovered(Fact):
    """It is so no more."""

    step: int
    ailment: Ailment


@attrs.frozen(repr=False, eq=False)
class Paused(Fact):
    """Training waits after batch `step`."""

    step: int


@attrs.frozen(repr=False, eq=False)
class Resumed(Fact):
    """Training goes on after batch `step`."""

    step: int


@attrs.frozen(repr=False, eq=False)
class EpochFinished(Fact):
    """Every image was seen once more; `seconds` of training, without pauses and evaluations."""

    epoch: int
    step: int
    seconds: float


@attrs.frozen(repr=False, eq=False)
class EvaluationBegan(Fact):
    """An evaluation of the weights after batch `step` is under way."""

    step: int


@attrs.frozen(repr=False, eq=False)
class Evaluated(Fact):
    """One pass over a whole split with the weights after batch `step`.

    `logits` is n x 10 float32, row-major, native byte order; `loss` the mean cross-entropy in nats; `accuracy` 0..1.
    `weights` is the state_dict they come from, as torch writes it; empty where it is read from a run's files.
    """

    step: int
    epoch: int
    split: Literal["test", "validation"]
    loss: float
    accuracy: float
    logits: bytes = attrs.field(repr=False)
    seconds: float
    branch: int = 0
    weights: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(repr=False, eq=False)
class CheckpointSaved(Fact):
    """`path` is complete on the disk; `kind` says why it was written."""

    step: int
    kind: Literal["last", "best", "edit"]
    path: str


@attrs.frozen(repr=False, eq=False)
class SaveFailed(Fact):
    """A checkpoint or a record could not be written; `message` is one sentence."""

    step: int
    message: str


@attrs.frozen(repr=False, eq=False)
class RunFinished(Fact):
    """The run is over and on the disk, after `epochs` whole epochs; `reason` where it ended before the last."""

    status: Status
    step: int
    epochs: int
    seconds: float
    reason: str = ""


@attrs.frozen(repr=False, eq=False)
class RunFailed(Fact):
    """The run cannot go on; `message` is one sentence, `details` a traceback or empty."""

    message: str
    details: str = ""
    exit_code: int = 1


Event: TypeAlias = (
    DataLoaded
    | DownloadProgressed
    | EngineLoaded
    | RunStarted
    | RunContinued
    | Recalled
    | Commanded
    | Observed
    | BatchesTrained
    | HyperparametersApplied
    | Rewound
    | LayersProbed
    | BatchInspected
    | StopScheduled
    | BatchTimed
    | Answered
    | RatesTried
    | RateFound
    | Previewed
    | HealthWarned
    | HealthRecovered
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
