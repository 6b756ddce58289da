"""Optimizers from hyperparameters, and edits of the ones at work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.cuda import adam as kernel


def make_optimizer(parameters: Iterable[Tensor], hyperparameters: Hyperparameters) -> torch.optim.Optimizer:
    """The optimizer of `hyperparameters`, with fresh state; fused (a tenth of a CPU step) where torch can."""
    _spare_compiler()
    rate, decay, momentum = hyperparameters.learning_rate, hyperparameters.weight_decay, hyperparameters.momentum
    beta2 = hyperparameters.beta2
    weights = list(parameters)
    fused = all(weight.device.type in {"cpu", "cuda"} for weight in weights)
    match hyperparameters.optimizer:
        case "adam":
            return torch.optim.Adam(weights, rate, (momentum, beta2), weight_decay=decay, fused=fused)
        case "adamw":
            return torch.optim.AdamW(weights, rate, (momentum, beta2), weight_decay=decay, fused=fused)
        case "sgd":
            return torch.optim.SGD(weights, rate, momentum, weight_decay=decay, fused=fused)
        case _:
            return torch.optim.RMSprop(weights, rate, weight_decay=decay, momentum=momentum)


def _spare_compiler() -> None:
    """Keep torch's optimizers from importing its compiler, which is never used here: 1.5 s before the first batch.

    The methods are wrapped so that a compiler would pass over them, and the wrapper imports it to ask for that unless
    it has the answer already (torch/_compile.py). Where a version of torch does it otherwise, nothing is changed.
    """
    for name in ("add_param_group", "state_dict", "load_state_dict"):
        method = getattr(getattr(torch.optim.Optimizer, name), "__wrapped__", None)
        if method is not None and not hasattr(method, _ANSWER):
            setattr(method, _ANSWER, method)


_ANSWER = "__dynamo_disable"


def apply_live(optimizer: torch.optim.Optimizer, hyperparameters: Hyperparameters) -> None:
    """Put learning rate, weight decay, momentum and beta 2 in force; the optimizer's state stays."""
    for group in optimizer.param_groups:
        group["lr"] = hyperparameters.learning_rate
        group["weight_decay"] = hyperparameters.weight_decay
        if "betas" in group:
            group["betas"] = (hyperparameters.momentum, hyperparameters.beta2)
        if "momentum" in group:
            group["momentum"] = hyperparameters.momentum
    if isinstance(optimizer, torch.optim.RMSprop) and hyperparameters.momentum > 0:
        for parameter, state in optimizer.state.items():  # torch makes the buffer in the first step alone
            state.setdefault("momentum_buffer", torch.zeros_like(parameter))


def restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take over what `state_dict` gave, also on a machine that keeps the weights in another order of memory.

    torch leaves the moments in the order of whoever wrote them, and its fused steps go through the memory of weights
    and moments side by side: without a word, they would take those of other weights.
    """
    optimizer.load_state_dict(state)
    for weight, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                values[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def make_step(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """What takes one step of `optimizer` with the gradients as they are; state and values stay where it keeps them.

    It is torch's functional form: `Optimizer.step` spends as long on its hooks and groups as the fused kernel of Adam
    on two cores needs for the classic network's 421 642 weights, and its first call imports torch's compiler, for 2 s
    (5 s of a profiled run on a GPU node). Where that form is not fused, on neither a CPU nor CUDA, it is
    `Optimizer.step`.
    """
    (group,) = optimizer.param_groups
    weights: list[Tensor] = group["params"]
    if any(weight.device.type not in {"cpu", "cuda"} for weight in weights):
        return optimizer.step
    update = _UPDATES[type(optimizer)]

    @torch.no_grad()
    def step() -> None:
        update(group, weights, [weight.grad for weight in weights], _states(optimizer, weights), group["lr"])

    return step


def make_tensor_step(optimizer: torch.optim.Optimizer, rate: Tensor) -> Callable[[], None]:
    """As `make_step`, but the rate is read from `rate` () by the kernels themselves: a CUDA graph may hold the step.

    It never waits for the device. State and groups are those of `Optimizer.step`, so a checkpoint is the same; only a
    count of steps that is on the host, as RMSprop's, moves to the device. `rate` is float32 on CUDA, whose kernels read
    no other.
    """
    (group,) = optimizer.param_groups
    weights: list[Tensor] = group["params"]
    update = _UPDATES[type(optimizer)]

    @torch.no_grad()
    def step() -> None:
        states = _states(optimizer, weights)
        if "step" in states[0] and states[0]["step"].device != rate.device:
            for state in states:
                state["step"] = state["step"].to(rate.device)
        update(group, weights, [weight.grad for weight in weights], states, rate)

    return step


def _states(optimizer: torch.optim.Optimizer, weights: list[Tensor]) -> list[dict[str, Tensor]]:
    """What `optimizer` keeps of each weight; what is not there yet is made as its first step makes it, or is as good.

    torch's first step with momentum keeps the gradient itself: what it adds to a buffer of zeros.
    """
    counts, names = _KEPT[type(optimizer)]
    if optimizer.param_groups[0].get("momentum"):
        names = (*names, "momentum_buffer")
    if not counts and not names:
        return [{} for _ in weights]
    states = [optimizer.state[weight] for weight in weights]
    for weight, state in zip(weights, states, strict=True):
        device = weight.device if counts == "beside" else torch.device("cpu")
        if counts and "step" not in state:
            state["step"] = torch.zeros((), dtype=torch.float32, device=device)
        elif counts == "beside" and state["step"].device != device:  # from a checkpoint of another kind of device
            state["step"] = state["step"].to(device)
        for name in names:
            if state.get(name) is None:
                state[name] = torch.zeros_like(weight)
    return states


def _update_adam(
    update: Callable[..., None],
    group: dict[str, Any],
    weights: list[Tensor],
    gradients: list[Any],
    states: list[dict[str, Tensor]],
    rate: float | Tensor,
) -> None:
    program = kernel.adam_program(weights)
    if program is not None and isinstance(rate, Tensor):
        kernel.step(program, group, weights, gradients, states, rate, decoupled=update is adamw)
        return
    beta1, beta2 = group["betas"]
    update(
        weights,
        gradients,
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [],
        [state["step"] for state in states],
        fused=True,
        amsgrad=False,
        beta1=beta1,
        beta2=beta2,
        lr=rate,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )


def _update_sgd(
    group: dict[str, Any],
    weights: list[Tensor],
    gradients: list[Any],
    states: list[dict[str, Tensor]],
    rate: float | Tensor,
) -> None:
    sgd(
        weights,
        gradients,
        [state["momentum_buffer"] if group["momentum"] else None for state in states],
        fused=True,
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        lr=rate,  # the fused kernel reads tensors as well
        dampening=0.0,
        nesterov=False,
        maximize=False,
    )


def _update_rmsprop(
    group: dict[str, Any],
    weights: list[Tensor],
    gradients: list[Any],
    states: list[dict[str, Tensor]],
    rate: float | Tensor,
) -> None:
    rmsprop(
        weights,
        gradients,
        [state["square_avg"] for state in states],
        [],
        [state["momentum_buffer"] for state in states] if group["momentum"] else [],
        [state["step"] for state in states],
        foreach=isinstance(rate, Tensor) or weights[0].is_cuda,
        capturable=isinstance(rate, Tensor) and rate.is_cuda,
        lr=rate,
        alpha=group["alpha"],
        eps=group["eps"],
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        centered=False,
    )


_UPDATES: dict[type, Callable[..., None]] = {
    torch.optim.Adam: partial(_update_adam, adam),
    torch.optim.AdamW: partial(_update_adam, adamw),
    torch.optim.SGD: _update_sgd,
    torch.optim.RMSprop: _update_rmsprop,
}

_MOMENTS = ("exp_avg", "exp_avg_sq")
_KEPT: dict[type, tuple[Literal["", "beside", "on the host"], tuple[str, ...]]] = {
    torch.optim.Adam: ("beside", _MOMENTS),
    torch.optim.AdamW: ("beside", _MOMENTS),
    torch.optim.SGD: ("", ()),
    torch.optim.RMSprop: ("on the host", ("square_avg",)),
}
"""Where each kind counts its steps: beside the weights, on the host, or not; and what it keeps of a weight besides."""
