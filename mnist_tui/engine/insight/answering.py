"""Which part of the engine answers which question; models and features are kept between questions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from mnist_tui.core.dataset import Source, Split
from mnist_tui.core.large import read_inspected
from mnist_tui.engine import device as devices
from mnist_tui.engine.insight.features import Features
from mnist_tui.engine.insight.maps import activate, read_filters
from mnist_tui.engine.insight.saliency import as_picture, input_gradient, occlusion
from mnist_tui.engine.insight.weights import checkpoints_of, load_weights
from mnist_tui.engine.network import Network
from mnist_tui.inspecting import (
    Answer,
    CrossJudge,
    JudgeAgain,
    JudgeSplit,
    OpenPicture,
    Prepare,
    Question,
    ReadTraining,
    SplitJudged,
    TrainingRead,
    Weights,
    Working,
    WriteSheet,
)
from mnist_tui.inspecting.reasons import (
    Activate,
    Explain,
    Explained,
    FindNeighbours,
    NeighboursFound,
    ReadFilters,
)

_MODELS_KEPT = 3


class Answering:
    """Answers questions, one after the other, in slices where they are long.

    Args:
        device: where to compute.
        threads: CPU threads, or None to leave them as they are.
    """

    def __init__(self, device: str, threads: int | None) -> None:
        self.device = devices.choose(device).torch
        if threads is not None:
            devices.prepare(threads)
        self._models: OrderedDict[Weights, tuple[Network, int]] = OrderedDict()
        self._found_in: dict[Weights, object] = {}  # the checkpoints there were, where none was of the very step
        self._training: tuple[Source, Split] | None = None
        self._features: tuple[Weights, Features] | None = None
        self._told: Features | None = None  # whose predictions of the training digits were given away

    def answer(self, question: Question) -> Iterator[Answer | None]:
        """The answers to `question`; None where others may come between.

        Raises:
            UserError: it cannot be answered.
        """
        match question:
            case ReadTraining():
                yield TrainingRead(question, self._read_training(question.source))
            case JudgeSplit(name="training"):
                features = self._features_of(question.weights, question.digits)
                yield from _grow(features, question)
                self._told = features
                yield SplitJudged(question, features.step, features.logits)
            case JudgeSplit():
                yield from self._judge(question)
            case CrossJudge():
                from mnist_tui.engine.insight.cross import cross_judge

                yield from cross_judge(question, self.model(question.weights)[0].architecture, self.device)
            case WriteSheet():
                from mnist_tui.engine.insight.sheet import write_sheet

                yield from write_sheet(question)
            case Explain():
                yield from self._explain(question)
            case Activate():
                picture = as_picture(question.pixels, self.device)
                yield activate(*self.model(question.weights), picture, question)
            case ReadFilters():
                yield read_filters(*self.model(question.weights), question)
            case FindNeighbours():
                yield from self._find_neighbours(question)
            case Prepare() | OpenPicture() | JudgeAgain():
                from mnist_tui.engine.insight.pictures import prepare

                yield prepare(question, self.model, self.device)
            case _:
                raise TypeError(f"nobody answers {type(question).__name__}")

    def model(self, weights: Weights) -> tuple[Network, int]:
        """The network with `weights`, in eval mode, and the step they are from.

        Raises:
            UserError: there are no such weights any more.
        """
        if weights in self._found_in and self._found_in[weights] != checkpoints_of(weights):
            del self._models[weights], self._found_in[weights]  # the nearest one may be nearer now
        if weights not in self._models:
            there = checkpoints_of(weights)
            model, step = load_weights(weights)
            self._models[weights] = (model.settle(self.device).eval(), step)
            if step != weights.step:
                self._found_in[weights] = there
            if len(self._models) > _MODELS_KEPT:
                oldest, _ = self._models.popitem(last=False)
                self._found_in.pop(oldest, None)
        self._models.move_to_end(weights)
        return self._models[weights]

    def _judge(self, question: JudgeSplit) -> Iterator[Answer | None]:
        from mnist_tui.engine.inference import SLICE_BYTES, logits_of

        model, step = self.model(question.weights)
        images, parts = memoryview(question.digits.images), []
        for start in range(0, len(images), SLICE_BYTES):
            parts.append(logits_of(model, images[start : start + SLICE_BYTES], self.device).numpy().tobytes())
            yield Working(question, min(1.0, (start + SLICE_BYTES) / len(images)))
        yield SplitJudged(question, step, b"".join(parts))

    def _explain(self, question: Explain) -> Iterator[Answer | None]:
        model, step = self.model(question.weights)
        picture = as_picture(question.pixels, self.device)
        if question.heat == "occlusion":
            for drops in occlusion(model, picture, question.target):
                yield None if drops is None else Explained(question, step, drops.numpy().tobytes())
        else:
            gradient = input_gradient(model, picture, question.target, question.against)
            yield Explained(question, step, gradient.contiguous().numpy().tobytes())

    def _find_neighbours(self, question: FindNeighbours) -> Iterator[Answer | None]:
        if self._training is None or self._training[0] != question.source:
            yield Working(question, 0.0)
            yield TrainingRead(ReadTraining(source=question.source), self._read_training(question.source))
        digits = self._read_training(question.source)
        features = self._features_of(question.weights, digits)
        yield from _grow(features, question)
        if self._told is not features:  # a question that took this one's place in the last slice tells it in its stead
            self._told = features
            judged = JudgeSplit(weights=question.weights, name="training", digits=digits)
            yield SplitJudged(judged, features.step, features.logits)
        nearest = features.nearest(as_picture(question.pixels, self.device), question.count, question.without)
        yield NeighboursFound(question, features.step, nearest)

    def _read_training(self, source: Source) -> Split:
        """The training digits of `source`, or the first of very many, read once."""
        if self._training is None or self._training[0] != source:
            self._training = source, read_inspected(source)
        return self._training[1]

    def _features_of(self, weights: Weights, digits: Split) -> Features:
        """Those of `digits` by `weights`: as far as they are computed, where they are the last that were asked for."""
        model, step = self.model(weights)
        known = self._features
        if known is None or known[0] != weights or known[1].step != step or known[1].digits is not digits:
            self._features = weights, Features(model, step, digits, self.device)
        assert self._features is not None
        return self._features[1]


def _grow(features: Features, question: Question) -> Iterator[Working]:
    while features.done < 1:
        features.grow()
        yield Working(question, features.done)
