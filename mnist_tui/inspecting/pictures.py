"""Questions about digits that are in no data set: drawn by hand, or in a file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import attrs

from mnist_tui.inspecting.question import Question, Weights


@attrs.frozen(kw_only=True)
class Prepare(Question):
    """Prepare a canvas (784 bytes) as MNIST was, and predict it; without `weights`, only the former."""

    topic: ClassVar[str] = "prepare"
    weights: Weights | None
    pixels: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class OpenPicture(Question):
    """Read a picture file, prepare it as MNIST was, and predict it; without `weights`, all but the last."""

    topic: ClassVar[str] = "open picture"
    weights: Weights | None
    path: Path


@attrs.frozen(kw_only=True)
class JudgeAgain(Question):
    """Predict a picture that is prepared already (784 bytes), as it is; without `weights`, not even that."""

    topic: ClassVar[str] = "judge again"
    weights: Weights | None
    pixels: bytes = attrs.field(repr=False)


@attrs.frozen
class Prepared:
    """What the network sees of a canvas or a picture.

    Attributes:
        pixels: 784 bytes; all 0 where nothing is drawn.
        weights_step: the step the weights are from; None without any.
        logits: ten; none without weights.
    """

    question: Prepare | OpenPicture | JudgeAgain
    pixels: bytes = attrs.field(repr=False)
    weights_step: int | None = None
    logits: tuple[float, ...] = ()

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Ten, 0..1, all 0 where the logits are no numbers; none without weights."""
        if not all(map(math.isfinite, self.logits)):
            return (0.0,) * len(self.logits)
        shares = [math.exp(logit - max(self.logits)) for logit in self.logits]
        return tuple(share / math.fsum(shares) for share in shares)


@attrs.frozen
class PictureRefused:
    """A file that cannot be read, or shows no digit; `message` is one sentence."""

    question: OpenPicture
    message: str
