"""Optimizers from hyperparameters, and edits of the ones at work."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from mnist_tui.core.hyperparameters import Hyperparameters

ADAM_BETA2 = 0.999


def make_optimizer(parameters: Iterable[Tensor], hyperparameters: Hyperparameters) -> torch.optim.Optimizer:
    """The optimizer of `hyperparameters`, with fresh state; fused kernels where torch has them (a tenth of a CPU step)."""
    h = hyperparameters
    common = {"lr": h.learning_rate, "weight_decay": h.weight_decay}
    parameters = list(parameters)
    match h.optimizer:
        case "adam":
            return torch.optim.Adam(parameters, betas=(h.momentum, ADAM_BETA2), fused=_fused(parameters), **common)  # type: ignore[arg-type]
        case "adamw":
            return torch.optim.AdamW(parameters, betas=(h.momentum, ADAM_BETA2), fused=_fused(parameters), **common)  # type: ignore[arg-type]
        case "sgd":
            return torch.optim.SGD(parameters, momentum=h.momentum, fused=_fused(parameters), **common)  # type: ignore[arg-type]
        case _:
            return torch.optim.RMSprop(parameters, momentum=h.momentum, **common)


def _fused(parameters: list[Tensor]) -> bool:
    return all(parameter.device.type in {"cpu", "cuda"} for parameter in parameters)


def apply_live(optimizer: torch.optim.Optimizer, hyperparameters: Hyperparameters) -> None:
    """Put learning rate, weight decay and momentum in force; the optimizer's state stays."""
    for group in optimizer.param_groups:
        group["lr"] = hyperparameters.learning_rate
        group["weight_decay"] = hyperparameters.weight_decay
        if "betas" in group:
            group["betas"] = (hyperparameters.momentum, group["betas"][1])
        if "momentum" in group:
            group["momentum"] = hyperparameters.momentum
