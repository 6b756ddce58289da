"""Checkpoints: one checked dict a file, written whole or not at all, read without running anybody's code."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnist_tui.core.archive import damage_of
from mnist_tui.core.errors import ModelFileError
from mnist_tui.core.files import write_atomically
from mnist_tui.engine.architectures import architecture_of, blank_network
from mnist_tui.engine.averaging import WeightAverage
from mnist_tui.engine.network import Network

FORMAT = "mnist-tui checkpoint"
VERSION = 1
_ARRAYS = {"model", "optimizer", "rng", "average"}


def serialise(content: Mapping[str, Any]) -> bytes:
    """`content` as torch writes it, in memory: a full disk is then an `OSError` of the write, with its reason."""
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    return buffer.getvalue()


def random_state(device: torch.device) -> dict[str, Any]:
    """Every random state a training on `device` draws from."""
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if device.type == "cuda" else [],
        "mps": [torch.mps.get_rng_state()] if device.type == "mps" else [],
    }


def set_random_state(state: Mapping[str, Any]) -> None:
    """Put the states of `random_state` back, those of devices that are here."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"] and torch.cuda.device_count() == len(state["cuda"]):
        torch.cuda.set_rng_state_all(state["cuda"])
    if state.get("mps") and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"][0])


def state_of(model: Network) -> dict[str, Tensor]:
    """The weights on the CPU, contiguous, under the classic script's names."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}


def learning_state(
    model: Network, optimizer: torch.optim.Optimizer, average: WeightAverage | None = None
) -> dict[str, Any]:
    """All that the next batch depends on: model, optimizer, random state and, where there is one, the average."""
    content: dict[str, Any] = {
        "model": state_of(model),
        "optimizer": optimizer.state_dict(),
        "rng": random_state(next(model.parameters()).device),
    }
    if average is not None:
        content["average"] = {"model": state_of(average.model), "updates": average.updates}
    return content


def save_checkpoint(
    path: Path,
    model: Network,
    optimizer: torch.optim.Optimizer,
    facts: Mapping[str, Any],
    previous: Path | None = None,
    average: WeightAverage | None = None,
) -> None:
    """Write model, optimizer, random state and `facts` (plain values) to `path`; the file there becomes `previous`.

    An `average` of the weights is what `load_model` gives back.

    Raises:
        OSError: the disk is full, the folder is read-only or gone; an older file at `path` is then untouched.
    """
    content = {"format": FORMAT, "version": VERSION, **facts, **learning_state(model, optimizer, average)}
    write_atomically(path, serialise(content), previous=previous)


def save_weights(path: Path, model: Network) -> None:
    """Write the plain state_dict, as the classic script's `torch.save(model.state_dict(), path)` does.

    Raises:
        OSError: it could not be written; an older file at `path` is then untouched.
    """
    write_atomically(path, serialise(state_of(model)))


def load_model(path: Path) -> tuple[Network, dict[str, Any]]:
    """A model in eval mode from a checkpoint or a plain state_dict, and the checkpoint's facts (empty for the latter).

    Everything is checked before a model is made: the archive's checksums, names, shapes and finiteness.

    Raises:
        ModelFileError: the file is missing, damaged, or not a model of this network.
    """
    content = _read(path)
    facts: dict[str, Any] = {}
    state: object = content
    if "format" in content:
        _check_format(path, content)
        average = content.get("average")
        state = average.get("model") if isinstance(average, Mapping) else content.get("model")
        facts = {key: value for key, value in content.items() if key not in _ARRAYS}
    if not isinstance(state, Mapping):
        raise ModelFileError(f"{path} is not a model of mnist-tui: it holds no weights")
    try:
        architecture = architecture_of(state)
    except ModelFileError as error:
        raise ModelFileError(f"{path} is not a model of mnist-tui: {error}") from None
    weights: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.layout != torch.strided or tensor.is_complex() or tensor.is_quantized:
            raise ModelFileError(f"{path} is not a model of mnist-tui: {name} is no plain tensor of real numbers")
        weights[str(name)] = tensor.float()
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise ModelFileError(f"{path} holds broken weights: {name} has values that are not finite")
    model = blank_network(architecture)
    model.load_state_dict(weights)
    model.answer_as(facts)
    return model.eval(), facts


def load_checkpoint(path: Path) -> dict[str, Any]:
    """All of a checkpoint: its facts, `model`, `optimizer` and `rng`.

    Raises:
        ModelFileError: the file is missing, damaged, or no checkpoint.
    """
    content = _read(path)
    if "format" not in content or not {"model", "optimizer", "rng", "hyperparameters"} <= set(content):
        raise ModelFileError(f"{path} is not a checkpoint of mnist-tui: it holds weights alone")
    _check_format(path, content)
    return content


def _check_format(path: Path, content: Mapping[str, Any]) -> None:
    if content["format"] != FORMAT:
        raise ModelFileError(f"{path} is not a model of mnist-tui: its format is {str(content['format'])[:40]!r}")
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        raise ModelFileError(
            f"{path} was written by another version of mnist-tui "
            f"(file version {' '.join(str(version).split())[:20]}, this program reads {VERSION}): "
            "install the version that wrote it"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise ModelFileError(f"{path} is a folder without a model in it") from None
    except OSError as error:
        raise ModelFileError(f"cannot read {path}: {error.strerror}") from None
    reason = damage_of(data)
    if reason:
        raise ModelFileError(f"{path} is not a model of mnist-tui: {reason}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # torch raises nearly anything on foreign files; its advice to load them unsafely is not shown
        kind = type(error).__name__
        raise ModelFileError(f"{path} is not a model of mnist-tui: torch cannot read it safely ({kind})") from error
    if not isinstance(content, dict):
        raise ModelFileError(f"{path} is not a model of mnist-tui: it holds a {type(content).__name__}, not weights")
    return content
