"""The hyperparameters of a run, declared once.

One frozen class gives the form its rows, the command line its flags, every edit its checks, the help its text and
`run.json` its keys. An edit is `attrs.evolve`, which checks the value again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from mnist_tui.core.knob import Knob, Value
from mnist_tui.core.schedules import SCHEDULES, rate_factor


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
    schedule: str = _knob(
        "constant",
        label="schedule",
        help="How the rate moves over a run: cosine falls to 0, one-cycle rises and falls, step drops tenfold twice.",
        kind="choice",
        choices=SCHEDULES,
        ladder="choice",
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
        help="The rule that turns gradients into steps; another one begins with fresh state.",
        kind="choice",
        choices=("adam", "adamw", "sgd", "rmsprop"),
        ladder="choice",
        live=True,
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
    beta2: float = _knob(
        0.999,
        label="beta 2",
        help="How long adam and adamw remember the size of gradients; sgd and rmsprop have none.",
        kind="float",
        low=0.0,
        high=0.9999,
        ladder="linear",
        step=0.001,
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
    label_smoothing: float = _knob(
        0.0,
        label="label smoothing",
        help="Share of the target spread over all ten classes, against overconfidence; it raises the training loss.",
        kind="float",
        low=0.0,
        high=0.9,
        ladder="linear",
        step=0.05,
        live=True,
    )
    gradient_clip: float = _knob(
        0.0,
        label="gradient clip",
        help="Longest gradient, over all weights together; a longer one is shortened to it. 0 clips nothing.",
        kind="float",
        low=0.0,
        high=1000.0,
        ladder="1-2-5",
        step=0.01,
        live=True,
    )
    shift: float = _knob(
        0.0,
        label="shift",
        help="Each training image moves by up to so many pixels, up, down and sideways.",
        kind="float",
        low=0.0,
        high=10.0,
        ladder="linear",
        step=0.5,
        live=True,
    )
    rotate: float = _knob(
        0.0,
        label="rotate",
        help="Each training image turns by up to so many degrees, either way.",
        kind="float",
        low=0.0,
        high=180.0,
        ladder="linear",
        step=5,
        live=True,
    )
    scale: float = _knob(
        0.0,
        label="scale",
        help="Each training image grows or shrinks by up to this share.",
        kind="float",
        low=0.0,
        high=0.5,
        ladder="linear",
        step=0.05,
        live=True,
    )
    weight_average: float = _knob(
        0.0,
        label="weight average",
        help="Evaluate and keep a moving average of the weights, which remembers so much at each batch; 0 keeps none.",
        kind="float",
        low=0.0,
        high=0.99999,
        ladder="linear",
        step=0.001,
        live=True,
    )
    patience: int = _knob(
        0,
        label="patience",
        help="Stop after so many epochs without a better evaluation; 0 never stops early.",
        kind="int",
        low=0,
        high=1000,
        live=True,
    )
    network: str = _knob(
        "classic",
        label="network",
        help="classic: two convolutions; deep: six, with batch normalisation.",
        kind="choice",
        choices=("classic", "deep"),
        ladder="choice",
    )
    width: int = _knob(
        32,
        label="width",
        help="Channels of the first convolution, or stage of a deep network; each next has twice as many.",
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

    def rate_after(self, samples: int, train_size: int) -> float:
        """The learning rate of the batch after `samples` images of the run, where an epoch has `train_size`."""
        return self.learning_rate * rate_factor(self.schedule, samples, self.epochs * train_size)


KNOBS: dict[str, Knob] = {
    field.name: Knob(name=field.name, **field.metadata["knob"]) for field in attrs.fields(Hyperparameters)
}
PRESETS: dict[str, Hyperparameters] = {
    "classic": Hyperparameters(),
    # Least time to 99 %: narrow maps, few large steps along one cycle, momentum and beta 2 as in train_mnist_fast.
    "fast": Hyperparameters(
        width=8,
        batch_size=256,
        learning_rate=0.015,
        label_smoothing=0.1,
        schedule="one-cycle",
        momentum=0.7,
        beta2=0.9,
        epochs=2,
    ),
    # The best single network within 15 minutes on two cores.
    "accurate": Hyperparameters(
        network="deep",
        width=16,
        batch_size=128,
        learning_rate=0.01,
        schedule="one-cycle",
        optimizer="adamw",
        shift=2.0,
        rotate=10.0,
        scale=0.1,
        weight_average=0.999,
        epochs=20,
    ),
}


def differences(old: Hyperparameters, new: Hyperparameters) -> dict[str, tuple[Value, Value]]:
    """The fields whose values differ, in declaration order, as `name -> (old, new)`."""
    return {
        name: (getattr(old, name), getattr(new, name)) for name in KNOBS if getattr(old, name) != getattr(new, name)
    }


def live_part(changes: Mapping[str, Value]) -> dict[str, Value]:
    """Those of `changes` that take effect inside a run."""
    return {name: value for name, value in changes.items() if KNOBS[name].live}


def with_changes(current: Hyperparameters, changes: Mapping[str, Value]) -> Hyperparameters:
    """`current` with other values.

    Raises:
        HyperparameterError: one is outside its range.
    """
    return attrs.evolve(current, **changes)  # type: ignore[arg-type]
