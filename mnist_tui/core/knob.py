"""What is known about one hyperparameter besides its value: words, range, and how a key moves it."""

from __future__ import annotations

import math
import re
from typing import Literal, TypeAlias

import attrs

from mnist_tui.core.errors import UsageError

Value: TypeAlias = float | int | str
Ladder = Literal["1-2-5", "double", "linear", "choice"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_LONGEST_TEXT = 32


class HyperparameterError(UsageError):
    """A value outside its range, or text that is no value; the sentence names the field and the range."""


@attrs.frozen(kw_only=True)
class Knob:
    """What is known about one hyperparameter besides its value.

    Attributes:
        name: the field, as in `run.json`; the flag is its kebab case.
        label: the words on the row.
        help: one sentence for the focused row and for `--help`.
        kind: what the value is.
        low: smallest legal number.
        high: largest legal number.
        ladder: how one nudge moves: to the next of 1-2-5, by a factor of two, by `step`, to the next choice.
        step: distance of a linear nudge.
        choices: the legal words of a choice.
        live: true where an edit takes effect at the next batch, false where it waits for the next run.
    """

    name: str
    label: str
    help: str
    kind: Literal["float", "int", "choice"]
    low: float = 0
    high: float = 0
    ladder: Ladder = "linear"
    step: float = 1
    choices: tuple[str, ...] = ()
    live: bool = False

    @property
    def flag(self) -> str:
        """The command line's spelling, e.g. `--learning-rate`."""
        return "--" + self.name.replace("_", "-")

    @property
    def range_text(self) -> str:
        """The legal values in words, e.g. `a whole number from 1 to 16384`."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        noun = "a whole number" if self.kind == "int" else "a number"
        return f"{noun} from {self._bound(self.low)} to {self._bound(self.high)}"

    def _bound(self, value: float) -> str:
        return str(int(value)) if self.kind == "int" else f"{value:g}"

    def is_legal(self, value: object) -> bool:
        """Whether `check` lets `value` pass."""
        try:
            self.check(value)
        except HyperparameterError:
            return False
        return True

    def check(self, value: object) -> None:
        """Raise `HyperparameterError` unless `value` is legal."""
        if self.kind == "choice":
            legal = value in self.choices
        elif isinstance(value, bool) or not isinstance(value, int if self.kind == "int" else (int, float)):
            legal = False
        else:
            legal = self.low <= value <= self.high  # false for NaN and the infinities too
        if not legal:
            raise self.refuse(value)

    def refuse(self, value: object) -> HyperparameterError:
        """The one sentence that refuses `value`; long text is shortened."""
        shown = value if isinstance(value, str) else f"{value}"
        shown = shown if len(shown) <= 24 else shown[:23] + "…"
        shown = "".join(c if c.isprintable() else "?" for c in shown)
        what = "nothing" if shown.strip() == "" else shown
        return HyperparameterError(f"{self.label} must be {self.range_text}, not {what}")

    def parse(self, text: str) -> Value:
        """The value that typed `text` means.

        Raises:
            HyperparameterError: the text is no legal value (ASCII digits only; `nan`, `inf` and `1_000` are none).
        """
        text = text.strip() if len(text) <= 10 * _LONGEST_TEXT else text
        if self.kind == "choice":
            value: Value = text.lower()
        elif len(text) > _LONGEST_TEXT:
            raise self.refuse(text)
        elif self.kind == "int" and _WHOLE.fullmatch(text):
            value = int(text)
        elif self.kind == "float" and _NUMBER.fullmatch(text):
            value = float(text)
        else:
            raise self.refuse(text)
        try:
            self.check(value)
        except HyperparameterError:
            raise self.refuse(text) from None
        return value

    def format(self, value: Value) -> str:
        """The shortest text that `parse` reads back as `value`."""
        return repr(value) if isinstance(value, float) and float(f"{value:g}") != value else _plain(value)

    def nudge(self, value: Value, direction: int) -> Value:
        """The next legal value up (`direction` > 0) or down; at the end of the range, `value` itself."""
        if self.kind == "choice":
            index = self.choices.index(str(value)) + (1 if direction > 0 else -1)
            return self.choices[index % len(self.choices)]
        number = float(value)
        match self.ladder:
            case "double":
                moved = number * 2 if direction > 0 else number / 2
            case "1-2-5":
                moved = _next_125(number, direction, self.low, self.step)
            case _:
                moved = round(number / self.step + (1 if direction > 0 else -1)) * self.step
        return self.clamp(moved)

    def clamp(self, number: float) -> Value:
        """`number` moved into the range, and rounded where the field is whole."""
        bounded = min(max(number, self.low), self.high)
        return round(bounded) if self.kind == "int" else float(f"{bounded:.12g}")


def _plain(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _next_125(number: float, direction: int, low: float, smallest: float) -> float:
    """The neighbour of `number` on 1, 2, 5, 10, 20, …; below `smallest` there is only `low`."""
    if number < smallest:
        return smallest if direction > 0 else low
    exponent = math.floor(math.log10(number) + 1e-9)
    rungs = [m * 10.0**e for e in (exponent - 1, exponent, exponent + 1) for m in (1, 2, 5)]
    if direction > 0:
        return min(r for r in rungs if r > number * (1 + 1e-9))
    below = max(r for r in rungs if r < number * (1 - 1e-9))
    return below if below >= smallest * (1 - 1e-9) else low
