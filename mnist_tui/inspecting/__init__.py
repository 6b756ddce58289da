"""The second door to the engine: questions about digits and the weights that judge them.

A question is asked and returns at once; its answers, plain values, are drained later. Nothing here is part of a run:
no question changes what is trained, and none is recorded.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import attrs

from mnist_tui.core.dataset import Source, Split


@attrs.frozen
class Weights:
    """The weights of one evaluation of one run.

    Attributes:
        folder: the run's, in whose checkpoints they are looked for where `state` is empty.
        step, branch: after which batch they are.
        state: the state_dict as torch writes it.
    """

    folder: str
    step: int
    branch: int
    state: bytes = attrs.field(default=b"", repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Question:
    """What all questions share: a newer one of a topic takes the place of the one before, answered or not.

    Attributes:
        topic: what it is about.
        long: it is worked on in slices, and others come between.
    """

    topic: ClassVar[str]
    long: ClassVar[bool] = False


@attrs.frozen(kw_only=True)
class ReadTraining(Question):
    """Read the training digits of a data set."""

    topic: ClassVar[str] = "read training"
    source: Source


@attrs.frozen(kw_only=True)
class JudgeSplit(Question):
    """Predict all of `digits`; `name` says what they are."""

    topic: ClassVar[str] = "judge split"
    long: ClassVar[bool] = True
    weights: Weights
    name: Literal["training", "drawings"]
    digits: Split = attrs.field(repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Predict(Question):
    """Predict pictures, 784 bytes each."""

    topic: ClassVar[str] = "predict"
    weights: Weights
    pixels: bytes = attrs.field(repr=False)


@attrs.frozen
class TrainingRead:
    """The training digits."""

    question: ReadTraining
    digits: Split = attrs.field(repr=False)


@attrs.frozen
class SplitJudged:
    """Logits, n x 10 float32, by the weights after `weights_step`; not those asked for where they are no more."""

    question: JudgeSplit
    weights_step: int
    logits: bytes = attrs.field(repr=False)


@attrs.frozen
class Predicted:
    """Logits of each picture, ten each, and the step the weights are from."""

    question: Predict
    weights_step: int
    logits: tuple[tuple[float, ...], ...]


@attrs.frozen
class Working:
    """`done` (0..1) of a long question."""

    question: Question
    done: float


@attrs.frozen
class Unanswered:
    """A question that cannot be answered; `message` is one sentence."""

    question: Question
    message: str


from mnist_tui.inspecting.pictures import OpenPicture, PictureRefused, Prepare, Prepared  # noqa: E402

Answer: TypeAlias = TrainingRead | SplitJudged | Predicted | Prepared | PictureRefused | Working | Unanswered

__all__ = [
    "Answer",
    "JudgeSplit",
    "OpenPicture",
    "PictureRefused",
    "Predict",
    "Predicted",
    "Prepare",
    "Prepared",
    "Question",
    "ReadTraining",
    "SplitJudged",
    "TrainingRead",
    "Unanswered",
    "Weights",
    "Working",
]
