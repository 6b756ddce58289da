"""Two groups of a split on the device: one being trained on, the next being read from the disk by a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from mnist_tui.core.idx import PIXELS
from mnist_tui.core.large import LargeSplit
from mnist_tui.engine.network import SIDE
from mnist_tui.engine.shuffle import BlockShuffle

HALVES = 2


class Filling:
    """Half of a window with the group of `key`, or on the way there: a thread of its own does `work`.

    Args:
        key: the group.
        rows: what `wait` returns.
        work: ends early where what it is given returns true.
    """

    def __init__(self, key: tuple[int, int, int], rows: Tensor, work: Callable[[Callable[[], bool]], None]) -> None:
        self.key = key
        self._rows = rows
        self._work = work
        self._given_up = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="reader", daemon=True)
        self._thread.start()

    def wait(self) -> Tensor:
        """The rows, once all of the group is there.

        Raises:
            DatasetError: it cannot be read.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._rows

    def give_up(self) -> None:
        """End the thread, after the block it is reading."""
        self._given_up.set()
        self._thread.join()

    def _main(self) -> None:
        try:
            self._work(self._given_up.is_set)
        except BaseException as error:  # nothing may vanish in a thread: who waits is told
            self._error = error


class Window:
    """`images` (2 n, 1, 28, 28) uint8 and `labels` (2 n,) int64 of two groups of at most n = `room` images.

    All memory is taken here, once; on a GPU a third group's is pinned on the host, for the copy. No operation of torch
    that would run in several threads is used by the reader: each new thread would raise a team of its own for it.

    Args:
        split: what the groups are of.
        start: the first digit of it that counts; blocks count from there.
        room: the most images a group has.
        device: where the window lies.
    """

    def __init__(self, split: LargeSplit, start: int, room: int, device: torch.device) -> None:
        self._split = split
        self._start = start
        self._room = room
        self._device = device
        self.images = torch.empty(HALVES * room, 1, SIDE, SIDE, dtype=torch.uint8, device=device)
        self.labels = torch.empty(HALVES * room, dtype=torch.int64, device=device)
        self._rows = torch.empty(HALVES * room, dtype=torch.int64, device=device)
        self._all_labels = np.frombuffer(split.labels, dtype=np.uint8)[start:]
        self._halves: list[Filling | None] = [None] * HALVES
        self._host: tuple[Tensor, Tensor, Tensor] | None = None
        self._stream: torch.cuda.Stream | None = None
        if device.type != "cpu":
            pin = device.type == "cuda"
            self._host = (
                torch.empty(room, 1, SIDE, SIDE, dtype=torch.uint8, pin_memory=pin),
                torch.empty(room, dtype=torch.int64, pin_memory=pin),
                torch.empty(room, dtype=torch.int64, pin_memory=pin),
            )
            self._stream = torch.cuda.Stream(device) if pin else None  # type: ignore[no-untyped-call]

    def hold(self, shuffle: BlockShuffle, number: int, beside: Filling | None = None) -> Filling:
        """Have a group here, or on its way; it takes the place of another than `beside`, which must be all here.

        What was being read instead is given up, so that there is never more than one reader.
        """
        key = shuffle.key(number)
        for filling in self._halves:
            if filling is not None and filling.key == key:
                return filling
        half = 1 if beside is not None and self._halves[0] is beside else 0
        for filling in self._halves:
            if filling is not None and filling is not beside:
                filling.give_up()
        self._halves = [filling if filling is beside else None for filling in self._halves]
        released = torch.cuda.current_stream(self._device).record_event() if self._stream is not None else None
        base, count = half * self._room, shuffle.firsts[number + 1] - shuffle.firsts[number]
        here = slice(base, base + count)
        window = (self.images[here], self.labels[here], self._rows[here])
        host = window if self._host is None else tuple(part[:count] for part in self._host)

        def work(given_up: Callable[[], bool]) -> None:
            images, labels, rows = host
            if self._read(shuffle.groups[number], images, labels, given_up):
                np.add(shuffle.shuffled(number).numpy(), base, out=rows.numpy())
                if host is not window:
                    self._copy(host, window, released)

        filled = self._halves[half] = Filling(key, window[2], work)
        return filled

    def forget(self) -> None:
        """Hold nothing: what could not be read is tried again when it is wanted again."""
        for filling in self._halves:
            if filling is not None:
                filling.give_up()
        self._halves = [None] * HALVES

    def _read(
        self, blocks: Sequence[tuple[int, int]], images: Tensor, labels: Tensor, given_up: Callable[[], bool]
    ) -> bool:
        """Fill `images` and `labels`, on the host, with some blocks; false where that was given up."""
        pixels, classes = images.numpy().data.cast("B"), labels.numpy()
        at = 0
        for first, last in blocks:
            if given_up():
                return False
            after = at + last - first
            self._split.file.read_into(pixels[at * PIXELS : after * PIXELS], self._start + first)
            classes[at:after] = self._all_labels[first:last]
            at = after
        return True

    def _copy(self, host: tuple[Tensor, ...], window: tuple[Tensor, ...], released: torch.cuda.Event | None) -> None:
        """To the device, beside what it computes, but not before it has `released` that half of the window."""
        if self._stream is None:
            for there, here in zip(window, host, strict=True):
                there.copy_(here)
            return
        with torch.cuda.stream(self._stream):
            assert released is not None
            self._stream.wait_event(released)
            for there, here in zip(window, host, strict=True):
                there.copy_(here, non_blocking=True)
        self._stream.synchronize()
