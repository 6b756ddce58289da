"""Write a synthetic data set of any size: MNIST's digits, turned, scaled and shifted; the test split is MNIST's own.

`python -m benchmarks.synthetic DIR --images 10000000` writes the four files that `--data-dir DIR` takes, 7.8 GB. Every
training digit is turned and scaled anew four times; an image is one of these at one of 25 places, so that six million
differ.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measure import cores
from mnist_tui.core.dataset import DATASETS, Source, Split, find
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.idx import PIXELS, SIDE
from mnist_tui.engine.augment import as_bytes, augment
from mnist_tui.engine.batches import normalise

TURNS = 4
SHIFT = 2
CHUNK = 65_536
SPARE = 2 << 30
"""Bytes that stay free on the disk."""

Pixels = NDArray[np.uint8]


def write_set(directory: Path, images: int, seed: int = 0) -> Source:
    """Write `images` training images, their labels, and MNIST's test split, as plain IDX files.

    Raises:
        OSError: the disk has no room for them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    needed, free = images * (PIXELS + 1), shutil.disk_usage(directory).free
    if needed + SPARE > free:
        raise OSError(
            f"{images} images take {needed / 1e9:.1f} GB, and {directory} has {free / 1e9:.1f} GB free, of which "
            f"{SPARE / 1e9:.1f} are left alone: name another directory, or fewer --images"
        )
    bundled = find("mnist")
    train, test = bundled.load_train(), bundled.load_test()
    stems = DATASETS["mnist"].stems
    bank, generator = _bank(train, seed), np.random.default_rng(seed)
    labels = np.tile(np.frombuffer(train.labels, np.uint8), TURNS)
    with open(directory / stems[0], "wb") as pixel_file, open(directory / stems[1], "wb") as label_file:
        pixel_file.write(_header(images, SIDE, SIDE))
        label_file.write(_header(images))
        for start in range(0, images, CHUNK):
            count = min(CHUNK, images - start)
            which = generator.integers(len(bank), size=count)
            down, across = generator.integers(2 * SHIFT + 1, size=(2, count))
            pixel_file.write(bank[which, down, across].data)
            label_file.write(labels[which].data)
    (directory / stems[2]).write_bytes(_header(len(test), SIDE, SIDE) + test.images)
    (directory / stems[3]).write_bytes(_header(len(test)) + test.labels)
    return find("mnist", directory)


def _bank(train: Split, seed: int) -> Pixels:
    """All digits at all places: (digits * TURNS, 5, 5, 28, 28), a view."""
    moves = Hyperparameters(seed=seed, rotate=15.0, scale=0.1)
    stored = torch.frombuffer(bytearray(train.images), dtype=torch.uint8).reshape(-1, 1, SIDE, SIDE)
    parts = []
    for turn in range(TURNS):
        for start in range(0, len(stored), 1000):
            seen = turn * len(stored) + start
            parts.append(as_bytes(augment(normalise(stored[start : start + 1000]), moves, seen)))
    turned = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, SIDE, SIDE)
    padded = np.pad(turned, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
    return np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2))


def _header(*sizes: int) -> bytes:
    return bytes([0, 0, 8, len(sizes)]) + b"".join(size.to_bytes(4, "big") for size in sizes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--images", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()
    torch.set_num_threads(cores())
    began = time.perf_counter()
    try:
        source = write_set(flags.directory, flags.images, flags.seed)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    seconds = time.perf_counter() - began
    print(f"{flags.images} images in {source.where}, {flags.images * PIXELS / 1e9:.2f} GB, written in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
