"""Small data files for tests: IDX sets cut from the bundled MNIST, and builders for files of any shape."""

import functools
import gzip
import math
import random
from collections.abc import Sequence
from pathlib import Path

from mnist_tui.core.dataset import DATASETS, Split, find

UINT8, INT32, FLOAT = 8, 12, 13


def idx_bytes(dims: Sequence[int], numbers: bytes | None = None, dtype: int = UINT8) -> bytes:
    """An IDX file: header for `dims`, then `numbers` (by default zeros, one byte each)."""
    header = bytes([0, 0, dtype, len(dims)]) + b"".join(dim.to_bytes(4, "big") for dim in dims)
    return header + (bytes(math.prod(dims)) if numbers is None else numbers)


def images_bytes(images: bytes, side: int = 28) -> bytes:
    """An IDX3 file of the pictures, `side * side` uint8 each."""
    return idx_bytes((len(images) // (side * side), side, side), images)


def labels_bytes(labels: bytes) -> bytes:
    """An IDX1 file of the labels."""
    return idx_bytes((len(labels),), labels)


def qmnist_labels_bytes(labels: Sequence[int]) -> bytes:
    """A QMNIST label file: rows of eight int32, the label first, the row's number last."""
    rows = (label.to_bytes(4, "big", signed=True) + bytes(24) + i.to_bytes(4, "big") for i, label in enumerate(labels))
    return idx_bytes((len(labels), 8), b"".join(rows), INT32)


def cut(count: int, start: int = 0, seed: int = 0) -> Split:
    """`count` real digits: the `seed`-th shuffle of the bundled test split, from `start` on."""
    everything = _bundled_test()
    order = random.Random(seed).sample(range(len(everything)), start + count)[start:]
    return Split(b"".join(everything.digit(i) for i in order), bytes(everything.labels[i] for i in order))


def write_idx(
    directory: Path, train: int = 200, test: int = 100, gz: bool = False, names: str = "mnist", seed: int = 0
) -> tuple[Path, Path, Path, Path]:
    """Write a small valid set of real digits; train and test have none in common.

    Args:
        directory: the files go directly in here; made if need be.
        train: number of training digits; with `test` at most 10 000.
        test: number of test digits.
        gz: write `.gz` files.
        names: the data set whose file names (and label format) to use.
        seed: which digits, in which order.

    Returns:
        The paths of train images, train labels, test images, test labels.
    """
    info = DATASETS[names]
    contents = []
    for split in (cut(train, 0, seed), cut(test, train, seed)):
        labels = qmnist_labels_bytes(split.labels) if info.wide_labels else labels_bytes(split.labels)
        contents += [images_bytes(split.images), labels]
    directory.mkdir(parents=True, exist_ok=True)
    first, second, third, fourth = (
        write(directory / stem, content, gz) for stem, content in zip(info.stems, contents, strict=True)
    )
    return first, second, third, fourth


def write(path: Path, content: bytes, gz: bool = False) -> Path:
    """Write one file, compressed under the name with `.gz` if so wished."""
    path = path.with_name(path.name + ".gz") if gz else path
    path.write_bytes(gzip.compress(content, 1, mtime=0) if gz else content)
    return path


@functools.cache
def _bundled_test() -> Split:
    return find("mnist").load_test()
