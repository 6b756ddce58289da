"""Optimizers from hyperparameters, and edits of the ones at work."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.adamw import adamw

from mnist_tui.core.hyperparameters import Hyperparameters


def make_optimizer(parameters: Iterable[Tensor], hyperparameters: Hyperparameters) -> torch.optim.Optimizer:
    """The optimizer of `hyperparameters`, with fresh state; fused (a tenth of a CPU step) where torch can."""
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
        if not optimizer.state:
            optimizer.step()  # its first step makes the state
            return
        states = [optimizer.state[weight] for weight in weights]
        beta1, beta2 = group["betas"]
        update(
            weights,
            [weight.grad for weight in weights],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )

    return step
