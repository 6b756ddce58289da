"""Digits whose label is likely an error, by confident learning.

Northcutt, Jiang, Chuang: Confident Learning: Estimating Uncertainty in Dataset Labels (JAIR 70, 2021). All of it holds
only for probabilities of a network that was not trained on the digits: one that was has learnt their errors too.
"""

from __future__ import annotations

import weakref

import attrs
import numpy as np
import numpy.typing as npt

from mnist_tui.core.predictions.table import CLASSES, Integers, Predictions

_SLACK = 1e-6  # a probability so close below its threshold counts as at it
_LEAST_KEPT = 5  # digits of a label that are never suspected, as in cleanlab
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class _Findings:
    suspects: Mask
    suggested: Integers


_known: weakref.WeakKeyDictionary[Predictions, _Findings] = weakref.WeakKeyDictionary()


def suspects(table: Predictions) -> Mask:
    """Which digits (n,) bool have a label that is likely wrong; none where the network was trained on them.

    The confident joint says how many digits labelled i are truly j; so many of them, those with the greatest margin
    p(j) - p(i), are suspected, unless i is what the network predicts. That is "prune by noise rate" of the paper, the
    default of cleanlab: unlike taking the confident off-diagonal itself it does not depend on a few digits just above
    or below their threshold.
    """
    return _findings(table).suspects


def ranking(table: Predictions) -> Integers:
    """Indices (m,) int64 of the suspects, the likeliest error first: by self-confidence, equals by index."""
    found = np.flatnonzero(suspects(table))
    order: Integers = found[np.argsort(table.label_quality[found], kind="stable")]
    return order


def suggested(table: Predictions) -> Integers:
    """What each label should likely be (n,) int64: of the classes above their threshold the most probable.

    Where none is above, it is the predicted class; a suspect's is never its label.
    """
    return _findings(table).suggested


def thresholds(table: Predictions) -> Floats:
    """Mean probability of each class (10,) over the digits with that label; infinite for a class without digits."""
    means = np.full(CLASSES, np.inf)
    usable = _usable(table)
    for digit in np.unique(table.labels[usable]):
        means[digit] = table.probabilities[usable & (table.labels == digit), digit].mean(dtype=np.float64)
    return means


def confident_joint(table: Predictions) -> Floats:
    """Estimated digits by label and true class, 10 x 10: row label, column true; rows sum to those with the label."""
    guess, confident = _confident_guess(table)
    joint = np.bincount(table.labels[confident] * CLASSES + guess[confident], minlength=CLASSES * CLASSES)
    counts = joint.reshape(CLASSES, CLASSES).astype(np.float64)
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    support = np.bincount(table.labels[_usable(table)], minlength=CLASSES)
    calibrated: Floats = counts * (support / counts.sum(axis=1))[:, None]
    return calibrated


def _findings(table: Predictions) -> _Findings:
    found = _known.get(table)
    if found is None:
        mask = np.zeros(len(table), dtype=bool) if table.in_sample else _pruned_by_noise_rate(table)
        guess, confident = _confident_guess(table)
        guess = np.where(confident, guess, table.predicted)
        guess = np.where(mask & (guess == table.labels), table.predicted, guess)
        found = _known[table] = _Findings(mask, guess)
    return found


def _usable(table: Predictions) -> Mask:
    """Digits (n,) whose probabilities are numbers."""
    usable: Mask = table.probabilities.sum(axis=1) > 0.5
    return usable


def _confident_guess(table: Predictions) -> tuple[Integers, Mask]:
    """The most probable class above its threshold (n,), and whether there is one."""
    above = (table.probabilities >= thresholds(table) - _SLACK) & _usable(table)[:, None]
    guess: Integers = np.where(above, table.probabilities, -1.0).argmax(axis=1)
    confident: Mask = np.asarray(above.any(axis=1))
    return guess, confident


def _pruned_by_noise_rate(table: Predictions) -> Mask:
    mask = np.zeros(len(table), dtype=bool)
    usable, joint = _usable(table), confident_joint(table)
    for label in range(CLASSES):
        own = np.flatnonzero(usable & (table.labels == label))
        if len(own) <= _LEAST_KEPT:
            continue
        for true, wanted in enumerate(_whole(joint[label], label, len(own))):
            if true == label or not wanted:
                continue
            margins = table.probabilities[own, true] - table.probabilities[own, label]
            mask[own[np.argsort(-margins, kind="stable")[:wanted]]] = True
    mask &= table.predicted != table.labels
    return mask


def _whole(row: Floats, label: int, size: int) -> list[int]:
    """A row of the joint in whole digits with the same sum, at most so many that `_LEAST_KEPT` keep their label."""
    counts = np.floor(row)
    missing = round(row.sum() - counts.sum())
    counts[np.argsort(counts - row, kind="stable")[:missing]] += 1
    counts[label] = 0
    room = size - _LEAST_KEPT
    if counts.sum() > room:
        counts = np.floor(counts * (room / counts.sum()))
    whole: list[int] = counts.astype(int).tolist()
    return whole
