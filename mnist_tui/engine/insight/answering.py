"""Which part of the engine answers which question; models and features are kept between questions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from mnist_tui.engine import device as devices
from mnist_tui.engine.insight.weights import load_weights
from mnist_tui.engine.model import CNN
from mnist_tui.inspecting import (
    Answer,
    JudgeSplit,
    OpenPicture,
    Predict,
    Predicted,
    Prepare,
    Question,
    ReadTraining,
    SplitJudged,
    TrainingRead,
    Weights,
    Working,
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
        self._models: OrderedDict[Weights, tuple[CNN, int]] = OrderedDict()

    def answer(self, question: Question) -> Iterator[Answer | None]:
        """The answers to `question`; None where others may come between.

        Raises:
            UserError: it cannot be answered.
        """
        match question:
            case ReadTraining():
                yield TrainingRead(question, question.source.load_train())
            case Predict():
                yield self._predict(question)
            case JudgeSplit():
                yield from self._judge(question)
            case Prepare() | OpenPicture():
                from mnist_tui.engine.insight.pictures import prepare

                yield prepare(question, self.model, self.device)
            case _:
                raise TypeError(f"nobody answers {type(question).__name__}")

    def model(self, weights: Weights) -> tuple[CNN, int]:
        """The network with `weights`, in eval mode, and the step they are from.

        Raises:
            UserError: there are no such weights any more.
        """
        if weights not in self._models:
            model, step = load_weights(weights)
            self._models[weights] = (model.settle(self.device).eval(), step)
            if len(self._models) > _MODELS_KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(weights)
        return self._models[weights]

    def _predict(self, question: Predict) -> Predicted:
        from mnist_tui.engine.inference import logits_of

        model, step = self.model(question.weights)
        rows = logits_of(model, question.pixels, self.device).tolist()
        return Predicted(question, step, tuple(map(tuple, rows)))

    def _judge(self, question: JudgeSplit) -> Iterator[Answer | None]:
        from mnist_tui.engine.inference import SLICE_BYTES, logits_of

        model, step = self.model(question.weights)
        images, parts = memoryview(question.digits.images), []
        for start in range(0, len(images), SLICE_BYTES):
            parts.append(logits_of(model, images[start : start + SLICE_BYTES], self.device).numpy().tobytes())
            yield Working(question, min(1.0, (start + SLICE_BYTES) / len(images)))
        yield SplitJudged(question, step, b"".join(parts))
