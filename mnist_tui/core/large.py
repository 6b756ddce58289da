"""Training splits that are not held in memory: which they are, and the first of their digits to look at."""

from __future__ import annotations

import attrs

from mnist_tui.core import idx
from mnist_tui.core.dataset import DATASETS, Source, Split, check_pair
from mnist_tui.core.idx import PIXELS
from mnist_tui.core.image_file import ImageFile

RESIDENT_LIMIT = 1 << 30
"""Bytes of pixels up to which a training split is held in memory: 1.37 million images.

It is a constant, and does not look at the memory that is free: what is streamed is shuffled otherwise, and a run that
is resumed beside other programs, or on another machine, must see its images in the order it would have seen. Held, the
largest split takes three times as much for a moment while it is put in place.
"""

INSPECTED = 60_000
"""Digits of a larger split that can be looked at: as many as MNIST has, judged in seven seconds on two cores."""


@attrs.frozen(eq=False)
class LargeSplit:
    """Digits whose images stay in their file, with their labels.

    Attributes:
        file: n pictures.
        labels: n uint8, each 0..9.
    """

    file: ImageFile
    labels: bytes = attrs.field(repr=False)

    def __len__(self) -> int:
        """The number of digits."""
        return len(self.labels)

    def part(self, start: int, stop: int) -> Split:
        """Digits `start` … `stop`, read into memory.

        Raises:
            DatasetError: the file is shorter than it was, or cannot be read any more.
        """
        return Split(self.file.read(start, stop), self.labels[start:stop])


def is_large(source: Source, limit: int = RESIDENT_LIMIT) -> bool:
    """Whether the training images of `source` are a plain file of more than `limit` bytes; it is not opened.

    A compressed file can only be read from its beginning, and is held in memory or refused.
    """
    return _images_by_size(source) * PIXELS > limit


def open_large(source: Source, limit: int = RESIDENT_LIMIT) -> LargeSplit | None:
    """The training digits of `source` where they are large: the labels and the header of the images are read.

    Returns:
        None where they are to be held in memory.

    Raises:
        DatasetError: a file is unreadable or damaged, or the two do not belong together.
    """
    if not is_large(source, limit):
        return None
    wide = DATASETS[source.name].wide_labels
    labels = idx.read_qmnist_labels(source.train_labels) if wide else idx.read_labels(source.train_labels)
    file = ImageFile(source.train_images)
    check_pair(source.train_images, len(file), source.train_labels, len(labels))
    return LargeSplit(file, labels)


def read_inspected(source: Source, limit: int = RESIDENT_LIMIT, count: int = INSPECTED) -> Split:
    """The training digits of `source` to look at: all, or of a large split the first `count`.

    Raises:
        DatasetError: a file is unreadable or damaged, or the two do not belong together.
    """
    large = open_large(source, limit)
    if large is None:
        return source.load_train()
    return attrs.evolve(large.part(0, min(count, len(large))), of=len(large))


def with_notice(source: Source, limit: int = RESIDENT_LIMIT) -> Source:
    """`source`, which says so where its training images are not held in memory."""
    if not is_large(source, limit):
        return source
    count = f"{_images_by_size(source):,}".replace(",", " ")
    notice = f"Its {count} training images are read from the disk while they are trained."
    return attrs.evolve(source, notice=f"{source.notice} {notice}".strip())


def _images_by_size(source: Source) -> int:
    """Images in a plain file of the training images, by its size; 0 of a compressed one, or of none."""
    path = source.train_images
    if path.name.endswith(".gz"):
        return 0
    try:
        return path.stat().st_size // PIXELS
    except OSError:
        return 0  # who reads it says why
