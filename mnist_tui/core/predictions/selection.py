"""The digits of a table that a query wants, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
import numpy.typing as npt

from mnist_tui.core.query import ALL, Condition, Query, Sort

if TYPE_CHECKING:
    from mnist_tui.core.predictions.table import Predictions

Mask = npt.NDArray[np.bool_]


def select(table: Predictions, query: Query = ALL, sort: Sort = "loss", other: Predictions | None = None) -> list[int]:
    """Indices of the digits that `query` wants.

    Args:
        table: the evaluation.
        query: conditions; those on `vs` hold for nothing where there is no other evaluation.
        sort: highest loss, confidence or entropy first, lowest margin, label quality or index first; equal ones by
            index.
        other: the evaluation of the same digits that `vs` compares with.
    """
    keep = np.ones(len(table), dtype=bool)
    for condition in query.conditions:
        keep &= matches(table, condition, other)
    indices = np.flatnonzero(keep)
    if sort != "index":
        indices = indices[np.argsort(_key(table, sort)[indices], kind="stable")]
    ranked: list[int] = indices.tolist()
    return ranked


def matches(table: Predictions, condition: Condition, other: Predictions | None = None) -> Mask:
    """Which digits (n,) one condition wants."""
    match condition.field:
        case "is":
            return _any([_named(table, str(choice)) for choice in condition.choices], len(table))
        case "vs":
            return _any([_against(table, other, str(choice)) for choice in condition.choices], len(table))
        case "true":
            return np.isin(table.labels, [int(choice) for choice in condition.choices])
        case "pred":
            return np.isin(table.predicted, [int(choice) for choice in condition.choices])
        case _:
            return _within(_figure(table, condition.field), condition)


@attrs.frozen
class Blame:
    """Why a query wants nothing.

    Attributes:
        condition: the one that leaves nothing.
        left: how many digits there are before it.
        alone: it matches no digit at all, whatever the others say.
    """

    condition: Condition
    left: int
    alone: bool


def blame(table: Predictions, query: Query, other: Predictions | None = None) -> Blame | None:
    """Which condition leaves nothing; None where something is left, or where there is no condition.

    One that matches nothing by itself is named before one that only leaves nothing of what the others left: without
    the first kind nothing can be found.
    """
    masks = [matches(table, condition, other) for condition in query.conditions]
    for condition, mask in zip(query.conditions, masks, strict=True):
        if not mask.any():
            return Blame(condition, len(table), alone=True)
    keep = np.ones(len(table), dtype=bool)
    for condition, mask in zip(query.conditions, masks, strict=True):
        left = int(keep.sum())
        keep &= mask
        if not keep.any():
            return Blame(condition, left, alone=False)
    return None


def _any(masks: list[Mask], size: int) -> Mask:
    keep = np.zeros(size, dtype=bool)
    for mask in masks:
        keep |= mask
    return keep


def _named(table: Predictions, name: str) -> Mask:
    if name == "suspect":
        from mnist_tui.core.predictions.label_errors import suspects

        return suspects(table)
    return table.wrong if name == "wrong" else ~table.wrong


def _against(table: Predictions, other: Predictions | None, name: str) -> Mask:
    if other is None:
        return np.zeros(len(table), dtype=bool)
    match name:
        case "fixed":
            return other.wrong & ~table.wrong
        case "broken":
            return ~other.wrong & table.wrong
        case "both":
            return other.wrong & table.wrong
        case _:
            changed: Mask = other.predicted != table.predicted
            return changed


def _figure(table: Predictions, field: str) -> npt.NDArray[np.generic]:
    match field:
        case "conf":
            return table.confidence
        case "loss":
            return table.losses
        case "margin":
            return table.margin
        case "entropy":
            return table.entropy
        case "quality":
            return table.label_quality
        case _:
            return np.arange(len(table))


def _within(values: npt.NDArray[np.generic], condition: Condition) -> Mask:
    over = values > condition.low if condition.above else values >= condition.low  # type: ignore[operator]
    under = values < condition.high if condition.below else values <= condition.high  # type: ignore[operator]
    both: Mask = over & under
    return both


def _key(table: Predictions, sort: Sort) -> npt.NDArray[np.generic]:
    match sort:
        case "loss":
            return -table.losses
        case "confidence":
            return -table.confidence
        case "entropy":
            return -table.entropy
        case "margin":
            return table.margin
        case _:
            return table.label_quality
