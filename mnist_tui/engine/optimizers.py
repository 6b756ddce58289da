"""Optimizers from hyperparameters, and edits of the ones at work."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from mnist_tui.core.hyperparameters import Hyperparameters

ADAM_BETA2 = 0.999


def make_optimizer(parameters: Iterable[Tensor], hyperparameters: Hyperparameters) -> torch.optim.Optimizer:
    """The optimizer of `hyperparameters`, with fresh state; fused (a tenth of a CPU step) where torch can."""
    rate, decay, momentum = hyperparameters.learning_rate, hyperparameters.weight_decay, hyperparameters.momentum
    weights = list(parameters)
    fused = all(weight.device.type in {"cpu", "cuda"} for weight in weights)
    match hyperparameters.optimizer:
        case "adam":
            return torch.optim.Adam(weights, rate, (momentum, ADAM_BETA2), weight_decay=decay, fused=fused)
        case "adamw":
            return torch.optim.AdamW(weights, rate, (momentum, ADAM_BETA2), weight_decay=decay, fused=fused)
        case "sgd":
            return torch.optim.SGD(weights, rate, momentum, weight_decay=decay, fused=fused)
        case _:
            return torch.optim.RMSprop(weights, rate, weight_decay=decay, momentum=momentum)


def apply_live(optimizer: torch.optim.Optimizer, hyperparameters: Hyperparameters) -> None:
    """Put learning rate, weight decay and momentum in force; the optimizer's state stays."""
    for group in optimizer.param_groups:
        group["lr"] = hyperparameters.learning_rate
        group["weight_decay"] = hyperparameters.weight_decay
        if "betas" in group:
            group["betas"] = (hyperparameters.momentum, group["betas"][1])
        if "momentum" in group:
            group["momentum"] = hyperparameters.momentum
    if isinstance(optimizer, torch.optim.RMSprop) and hyperparameters.momentum > 0:
        for parameter, state in optimizer.state.items():  # torch makes the buffer in the first step alone
            state.setdefault("momentum_buffer", torch.zeros_like(parameter))
