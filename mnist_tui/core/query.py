"""Which digits are wanted, and in which order: conditions that compose, one for each chip on the screen."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args

import attrs

Field: TypeAlias = Literal["is", "true", "pred", "conf", "loss", "margin", "entropy", "quality", "index", "vs"]
"""What a condition is about.

| field | choices or range |
| --- | --- |
| `is` | `wrong`, `right` or `suspect`: the label is likely an error |
| `true`, `pred` | classes, 0..9 |
| `conf` | probability of the predicted class, 0..1 |
| `loss` | cross-entropy in nats |
| `margin` | probability of the true class minus the highest other, -1..1 |
| `entropy` | of the ten probabilities, in nats |
| `quality` | of the label, 0..1: how likely it is right |
| `index` | place in the split |
| `vs` | `fixed`, `broken`, `both` (both wrong) or `changed` (another prediction), against the other evaluation |
"""

Sort: TypeAlias = Literal["loss", "confidence", "margin", "entropy", "quality", "index"]
SORTS: tuple[Sort, ...] = get_args(Sort)


@attrs.frozen
class Condition:
    """One condition on one field: a choice of words or classes, or a range.

    Attributes:
        field: what it is about.
        choices: any of these; empty where it is a range.
        low, high: the range.
        above, below: whether its ends do not belong to it.
    """

    field: Field
    choices: frozenset[int | str] = frozenset()
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False


@attrs.frozen
class Query:
    """Conditions that all hold, at most one a field."""

    conditions: tuple[Condition, ...] = ()

    def get(self, field: Field) -> Condition | None:
        """The condition on `field`, if there is one."""
        return next((condition for condition in self.conditions if condition.field == field), None)

    def put(self, condition: Condition) -> Query:
        """With `condition` in the place of that on the same field."""
        kept = [condition if other.field == condition.field else other for other in self.conditions]
        return Query(tuple(kept if condition in kept else [*kept, condition]))

    def without(self, field: Field) -> Query:
        """Without a condition on `field`."""
        return Query(tuple(condition for condition in self.conditions if condition.field != field))

    def choose(self, field: Field, *choices: int | str) -> Query:
        """With any of `choices` wanted on `field`; with none, all."""
        return self.put(Condition(field, frozenset(choices))) if choices else self.without(field)


ALL = Query()
WRONG = ALL.choose("is", "wrong")
