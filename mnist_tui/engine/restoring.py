"""From a file back to a run that goes on: everything is checked before anything that lives is touched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import torch

from mnist_tui.core.errors import ModelFileError, UserError
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.engine.checkpoint import load_checkpoint, random_state, set_random_state
from mnist_tui.engine.keeper import Place, Standing
from mnist_tui.engine.learner import Learner

_STATE = {
    "adam": {"step", "exp_avg", "exp_avg_sq"},
    "adamw": {"step", "exp_avg", "exp_avg_sq"},
    "sgd": {"momentum_buffer"},
    "rmsprop": {"step", "square_avg", "momentum_buffer"},
}


@attrs.frozen
class SavedState:
    """A checkpoint that fits this program and is whole.

    Attributes:
        path: the file.
        hyperparameters: what was in force.
        place: how far the run had come.
        standing: its evaluations.
        content: `model`, `optimizer`, `rng`, and the facts of the run.
    """

    path: Path
    hyperparameters: Hyperparameters
    place: Place
    standing: Standing
    content: dict[str, Any] = attrs.field(repr=False)


def read_state(path: Path, train_size: int | None = None) -> SavedState:
    """Read a checkpoint and try it on a network that nobody needs; random numbers go on as if nothing had happened.

    Args:
        path: the file.
        train_size: images in an epoch, where the position shall be checked.

    Raises:
        ModelFileError: it is missing, damaged, or does not fit together.
    """
    content = load_checkpoint(path)
    try:
        hyperparameters = _hyperparameters(content["hyperparameters"])
        place = _place(content, train_size)
        standing = _standing(content.get("standing"))
    except (UserError, TypeError, ValueError, KeyError) as error:
        raise ModelFileError(f"{path} is not a checkpoint this version can go on from: {error}") from None
    before = random_state(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        spare = Learner(hyperparameters, torch.device("cpu"))
        spare.restore(hyperparameters, content)
        _check_optimizer(spare)
    except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelFileError(f"{path} does not fit the network of its own settings: {reason}") from None
    finally:
        set_random_state(before)
    if not spare.is_finite():
        raise ModelFileError(f"{path} holds broken weights: some are not finite")
    return SavedState(path, hyperparameters, place, standing, content)


def _hyperparameters(values: object) -> Hyperparameters:
    if not isinstance(values, Mapping):
        raise ValueError("its hyperparameters are no table")
    unknown = [str(name)[:40] for name in values if name not in KNOBS]
    if unknown:
        raise ValueError(f"it has hyperparameters that are unknown here: {', '.join(unknown)}")
    return Hyperparameters(**values)


def _place(content: Mapping[str, Any], train_size: int | None) -> Place:
    values = {name: content[name] for name in attrs.fields_dict(Place)}
    seconds = values.pop("seconds")
    if any(type(value) is not int or value < 0 for value in values.values()):
        raise ValueError("its position is no whole number")
    if type(seconds) not in (int, float) or not math.isfinite(seconds) or seconds < 0:
        raise ValueError("its training time is no number of seconds")
    if values["epoch"] < 1 or (train_size is not None and values["position"] > train_size):
        raise ValueError(f"its position {values['position']} is outside the {train_size} training images")
    return Place(seconds=float(seconds), **values)


def _standing(values: object) -> Standing:
    """That of a checkpoint; one written before an edit has none, and the next evaluation begins anew."""
    if values is None:
        return Standing()
    if not isinstance(values, Mapping):
        raise ValueError("its evaluations are no table")
    standing = Standing(**values)
    numbers = [value for value in (standing.best, standing.best_of_branch) if value is not None]
    if not all(isinstance(value, float) and 0 <= value <= 1 for value in numbers):
        raise ValueError("its best accuracy is outside 0 and 1")
    if type(standing.epoch_seconds) not in (int, float) or not 0 <= standing.epoch_seconds < math.inf:
        raise ValueError("its training time is no number of seconds")
    if type(standing.without_better) is not int or type(standing.evaluated_step) is not int:
        raise ValueError("its evaluations are not counted in whole numbers")
    return standing


def _check_optimizer(learner: Learner) -> None:
    """State of another kind of optimizer or another network loads without a word, and fails in the next step."""
    known = _STATE[learner.hyperparameters.optimizer]
    for parameter, state in learner.optimizer.state.items():
        if not known >= set(state):
            raise ValueError(f"its optimizer's state is not that of {learner.hyperparameters.optimizer}")
        for name, value in state.items():
            if value is None:
                continue
            if not isinstance(value, torch.Tensor) or (name != "step" and value.shape != parameter.shape):
                raise ValueError(f"its optimizer's {name} has not the shape of the weights")
    if learner.optimizer.state and learner.hyperparameters.optimizer in {"adam", "adamw"}:
        if any(set(state) != known for state in learner.optimizer.state.values()):
            raise ValueError("its optimizer's state is incomplete")
        if len(learner.optimizer.state) != len(list(learner.model.parameters())):
            raise ValueError("its optimizer's state is incomplete")
