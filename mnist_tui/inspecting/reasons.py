"""Questions about one digit: why the network says what it says."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import attrs

from mnist_tui.core.dataset import Source
from mnist_tui.inspecting.question import Question, Weights

Heat: TypeAlias = Literal["gradient", "occlusion", "contrast"]
"""A map of what in a picture speaks for a class: `engine/insight/saliency.py` defines each."""


@attrs.frozen(kw_only=True)
class Explain(Question):
    """What in a picture speaks for `target`, or for it and against the class `against`.

    Attributes:
        pixels: 784 bytes.
        target: a class.
        against: another class, for `contrast`.
    """

    topic: ClassVar[str] = "explain"
    weights: Weights
    pixels: bytes = attrs.field(repr=False)
    heat: Heat
    target: int
    against: int = -1


@attrs.frozen(kw_only=True)
class Activate(Question):
    """What every layer makes of a picture of 784 bytes."""

    topic: ClassVar[str] = "activate"
    weights: Weights
    pixels: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ReadFilters(Question):
    """What both convolutions have learned."""

    topic: ClassVar[str] = "filters"
    weights: Weights


@attrs.frozen(kw_only=True)
class FindNeighbours(Question):
    """The training digits nearest to a picture among the outputs of the hidden layer.

    What those outputs are for all training digits is computed at the first question about `weights`; the answer then
    follows a `SplitJudged` of the training digits, and a `TrainingRead` where they had to be read.

    Attributes:
        source: whose training digits.
        pixels: 784 bytes.
        count: how many neighbours.
        without: the index of a training digit that is no neighbour: the picture itself; -1 where it is none.
    """

    topic: ClassVar[str] = "neighbours"
    long: ClassVar[bool] = True
    weights: Weights
    source: Source
    pixels: bytes = attrs.field(repr=False)
    count: int = 20
    without: int = -1


@attrs.frozen
class Explained:
    """For each of 784 pixels how much it speaks for (above 0) or against the target: 784 float32."""

    question: Explain
    weights_step: int
    heat: bytes = attrs.field(repr=False)


@attrs.frozen
class Layer:
    """Feature maps after ReLU and pooling: `channels` x `side` x `side` float32."""

    channels: int
    side: int
    maps: bytes = attrs.field(repr=False)


@attrs.frozen
class Activated:
    """Maps of both convolutions, outputs of the hidden layer, and ten logits; all float32."""

    question: Activate
    weights_step: int
    first: Layer
    second: Layer
    hidden: bytes = attrs.field(repr=False)
    logits: bytes = attrs.field(repr=False)


@attrs.frozen
class FiltersRead:
    """Weights of the first convolution, and how strongly the second one ties its outputs to its inputs.

    Attributes:
        channels, second_channels: outputs of either.
        kernels: `channels` x 3 x 3 float32.
        norms: `second_channels` x `channels` float32, the Euclidean norm of each 3 x 3 kernel.
    """

    question: ReadFilters
    weights_step: int
    channels: int
    second_channels: int
    kernels: bytes = attrs.field(repr=False)
    norms: bytes = attrs.field(repr=False)


@attrs.frozen
class Neighbour:
    """A training digit: its index, its label, its Euclidean distance."""

    index: int
    label: int
    distance: float


@attrs.frozen
class NeighboursFound:
    """The nearest first; none where the network's outputs are not numbers."""

    question: FindNeighbours
    weights_step: int
    neighbours: tuple[Neighbour, ...] = attrs.field(repr=False)


Reason: TypeAlias = Explained | Activated | FiltersRead | NeighboursFound
