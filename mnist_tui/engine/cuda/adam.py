"""Adam and AdamW over all weights in one launch that keeps a whole GPU busy."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mnist_tui.engine.cuda.program import Program, program_or_none

MOST = 32
BLOCK = 1024
MACROS = (("MOST", MOST), ("BLOCK", BLOCK))


class _Tensors(ctypes.Structure):
    _fields_ = [
        ("weights", ctypes.c_void_p * MOST),
        ("gradients", ctypes.c_void_p * MOST),
        ("firsts", ctypes.c_void_p * MOST),
        ("seconds", ctypes.c_void_p * MOST),
        ("ends", ctypes.c_int32 * MOST),
        ("sizes", ctypes.c_int32 * MOST),
    ]


def adam_program(weights: Sequence[Tensor]) -> Program | None:
    """What steps `weights` by one kernel; None where they are not all float32 on a CUDA device, or too many."""
    device = weights[0].device
    if device.type != "cuda" or len(weights) > MOST or any(weight.dtype != torch.float32 for weight in weights):
        return None
    return program_or_none("adam", MACROS, device)


@torch.no_grad()
def step(
    program: Program,
    group: dict[str, Any],
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    states: Sequence[dict[str, Tensor]],
    rate: Tensor,
    *,
    decoupled: bool,
) -> None:
    """One step of Adam, or with `decoupled` of AdamW, on what `torch.optim` keeps; nothing is waited for.

    Args:
        program: from `adam_program`.
        group: the optimizer's, for betas, eps and weight decay.
        weights: float32.
        gradients: of each; one in another order of memory than its weight is put into that first.
        states: of each weight `step` (), `exp_avg` and `exp_avg_sq`.
        rate: () float32.
        decoupled: the weight decay is not part of the gradient.
    """
    torch._foreach_add_([state["step"] for state in states], 1)
    tensors = _Tensors()
    blocks, kept = 0, []
    for number, (weight, gradient, state) in enumerate(zip(weights, gradients, states, strict=True)):
        if gradient.stride() != weight.stride():
            gradient = torch.empty_like(weight).copy_(gradient)
            kept.append(gradient)  # until the launch is under way
        blocks += -(-weight.numel() // BLOCK)
        tensors.weights[number], tensors.gradients[number] = weight.data_ptr(), gradient.data_ptr()
        tensors.firsts[number], tensors.seconds[number] = state["exp_avg"].data_ptr(), state["exp_avg_sq"].data_ptr()
        tensors.ends[number], tensors.sizes[number] = blocks, weight.numel()
    betas = [float(beta) for beta in group["betas"]]
    logarithms = [math.log(beta) if beta else -math.inf for beta in betas]
    given = (*betas, 1 - betas[1], *logarithms, float(group["weight_decay"]), float(group["eps"]), int(decoupled))
    program.launch("adam", (blocks, 1, 1), 256, tensors, states[0]["step"], rate, *given)
