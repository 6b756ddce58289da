"""Whether bfloat16 is of use on this processor."""

from __future__ import annotations

import time
from functools import cache

import torch

from mnist_tui.engine.blocked import HAS_ONEDNN_BF16

_SIZE, _ROUNDS, _GAIN = 512, 5, 1.3


@cache
def has_fast_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 clearly faster than float32; found by a clock in some 20 ms, once.

    Its flags say only what it knows: of two with AVX512-BF16 and no AMX one took 0.45 of the time (Zen 4), the other
    twice the time (Emerald Rapids).
    """
    return HAS_ONEDNN_BF16 and _knows_bf16() and _gain() > _GAIN


def _knows_bf16() -> bool:
    """Whether it has instructions for it: AVX512-BF16, AMX, or an Arm's."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as told:
            words = told.read(1 << 16).split()
    except OSError:
        return False  # told of no hardware: float32 is never wrong
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(words))


def _gain() -> float:
    """How many times as fast a product of two matrices is in bfloat16, the best of some rounds of each."""
    exact = torch.full((_SIZE, _SIZE), 0.5)
    sides = exact, exact.bfloat16()
    best = [float("inf"), float("inf")]
    with torch.inference_mode():
        for _ in range(_ROUNDS):
            for place, side in enumerate(sides):
                began = time.perf_counter()
                side @ side
                best[place] = min(best[place], time.perf_counter() - began)
    return best[0] / best[1]
