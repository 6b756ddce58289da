"""The processes that train together, and how they talk: short commands of rank 0, tensors that all add up.

All of it goes through one process group, so the order of what is said is the order of what is done. Tensors on the CPU
travel by gloo, gradients on a GPU by NCCL.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from enum import IntEnum
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from mnist_tui.core.errors import TeamBroken, UserError, is_out_of_memory
from mnist_tui.core.launch import Launch

JOIN_LIMIT = timedelta(hours=1)  # rank 0 may have to download a data set first
PATIENCE = timedelta(days=60)  # a paused run waits as long as it takes; one that is lost is told by its connection
WORDS = 6
LEAVE_SECONDS = 2.0  # within which every rank that still lives has noticed that another does not


class RankLost(TeamBroken):
    """Another process of the team is gone, or could not go on."""


class RankFailed(TeamBroken):
    """This process cannot go on."""


class Word(IntEnum):
    """What rank 0 tells the others to do.

    `BEGIN`, `SETTINGS` and `STATE` are followed by as many bytes as their first argument says.
    """

    BEGIN = 1
    SETTINGS = 2
    STATE = 3
    TRAIN = 4
    ADD_UP = 5
    COMPARE = 6
    END = 7


class Team:
    """This process's place among those that train together, and its line to them.

    Attributes:
        rank: its number; 0 leads.
        world_size: how many there are.
    """

    def __init__(self, launch: Launch, store: Any) -> None:
        self.rank = launch.rank
        self.world_size = launch.world_size
        self._store = store  # torchrun's; it outlives every rank

    @classmethod
    def join(cls, launch: Launch, device: torch.device) -> Team:
        """Wait for all to be there, and connect.

        Raises:
            UserError: they did not come, or cannot reach each other.
        """
        if device.type == "cuda":
            torch.cuda.set_device(device)
        try:
            store, _, _ = next(rendezvous("env://", launch.rank, launch.world_size, timeout=JOIN_LIMIT))
            store.set(f"mnist-tui/here/{launch.rank}", "")
            store.wait([f"mnist-tui/here/{rank}" for rank in range(launch.world_size)], JOIN_LIMIT)
            backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
            dist.init_process_group(
                backend, store=store, rank=launch.rank, world_size=launch.world_size, timeout=PATIENCE
            )
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"the {launch.world_size} processes of torchrun did not come together: {reason}") from None
        return cls(launch, store)

    def share(self, count: int, *, whole: bool = False) -> slice:
        """This rank's part of a batch of `count` images: contiguous, the first ranks' longer by one where it is uneven.

        Args:
            count: images of the batch.
            whole: rank 0 takes all of it.
        """
        if whole:
            return slice(0, count if self.rank == 0 else 0)
        size, more = divmod(count, self.world_size)
        first = self.rank * size + min(self.rank, more)
        return slice(first, first + size + (self.rank < more))

    # --- rank 0 speaks, the others listen

    def tell(self, word: Word, *arguments: int) -> None:
        """Have the others do something; the arguments are whole numbers below 2^63."""
        message = torch.zeros(WORDS, dtype=torch.int64)
        message[: 1 + len(arguments)] = torch.tensor([word, *arguments])
        with self.watch():
            dist.broadcast(message, 0)

    def send(self, word: Word, content: bytes) -> None:
        """As `tell`, with bytes behind it."""
        self.tell(word, len(content))
        with self.watch():
            dist.broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8), 0)

    def listen(self) -> tuple[Word, list[int]]:
        """The next command of rank 0, however long it takes."""
        message = torch.zeros(WORDS, dtype=torch.int64)
        with self.watch():
            dist.broadcast(message, 0)
        word, *arguments = message.tolist()
        return Word(word), arguments

    def receive(self, size: int) -> bytes:
        """The `size` bytes behind a command."""
        content = torch.empty(size, dtype=torch.uint8)
        with self.watch():
            dist.broadcast(content, 0)
        return content.numpy().tobytes()

    # --- all together

    def add(self, numbers: Tensor) -> Tensor:
        """`numbers`, on the CPU, summed over all ranks, in place."""
        with self.watch():
            dist.all_reduce(numbers)
        return numbers

    def agree(self, numbers: Tensor) -> bool:
        """Whether all ranks have the same `numbers` (n,) int64 on the CPU."""
        ends = torch.stack([numbers, -numbers])
        with self.watch():
            dist.all_reduce(ends, dist.ReduceOp.MAX)
        return torch.equal(ends[0], -ends[1])

    def wait_for_all(self) -> None:
        """Go on when all have come here."""
        self.add(torch.zeros(1))

    # --- when one is gone

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Around what all ranks do together.

        Raises:
            RankLost: another is gone.
            RankFailed: this one has no memory left.
        """
        try:
            yield
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise RankFailed(
                    f"the share of a batch of rank {self.rank} does not fit into its memory (make --batch-size smaller)"
                ) from None
            if not _is_about_connection(error):
                raise
            raise RankLost(self._who_is_lost()) from error

    def leave(self, reason: str = "") -> None:
        """Tell rank 0 that this one goes, since another is lost, or for a `reason` of its own."""
        with contextlib.suppress(RuntimeError):  # the store may be gone with torchrun
            self._store.set(f"mnist-tui/{'fault' if reason else 'left'}/{self.rank}", reason)

    def _who_is_lost(self) -> str:
        others = set(range(self.world_size)) - {self.rank}
        if self.rank:
            return "another rank was lost"
        missing = others
        deadline = time.monotonic() + LEAVE_SECONDS
        try:
            while time.monotonic() < deadline:
                for rank in sorted(others):
                    if self._store.check([fault := f"mnist-tui/fault/{rank}"]):
                        return str(self._store.get(fault), "utf-8", "replace")
                missing = {rank for rank in others if not self._store.check([f"mnist-tui/left/{rank}"])}
                if len(missing) <= 1:
                    break
                time.sleep(0.05)
        except RuntimeError:  # the store is gone with torchrun
            return "another rank was lost"
        if not missing:
            return "the connection between the ranks was lost"
        names = " and ".join(map(str, sorted(missing)))
        return f"rank {names} was lost" if len(missing) == 1 else f"ranks {names} were lost"


def _is_about_connection(error: RuntimeError) -> bool:
    """Whether a collective failed, and not what it was called from; gloo raises a plain RuntimeError."""
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(word in text for word in ("gloo", "nccl", "connection"))
