"""Which of how many processes this one is, as `torchrun` says in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

import attrs

from mnist_tui.core.errors import UsageError


@attrs.frozen
class Launch:
    """One of the processes that train together.

    Attributes:
        rank: its number, from 0, among all; 0 leads.
        world_size: how many there are, at least 2.
        local_rank: its number among those of this machine.
        local_world_size: how many there are on this machine.
    """

    rank: int
    world_size: int
    local_rank: int
    local_world_size: int

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes, prints, and is steered."""
        return self.rank == 0


def find_launch(environment: Mapping[str, str] = os.environ) -> Launch | None:
    """The place of this process among those `torchrun` started; None where it started one alone, or none.

    Raises:
        UsageError: the variables are there and make no sense.
    """
    if any(name not in environment for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR")):
        return None
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
    words = [environment.get(name, environment["WORLD_SIZE"]) for name in names]
    for name, word in zip(names, words, strict=True):
        if not (word.isascii() and word.isdecimal()):
            raise UsageError(f"{name}={word[:40]!r} in the environment is no whole number: start with torchrun")
    launch = Launch(*map(int, words))
    if launch.rank >= launch.world_size or launch.local_rank >= launch.local_world_size:
        raise UsageError(
            f"the environment says rank {launch.rank} of {launch.world_size} processes, and {launch.local_rank} of "
            f"{launch.local_world_size} on this machine: start with torchrun, which counts from 0"
        )
    return launch if launch.world_size > 1 else None


def is_follower() -> bool:
    """Whether another process leads this one: it prints nothing and writes no file."""
    return "RANK" in os.environ and (launch := find_launch()) is not None and not launch.leads


def refuse_screen() -> None:
    """Make sure that a screen may be drawn.

    Raises:
        UsageError: torchrun started several processes.
    """
    launch = find_launch() if "RANK" in os.environ else None
    if launch is not None:
        raise UsageError(
            f"torchrun started {launch.world_size} processes, and a screen is drawn by one: use `mnist-tui train` "
            "under torchrun, and `mnist-tui watch` in a terminal of its own"
        )
