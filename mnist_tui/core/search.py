"""A search line and the query it stands for: `true:4 pred:9 conf<0.6 sort:loss`, and back."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from typing import get_args

import attrs

from mnist_tui.core.errors import UsageError
from mnist_tui.core.query import SORTS, Condition, Field, Query, Sort

DIGITS = tuple("0123456789")
WORDS: dict[str, tuple[str, ...]] = {
    "is": ("wrong", "right", "suspect"),
    "vs": ("fixed", "broken", "both", "changed"),
}
"""The words there are for the fields that take words."""

EXAMPLES = "wrong, true:4, pred:9, conf<0.6, sort:loss, vs:broken, loss>2, index:100-200"

_FIELDS: tuple[Field, ...] = get_args(Field)
_ALIASES = {"predicted": "pred", "label": "true", "confidence": "conf"}
_SORT_ALIASES: dict[str, Sort] = {"conf": "confidence"}
_LIMITS: dict[str, tuple[float, float, str]] = {
    "conf": (0.0, 1.0, "conf<0.6 or conf<60%"),
    "quality": (0.0, 1.0, "quality<0.1 or quality<10%"),
    "margin": (-1.0, 1.0, "margin<0 or margin:-0.2-0.2"),
    "loss": (0.0, math.inf, "loss>2 or loss:0.5-1"),
    "entropy": (0.0, math.inf, "entropy>1 or entropy:0.5-1"),
    "index": (0.0, math.inf, "index:7 or index:100-200"),
}
_SIGNS = {"=": ":", "≤": "<=", "≥": ">="}
_SHARES = ("conf", "quality", "margin")
_NUMBER = r"-?(?:inf|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)%?"
_PARTS = re.compile(r"([a-z]+)(<=|>=|[:=<>≤≥])(.*)", re.DOTALL)
_RANGE = re.compile(rf"({_NUMBER})(?:-|\.\.)({_NUMBER})")
_ONE = re.compile(_NUMBER)
_LONGEST = 30  # characters of a word that an error repeats


class SearchError(UsageError):
    """A search line that cannot be understood: which word, and what to write instead."""


@attrs.frozen
class Search:
    """What a line asks for; `sort` is None where it does not say."""

    query: Query
    sort: Sort | None = None


def parse(text: str, names: Sequence[str] = DIGITS) -> Search:
    """What a search line asks for; case does not matter, and all its words hold together.

    Args:
        text: words apart by blanks: `wrong`, `true:4,9`, `pred:boot`, `conf<0.6`, `conf:20-60%`, `#7`, `sort:margin`.
            A class may be called by its number, its name, or the beginning of its name. Two bounds on a field are a
            range.
        names: the ten classes.

    Raises:
        SearchError: a word cannot be understood.
    """
    found: dict[Field, Condition] = {}
    sort: Sort | None = None
    for word in text.lower().split():
        if word.startswith("sort:"):
            sort = _sort(word)
            continue
        condition = _condition(word, names)
        before = found.get(condition.field)
        found[condition.field] = condition if before is None else _both(before, condition, names)
    return Search(Query(tuple(found.values())), sort)


def words(condition: Condition, names: Sequence[str] = DIGITS) -> str:
    """A condition as one writes it; `parse` makes the same condition of it."""
    field = condition.field
    if condition.choices:
        if field in WORDS:
            chosen = [word for word in WORDS[field] if word in condition.choices]
            return chosen[0] if field == "is" and len(chosen) == 1 else f"{field}:{','.join(chosen)}"
        return f"{field}:{','.join(_name(int(choice), names) for choice in sorted(condition.choices, key=int))}"
    low, high = _figure(condition.low), _figure(condition.high)
    finite = math.isfinite(condition.low) and math.isfinite(condition.high)
    if finite and not condition.above and not condition.below:
        if condition.low == condition.high:
            return f"#{low}" if field == "index" else f"{field}:{low}"
        return f"{field}:{low}-{high}"
    bounds = []
    if condition.low > -math.inf or condition.above:
        bounds.append(f"{field}{'>' if condition.above else '>='}{low}")
    if condition.high < math.inf or condition.below:
        bounds.append(f"{field}{'<' if condition.below else '<='}{high}")
    return " ".join(bounds) or f"{field}>=-inf"


def line(query: Query, names: Sequence[str] = DIGITS) -> str:
    """A query as one writes it."""
    return " ".join(words(condition, names) for condition in query.conditions)


# --- one word


def _condition(word: str, names: Sequence[str]) -> Condition:
    if word in WORDS["is"]:
        return Condition("is", frozenset({word}))
    match = _PARTS.fullmatch("index:" + word[1:] if word.startswith("#") else word)
    field = _field(match[1]) if match else None
    if match is None or field is None:
        raise SearchError(_unknown(word, match[1] if match else "", names))
    sign, value = _SIGNS.get(match[2], match[2]), match[3]
    if field in _LIMITS:
        return _bounds(word, field, sign, value)
    if sign != ":":
        raise SearchError(f"{_cut(word)} compares what has no order; write {_example(field, names)}")
    if field in WORDS:
        return Condition(field, frozenset(_choice(word, field, part) for part in value.split(",")))
    return Condition(field, frozenset(_class(word, field, part, names) for part in value.split(",")))


def _field(name: str) -> Field | None:
    name = _ALIASES.get(name, name)
    return next((field for field in _FIELDS if field == name), None)


def _sort(word: str) -> Sort:
    name = word.removeprefix("sort:")
    if name in _SORT_ALIASES:
        return _SORT_ALIASES[name]
    for sort in SORTS:
        if sort == name:
            return sort
    raise SearchError(f"{_cut(word)} names no order; write sort: and one of {', '.join(SORTS)}")


def _choice(word: str, field: str, name: str) -> str:
    if name not in WORDS[field]:
        raise SearchError(f"{_cut(word)} is not known; write {field}: and one of {', '.join(WORDS[field])}")
    return name


def _class(word: str, field: str, name: str, names: Sequence[str]) -> int:
    lowered = [known.lower() for known in names]
    if name in lowered:
        return lowered.index(name)
    figure = name.lstrip("0") or "0"  # `int` refuses more than 4300 digits
    if name.isdecimal() and name.isascii() and len(figure) <= len(str(len(names))) and int(figure) < len(names):
        return int(figure)
    begin = [number for number, known in enumerate(lowered) if name and known.startswith(name)]
    if len(begin) == 1:
        return begin[0]
    if begin:
        some = " or ".join(f"{field}:{names[number]}" for number in begin[:3])
        raise SearchError(f"{_cut(word)} may be more than one class; write {some}")
    known = f"{field}:4" if tuple(names) == DIGITS else f"{_example(field, names)}, or a number from 0 to 9"
    raise SearchError(f"{_cut(word)} names no class; write {known}")


def _bounds(word: str, field: Field, sign: str, text: str) -> Condition:
    low, high, example = _LIMITS[field]
    both, one = _RANGE.fullmatch(text), _ONE.fullmatch(text)
    if one is None and (both is None or sign != ":"):
        raise SearchError(f"{_cut(word)} lacks a number; write {example}")
    if "%" in text and field not in _SHARES:
        raise SearchError(f"{_cut(word)} is no share; write {example}")
    if one is not None:
        value = _value(text, text)
        condition = {
            ":": Condition(field, low=value, high=value),
            ">": Condition(field, low=value, above=True),
            ">=": Condition(field, low=value),
            "<": Condition(field, high=value, below=True),
            "<=": Condition(field, high=value),
        }[sign]
    else:
        assert both is not None
        condition = Condition(field, low=_value(both[1], both[2]), high=_value(both[2], both[2]))
        if condition.low > condition.high:
            raise SearchError(f"{_cut(word)} runs backwards; write the smaller number first")
    for value in (condition.low, condition.high):
        if math.isfinite(value) and not low <= value <= high:
            limits = f"goes from {low:g} to {high:g}" if math.isfinite(high) else f"is never less than {low:g}"
            raise SearchError(f"{_cut(word)} is out of reach: {field} {limits}; write {example}")
    return condition


def _value(text: str, last: str) -> float:
    """A number; per cent where it, or the end of its range, says so."""
    number = float(text.removesuffix("%"))
    return number / 100 if last.endswith("%") or text.endswith("%") else number


def _both(one: Condition, other: Condition, names: Sequence[str]) -> Condition:
    """What two words about one field ask for together."""
    field = one.field
    if one.choices:
        either = words(attrs.evolve(one, choices=one.choices | other.choices), names)
        raise SearchError(f"{field}: stands twice; write {either} for either")
    low, high = max(one.low, other.low), min(one.high, other.high)
    above = any(part.above for part in (one, other) if part.low == low)
    below = any(part.below for part in (one, other) if part.high == high)
    if low > high or (low == high and (above or below)):
        raise SearchError(f"No number is both {words(one, names)} and {words(other, names)}; take one of them out")
    return Condition(field, low=low, high=high, above=above, below=below)


# --- words


def _unknown(word: str, field: str, names: Sequence[str]) -> str:
    if word in {name.lower() for name in names}:
        return f"{_cut(word)} alone could be either; write true:{word} or pred:{word}"
    if word in WORDS["vs"]:
        return f"{_cut(word)} alone says too little; write vs:{word}"
    bare = re.match(r"[a-z]*", word)
    close = difflib.get_close_matches(field or (bare[0] if bare else ""), [*_FIELDS, *WORDS["is"], "sort"], 1, 0.6)
    if close and close[0] in WORDS["is"]:
        return f"There is no {_cut(word)}; write {close[0]}"
    if close:
        example = "sort:loss" if close[0] == "sort" else _example(close[0], names)
        return f"There is no {_cut(word)}; write {example}"
    return f"There is no {_cut(word)}; write {EXAMPLES}"


def _example(field: str, names: Sequence[str]) -> str:
    if field in _LIMITS:
        return _LIMITS[field][2]
    return f"{field}:{WORDS[field][0]}" if field in WORDS else f"{field}:{_name(4, names)}"


def _name(number: int, names: Sequence[str]) -> str:
    """How a class is called in a line: by its name, unless that is no single word."""
    name = names[number] if number < len(names) else ""
    plain = name and not any(character.isspace() or character == "," for character in name)
    return name if plain and [other.lower() for other in names].index(name.lower()) == number else str(number)


def _figure(number: float) -> str:
    return str(int(number)) if math.isfinite(number) and number == int(number) else repr(float(number))


def _cut(word: str) -> str:
    return word if len(word) <= _LONGEST else word[: _LONGEST - 1] + "…"
