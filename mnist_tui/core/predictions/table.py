"""One evaluation as a table: what was predicted for every digit, how sure, how wrong, and the counts.

The table belongs to exactly one evaluation and names its step, so a caption cannot pair with another image.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from mnist_tui.core.events import Evaluated

CLASSES = 10

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def pack_evaluation(event: Evaluated) -> bytes:
    """The bytes of an `evaluations/*.npz`: step, branch, logits (n, 10) float32."""
    buffer = io.BytesIO()
    logits = np.frombuffer(event.logits, dtype=np.float32).reshape(-1, CLASSES)
    np.savez(buffer, step=np.int64(event.step), branch=np.int64(event.branch), logits=logits)
    return buffer.getvalue()


def unpack_evaluation(data: bytes) -> bytes:
    """The logits of an `evaluations/*.npz`: n x 10 float32, row-major, native byte order.

    Raises:
        ValueError: the bytes are no such file.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            logits = archive["logits"]
    except Exception as error:  # numpy, zipfile and zlib raise many things on damaged files
        raise ValueError(f"no evaluation: {type(error).__name__}") from error
    if logits.ndim != 2 or logits.shape[1] != CLASSES or logits.dtype.kind != "f":
        raise ValueError("no evaluation: not n x 10 numbers")
    return np.ascontiguousarray(logits, dtype=np.float32).tobytes()


@attrs.frozen
class Figures:
    """Precision, recall and F1 (0..1) of one class, and how many digits are of it."""

    precision: float
    recall: float
    f1: float
    support: int


class Predictions:
    """Predictions of n digits at `step`.

    Attributes:
        logits: (n, 10) float32.
        labels: true classes (n,) int64.
        predicted: classes of the largest logit (n,) int64.
        probabilities: softmax of the logits (n, 10) float32.
        losses: cross-entropy of each digit (n,) float32, nats.
        in_sample: the network was trained on these very digits, so that their labels cannot be doubted by it.

        judged_by: whose predictions they are where they are not the run's own network's; else empty.

    A digit whose logits are not numbers has probabilities of 0 and an infinite loss.
    """

    def __init__(
        self, logits: Floats, labels: Integers, step: int, *, in_sample: bool = False, judged_by: str = ""
    ) -> None:
        self.step = step
        self.judged_by = judged_by
        self.in_sample = in_sample
        self.logits = logits
        self.labels = labels
        scores = logits.astype(np.float64)
        rows = np.arange(len(labels))
        with np.errstate(over="ignore", invalid="ignore"):  # a network that diverged has infinite logits
            shifted = scores - scores.max(axis=1, keepdims=True)
            log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            self.probabilities: Floats = np.exp(log_probabilities).astype(np.float32)
            self.losses: Floats = (-log_probabilities[rows, labels]).astype(np.float32)
        broken = np.isnan(log_probabilities).any(axis=1)
        self.probabilities[broken], self.losses[broken] = 0.0, np.inf  # nothing is likely, and nothing is worse
        self.predicted: Integers = logits.argmax(axis=1)
        self.wrong: npt.NDArray[np.bool_] = self.predicted != labels

    @classmethod
    def from_bytes(
        cls, logits: bytes, labels: bytes, step: int, *, in_sample: bool = False, judged_by: str = ""
    ) -> Predictions:
        """From an `Evaluated` event's logits and a split's labels.

        Raises:
            ValueError: they are not of the same digits.
        """
        table = np.frombuffer(logits, dtype=np.float32).reshape(-1, CLASSES)
        truth = np.frombuffer(labels, dtype=np.uint8).astype(np.int64)
        if len(table) != len(truth):
            raise ValueError(f"{len(table)} predictions for {len(truth)} labels")
        return cls(table, truth, step, in_sample=in_sample, judged_by=judged_by)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def accuracy(self) -> float:
        """Share of right predictions, 0..1."""
        return 1.0 - float(self.wrong.mean())

    @functools.cached_property
    def confidence(self) -> Floats:
        """Probability of the predicted class (n,)."""
        highest: Floats = self.probabilities.max(axis=1)
        return highest

    @functools.cached_property
    def margin(self) -> Floats:
        """Probability of the true class minus the highest other (n,): -1 surely wrong, 1 surely right."""
        others = self.probabilities.copy()
        rows = np.arange(len(self))
        own: Floats = others[rows, self.labels]
        others[rows, self.labels] = -1
        difference: Floats = own - others.max(axis=1)
        return difference

    @functools.cached_property
    def entropy(self) -> Floats:
        """Entropy of the ten probabilities (n,), nats: 0 sure, 2.3 no idea."""
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(self.probabilities > 0, self.probabilities * np.log(self.probabilities), 0.0)
        entropy: Floats = -terms.sum(axis=1, dtype=np.float32)
        return entropy

    @functools.cached_property
    def label_quality(self) -> Floats:
        """Probability of the label (n,), 0..1: self-confidence, by which confident learning ranks labels.

        Northcutt, Jiang, Chuang: Confident Learning (JAIR 2021). It says something only where the network has not
        been trained on the digit.
        """
        quality: Floats = self.probabilities[np.arange(len(self)), self.labels]
        return quality

    def confusion(self) -> list[list[int]]:
        """Counts, 10 x 10: row true, column predicted."""
        flat = np.bincount(self.labels * CLASSES + self.predicted, minlength=CLASSES * CLASSES)
        table: list[list[int]] = flat.reshape(CLASSES, CLASSES).tolist()
        return table

    def per_class(self) -> list[Figures]:
        """Figures of the ten classes; a ratio without cases is 0."""
        table = np.array(self.confusion())
        hits, support, claimed = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
        figures = []
        for digit in range(CLASSES):
            precision = _ratio(hits[digit], claimed[digit])
            recall = _ratio(hits[digit], support[digit])
            f1 = _ratio(2 * precision * recall, precision + recall)
            figures.append(Figures(precision, recall, f1, int(support[digit])))
        return figures

    def describe(self, index: int) -> dict[str, Any]:
        """One digit as plain values: the entry of `mistakes` in `evaluate --json`."""
        return {
            "index": index,
            "true": int(self.labels[index]),
            "predicted": int(self.predicted[index]),
            "probability": float(self.probabilities[index, self.predicted[index]]),
            "probability_true": float(self.probabilities[index, self.labels[index]]),
            "loss": float(self.losses[index]),
        }

    def bars(self, index: int) -> Sequence[float]:
        """The ten probabilities of one digit, 0..1."""
        row: list[float] = self.probabilities[index].tolist()
        return row


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
