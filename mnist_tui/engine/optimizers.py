"""Optimizers from hyperparameters, and edits of the ones at work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

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

    For Adam and AdamW on a CPU it is torch's functional form: `Optimizer.step` spends as long on its hooks and groups
    as the fused kernel on two cores needs for the classic network's 421 642 weights, 0.97 to 0.99 of a whole batch.
    """
    if type(optimizer) is torch.optim.Adam:
        update: Callable[..., None] = adam
    elif type(optimizer) is torch.optim.AdamW:
        update = adamw
    else:
        return optimizer.step
    (group,) = optimizer.param_groups
    weights: list[Tensor] = group["params"]
    if any(weight.device.type != "cpu" for weight in weights):
        return optimizer.step

    @torch.no_grad()
    def step() -> None:
        for weight in weights if not optimizer.state else ():  # as torch's first step has it
            moments = {name: torch.zeros_like(weight) for name in ("exp_avg", "exp_avg_sq")}
            optimizer.state[weight] = {"step": torch.zeros((), dtype=torch.float32), **moments}
        states = [optimizer.state[weight] for weight in weights]
        _adam(update, group, weights, [weight.grad for weight in weights], states, group["lr"])

    return step


def _adam(
    update: Callable[..., None],
    group: dict[str, Any],
    weights: list[Tensor],
    gradients: list[Any],
    states: list[Any],
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


def make_tensor_step(optimizer: torch.optim.Optimizer, rate: Tensor) -> Callable[[], None]:
    """As `make_step`, but the rate is read from `rate` () by the kernels themselves: a CUDA graph may hold the step.

    It never waits for the device, except where the optimizer's state has to be made first. That state, and the groups,
    are those of `Optimizer.step`, so a checkpoint is the same; only a count of steps that is on the host, as RMSprop's,
    moves to the device. `rate` is float32 on CUDA, whose kernels read no other.
    """
    (group,) = optimizer.param_groups
    weights: list[Tensor] = group["params"]
    update, always, with_momentum = _TENSOR_UPDATES[type(optimizer)]

    @torch.no_grad()
    def step() -> None:
        states = [optimizer.state.get(weight, {}) for weight in weights]
        needed = [*always, *(with_momentum if group.get("momentum") else ())]
        if all(state.get(name) is not None for state in states for name in needed):
            if "step" in needed and states[0]["step"].device != rate.device:
                for state in states:
                    state["step"] = state["step"].to(rate.device)
            update(group, weights, [weight.grad for weight in weights], states, rate)
            return
        was, group["lr"] = group["lr"], rate
        try:
            optimizer.step()  # its first step makes the state
        finally:
            group["lr"] = was

    return step


def _update_sgd(
    group: dict[str, Any], weights: list[Tensor], gradients: list[Any], states: list[Any], rate: Tensor
) -> None:
    sgd(
        weights,
        gradients,
        [state.get("momentum_buffer") for state in states],
        fused=True,
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        lr=rate,
        dampening=0.0,
        nesterov=False,
        maximize=False,
    )


def _update_rmsprop(
    group: dict[str, Any], weights: list[Tensor], gradients: list[Any], states: list[Any], rate: Tensor
) -> None:
    rmsprop(
        weights,
        gradients,
        [state["square_avg"] for state in states],
        [],
        [state["momentum_buffer"] for state in states] if group["momentum"] else [],
        [state["step"] for state in states],
        foreach=True,
        capturable=rate.is_cuda,
        lr=rate,
        alpha=group["alpha"],
        eps=group["eps"],
        weight_decay=group["weight_decay"],
        momentum=group["momentum"],
        centered=False,
    )


_ADAM_STATE = ("step", "exp_avg", "exp_avg_sq")
_TENSOR_UPDATES: dict[type, tuple[Callable[..., None], tuple[str, ...], tuple[str, ...]]] = {
    torch.optim.Adam: (partial(_adam, adam), _ADAM_STATE, ()),
    torch.optim.AdamW: (partial(_adam, adamw), _ADAM_STATE, ()),
    torch.optim.SGD: (_update_sgd, (), ("momentum_buffer",)),
    torch.optim.RMSprop: (_update_rmsprop, ("step", "square_avg"), ("momentum_buffer",)),
}
"""What takes a step of each kind, the state it always needs, and that which it needs with momentum."""
