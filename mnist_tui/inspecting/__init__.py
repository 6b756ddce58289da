"""The second door to the engine: questions about digits and the weights that judge them.

A question is asked and returns at once; its answers, plain values, are drained later. Nothing here is part of a run:
no question changes what is trained, and none is recorded.
"""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import attrs

from mnist_tui.core.dataset import Source, Split
from mnist_tui.core.sheet import Caption
from mnist_tui.inspecting.pictures import JudgeAgain, OpenPicture, PictureRefused, Prepare, Prepared
from mnist_tui.inspecting.question import Question, Weights
from mnist_tui.inspecting.reasons import Reason


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
class CrossJudge(Question):
    """Predict all training `digits` by networks that were not trained on them, of the architecture of `weights`."""

    topic: ClassVar[str] = "cross judge"
    long: ClassVar[bool] = True
    weights: Weights
    digits: Split = attrs.field(repr=False, eq=False)


@attrs.frozen(kw_only=True)
class WriteSheet(Question):
    """Write pictures, 784 bytes each, a caption under each and `heading` above them as a PNG at `path`."""

    topic: ClassVar[str] = "write sheet"
    long: ClassVar[bool] = True
    path: str
    heading: tuple[str, ...]
    captions: tuple[Caption, ...] = attrs.field(repr=False)
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
class CrossJudged:
    """Logits, n x 10 float32, each digit's by the network that was not trained on it."""

    question: CrossJudge
    logits: bytes = attrs.field(repr=False)


@attrs.frozen
class SheetWritten:
    """The contact sheet is on the disk."""

    question: WriteSheet


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


Answer: TypeAlias = (
    TrainingRead | SplitJudged | CrossJudged | Prepared | PictureRefused | SheetWritten | Reason | Working | Unanswered
)

__all__ = [
    "Answer",
    "CrossJudge",
    "CrossJudged",
    "JudgeAgain",
    "JudgeSplit",
    "OpenPicture",
    "PictureRefused",
    "Prepare",
    "Prepared",
    "Question",
    "ReadTraining",
    "SheetWritten",
    "SplitJudged",
    "TrainingRead",
    "Unanswered",
    "Weights",
    "Working",
    "WriteSheet",
]
