"""The hyperparameters of a run, declared once.

One frozen class gives the form its rows, the command line its flags, every edit its checks, the help its text and
`run.json` its keys. An edit is `attrs.evolve`, which checks the value again.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal, TypeAlias

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


def _knob(default: Value, **known: Any) -> Any:
    """An attrs field that carries its `Knob` and checks itself with it."""

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        KNOBS[attribute.name].check(value)

    return attrs.field(default=default, validator=check, metadata={"knob": known, "help": known["help"]})


@attrs.frozen(kw_only=True)
class Hyperparameters:
    """Everything about a run that a user can turn; the defaults are the classic script's.

    Raises:
        HyperparameterError: a value is outside its range.
    """

    learning_rate: float = _knob(
        0.001,
        label="learning rate",
        help="How far each step moves the weights: too low crawls, too high diverges.",
        kind="float",
        low=1e-8,
        high=10.0,
        ladder="1-2-5",
        step=1e-8,
        live=True,
    )
    batch_size: int = _knob(
        64,
        label="batch size",
        help="Images per step: small is noisy and thorough, large is smooth and fast.",
        kind="int",
        low=1,
        high=16384,
        ladder="double",
        live=True,
    )
    epochs: int = _knob(
        10,
        label="epochs",
        help="How often the whole training set is seen.",
        kind="int",
        low=1,
        high=10000,
        live=True,
    )
    optimizer: str = _knob(
        "adam",
        label="optimizer",
        help="The rule that turns gradients into steps.",
        kind="choice",
        choices=("adam", "adamw", "sgd", "rmsprop"),
        ladder="choice",
    )
    momentum: float = _knob(
        0.9,
        label="momentum",
        help="How much of the last step carries over; for adam and adamw this is beta 1.",
        kind="float",
        low=0.0,
        high=0.999,
        ladder="linear",
        step=0.05,
        live=True,
    )
    weight_decay: float = _knob(
        0.0,
        label="weight decay",
        help="Pulls every weight towards zero, against overfitting.",
        kind="float",
        low=0.0,
        high=1.0,
        ladder="1-2-5",
        step=1e-6,
        live=True,
    )
    dropout: float = _knob(
        0.0,
        label="dropout",
        help="Share of the hidden layer silenced at random in each batch, against overfitting.",
        kind="float",
        low=0.0,
        high=0.95,
        ladder="linear",
        step=0.05,
        live=True,
    )
    width: int = _knob(
        32,
        label="width",
        help="Channels of the first convolution; the second has twice as many.",
        kind="int",
        low=1,
        high=512,
        ladder="double",
    )
    hidden_units: int = _knob(
        128,
        label="hidden units",
        help="Neurons between the convolutions and the ten outputs.",
        kind="int",
        low=1,
        high=8192,
        ladder="double",
    )
    seed: int = _knob(
        0,
        label="seed",
        help="Same seed, device and threads: the same numbers again.",
        kind="int",
        low=0,
        high=2**31 - 1,
    )


KNOBS: dict[str, Knob] = {
    field.name: Knob(name=field.name, **field.metadata["knob"]) for field in attrs.fields(Hyperparameters)
}
PRESETS: dict[str, Hyperparameters] = {"classic": Hyperparameters()}


def differences(old: Hyperparameters, new: Hyperparameters) -> dict[str, tuple[Value, Value]]:
    """The fields whose values differ, in declaration order, as `name -> (old, new)`."""
    return {
        name: (getattr(old, name), getattr(new, name)) for name in KNOBS if getattr(old, name) != getattr(new, name)
    }


def split_edit(current: Hyperparameters, wanted: Hyperparameters) -> tuple[Hyperparameters, dict[str, Value]]:
    """`current` with the live part of `wanted` applied, and what has to wait for the next run."""
    changed = differences(current, wanted)
    live = {name: new for name, (_, new) in changed.items() if KNOBS[name].live}
    waiting = {name: new for name, (_, new) in changed.items() if not KNOBS[name].live}
    return attrs.evolve(current, **live), waiting  # type: ignore[arg-type]
