"""A training split that stays on the disk, behind the same door as one that is resident."""

from __future__ import annotations

import torch
from torch import Tensor

from mnist_tui.core.dataset import Split
from mnist_tui.core.errors import DatasetError
from mnist_tui.core.idx import PIXELS
from mnist_tui.core.large import RESIDENT_LIMIT, LargeSplit
from mnist_tui.engine.batches import Batches, normalise
from mnist_tui.engine.network import SIDE
from mnist_tui.engine.shuffle import BLOCK, GROUP, BlockShuffle
from mnist_tui.engine.window import Window


def put_on(
    split: Split | LargeSplit, device: torch.device, start: int, stop: int, limit: int = RESIDENT_LIMIT
) -> Batches:
    """Digits `start` … `stop` on `device`: streamed where they are more than `limit` bytes of a file.

    Raises:
        DatasetError: the file is shorter than it was, or cannot be read any more.
    """
    if isinstance(split, Split):
        return Batches(split, device, start, stop)
    if (stop - start) * PIXELS > limit:
        return StreamedBatches(split, device, start, stop)
    return Batches(split.part(start, stop), device)


class StreamedBatches(Batches):
    """Digits `start` … `stop` of a split whose images stay in their file.

    `images` and `labels` are a window of two groups of blocks (see `BlockShuffle`), and a slice of an `order` says
    where in it the images lie that come next: the step that gathers them is that of a resident split, at the same
    speed. Such indices hold until the next slice is taken. While a group is trained on, a thread reads the next one:
    never more than two are in memory.

    Args:
        split: the labels, and the file of the images.
        device: where the window lies.
        start: the first digit.
        stop: the one after the last; None: of all.
        block: images that are read in one go.
        group: blocks that are shuffled among each other. No batch may have more than `block * (group - 2)` images.
    """

    def __init__(
        self,
        split: LargeSplit,
        device: torch.device,
        start: int = 0,
        stop: int | None = None,
        *,
        block: int = BLOCK,
        group: int = GROUP,
    ) -> None:
        self.device = device
        self._split = split
        self._start = start
        self._size = (len(split) if stop is None else stop) - start
        self._block, self._group = block, group
        self._window = Window(split, start, min(block * group, self._size), device)
        self.images = self._window.images
        self.labels = self._window.labels

    def __len__(self) -> int:
        return self._size

    def order(self, seed: int, epoch: int) -> StreamedOrder:
        """The order of an epoch; another may be asked for at any time, which costs the reading of a group."""
        return StreamedOrder(self._window, BlockShuffle(seed, epoch, self._size, self._block, self._group))

    def slice(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Input and labels of a contiguous range, read from the file.

        Raises:
            DatasetError: the file is shorter than it was, or cannot be read any more.
        """
        first, last = self._start + start, self._start + min(stop, self._size)
        pixels, classes = bytearray((last - first) * PIXELS), bytearray(self._split.labels[first:last])
        self._split.file.read_into(memoryview(pixels), first)
        images = torch.frombuffer(pixels, dtype=torch.uint8).reshape(-1, 1, SIDE, SIDE)
        labels = torch.frombuffer(classes, dtype=torch.uint8).long()
        return normalise(images.to(self.device)), labels.to(self.device)


class StreamedOrder:
    """The order of an epoch; made by `StreamedBatches.order`."""

    def __init__(self, window: Window, shuffle: BlockShuffle) -> None:
        self._window = window
        self._shuffle = shuffle

    def __len__(self) -> int:
        return len(self._shuffle)

    def __getitem__(self, places: slice) -> Tensor:
        """Where in the window the images at `places` of the epoch lie: (b,) int64 on the device.

        Where the disk does not keep up, it is waited for.

        Raises:
            DatasetError: the file is shorter than it was, or cannot be read any more.
            ValueError: the places are not contiguous, or too many for the window.
        """
        start, stop, step = places.indices(len(self))
        if step != 1:
            raise ValueError(f"a streamed order has no step of {step}")
        if start >= stop:
            return torch.empty(0, dtype=torch.int64, device=self._window.images.device)
        try:
            return self._rows(start, stop)
        except DatasetError:
            self._window.forget()
            raise

    def _rows(self, start: int, stop: int) -> Tensor:
        window, shuffle = self._window, self._shuffle
        number, last = shuffle.group_at(start), shuffle.group_at(stop - 1)
        first = shuffle.firsts[number]
        here = window.hold(shuffle, number)
        rows = here.wait()
        if last == number:
            if number + 1 < len(shuffle.groups):
                window.hold(shuffle, number + 1, beside=here)
            else:
                window.hold(shuffle.next_epoch, 0, beside=here)
            return rows[start - first : stop - first]
        if last > number + 1:
            raise ValueError(f"{stop - start} images are too many for a window with groups of {len(rows)}")
        following = window.hold(shuffle, last, beside=here).wait()
        return torch.cat([rows[start - first :], following[: stop - shuffle.firsts[last]]])
