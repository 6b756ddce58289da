"""Which network there is for an architecture, and the architecture read back from any state_dict."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mnist_tui.core.errors import ModelFileError
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.engine.cuda.adam import MACROS
from mnist_tui.engine.cuda.classic import ClassicKernels, classic_program
from mnist_tui.engine.cuda.program import program_or_none
from mnist_tui.engine.deep import DeepCNN, has_deep_kernels
from mnist_tui.engine.model import CNN
from mnist_tui.engine.native import instructions
from mnist_tui.engine.network import Architecture, Kind, Network
from mnist_tui.engine.sparse import has_kernels

_OF_DEEP = "norm6.weight"  # no other network has it


def make_network(architecture: Architecture, dropout: float = 0.0, precision: Precision = "fp32") -> Network:
    """A network with fresh weights from torch's global generator."""
    make = DeepCNN if architecture.kind == "deep" else CNN
    return make(architecture, dropout, precision)


def architecture_for(hyperparameters: Hyperparameters) -> Architecture:
    """What a run with `hyperparameters` trains."""
    kind: Kind = "deep" if hyperparameters.network == "deep" else "classic"
    return Architecture(hyperparameters.width, 2 * hyperparameters.width, hyperparameters.hidden_units, kind)


def kernels_for(hyperparameters: Hyperparameters, device: torch.device, precision: Precision = "fp32") -> str | None:
    """What the kernels of our own are written in that a run with `hyperparameters` has; None where none play a part."""
    architecture = architecture_for(hyperparameters)
    deep = architecture.kind == "deep"
    if device.type == "cuda":
        if precision == "fp32" and classic_program(architecture, device) is not None:
            return "CUDA"
        return "CUDA, for Adam" if program_or_none("adam", MACROS, device) is not None else "none"
    if device.type != "cpu" or (deep and precision != "fp32"):
        return None
    there = has_deep_kernels(architecture) if deep else has_kernels(architecture.width, architecture.second_width)
    return instructions() if there else "none"


def loss_kernels(model: Network) -> ClassicKernels | None:
    """What computes a training batch's loss and gradients of `model` in kernels of our own, or None: torch does."""
    weight = model.conv1.weight
    if model.precision != "fp32" or weight.device.type != "cuda":
        return None
    program = classic_program(model.architecture, weight.device)
    return None if program is None else ClassicKernels(model, program)


def blank_network(architecture: Architecture) -> Network:
    """A network on the CPU whose weights are yet to be filled in.

    Unlike `make_network`, it draws nothing from torch's global generator, which belongs to the training that may go on
    beside.
    """
    with torch.device("meta"):
        model = make_network(architecture)
    return model.to_empty(device="cpu")


def architecture_of(state: Mapping[str, object]) -> Architecture:
    """The sizes a state_dict was made with.

    Raises:
        ModelFileError: its names or shapes are not those of a network here; the sentence names the first that is wrong.
    """
    kind: Kind = "deep" if _OF_DEEP in state else "classic"
    with torch.device("meta"):
        expected = list(make_network(Architecture(kind=kind)).state_dict())
    for name in expected:
        if not isinstance(state.get(name), Tensor):
            raise ModelFileError(f"it has no tensor {name!r}, which the network needs")
    extra = sorted(set(map(str, state)) - set(expected))
    if extra:
        raise ModelFileError(f"it holds {extra[0]!r}, which this network does not have")
    shapes = {name: tuple(state[name].shape) for name in expected}  # type: ignore[attr-defined]
    weights = [name for name in expected if not name.endswith(".num_batches_tracked")]
    if any(len(shapes[name]) < 1 for name in weights):
        raise ModelFileError("it holds a number where the network has a tensor")
    if any(0 in shape for shape in shapes.values()):
        raise ModelFileError("it holds an empty tensor")
    second = "conv3" if kind == "deep" else "conv2"
    width, second_width, hidden_units = (shapes[f"{layer}.weight"][0] for layer in ("conv1", second, "fc1"))
    sizes = Architecture(width, second_width, hidden_units, kind)
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in make_network(sizes).state_dict().items()}
    for name in expected:
        if shapes[name] != wanted[name]:
            raise ModelFileError(f"{name} has shape {shapes[name]}, where {wanted[name]} is needed")
    return sizes
