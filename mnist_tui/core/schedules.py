"""How the learning rate moves over a run: a factor that follows from images seen and images planned, and nothing else.

So a live batch size, more epochs, an undo and a resume all agree on it.
"""

from __future__ import annotations

import math

SCHEDULES = ("constant", "cosine", "one-cycle", "step")
WARM_UP = 0.3  # share of a one-cycle run in which the rate rises
FIRST_FACTOR = 1 / 25  # where a one-cycle run begins
LAST_FACTOR = FIRST_FACTOR / 10_000  # and where it ends; both are torch's `OneCycleLR` defaults
DROPS = (0.5, 0.75)  # where `step` divides by ten


def rate_factor(schedule: str, samples: int, planned: int) -> float:
    """What the learning rate is multiplied with after `samples` of `planned` images.

    `cosine` is SGDR's single period (Loshchilov & Hutter 2017), `one-cycle` Smith's with cosine flanks (2018), `step`
    the drops of the residual networks (He et al. 2016) at half and three quarters of the run.
    """
    share = min(1.0, samples / planned) if planned > 0 else 1.0
    match schedule:
        case "cosine":
            return _between(1.0, 0.0, share)
        case "one-cycle" if share < WARM_UP:
            return _between(FIRST_FACTOR, 1.0, share / WARM_UP)
        case "one-cycle":
            return _between(1.0, LAST_FACTOR, (share - WARM_UP) / (1 - WARM_UP))
        case "step":
            return 0.1 ** sum(share >= drop for drop in DROPS)
        case _:
            return 1.0


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine wave from `start` to `end`."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
