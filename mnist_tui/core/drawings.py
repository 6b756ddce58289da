"""A small set of digits of your own: two IDX files, as MNIST's own, so that other tools read them.

A picture is written before its label and taken away after it: whatever cuts that off, at most the last picture has no
label, and is then not counted.
"""

from __future__ import annotations

import os
from pathlib import Path

from mnist_tui.core.dataset import Split
from mnist_tui.core.errors import DatasetError
from mnist_tui.core.files import write_atomically
from mnist_tui.core.idx import CLASSES, PIXELS, SIDE, read_images, read_labels

IMAGES, LABELS = "drawings-images-idx3-ubyte", "drawings-labels-idx1-ubyte"


def drawings_dir() -> Path:
    """$MNIST_TUI_DRAWINGS, or else a folder among the user's data."""
    value = os.environ.get("MNIST_TUI_DRAWINGS", "")
    if value:
        return Path(os.path.expanduser(value))
    import platformdirs

    return platformdirs.user_data_path("mnist-tui", appauthor=False) / "drawings"


def read_drawings(folder: Path | None = None) -> Split:
    """The digits that were kept, the oldest first; none where there is no file.

    Raises:
        DatasetError: a file is damaged, or is something else.
    """
    folder = folder or drawings_dir()
    images_path, labels_path = folder / IMAGES, folder / LABELS
    if not labels_path.exists():  # a picture alone was cut off before its label
        if images_path.exists() and len(read_images(images_path)) > PIXELS:
            raise DatasetError(f"{labels_path} is gone: put it back beside {images_path.name}, or move that away.")
        return Split(b"", b"")
    labels = read_labels(labels_path)
    images = read_images(images_path)
    if len(images) // PIXELS not in {len(labels), len(labels) + 1}:
        raise DatasetError(
            f"{images_path} holds {len(images) // PIXELS} images but {labels_path.name} {len(labels)} labels, "
            "expected as many: put the two files that belong together in their place, or move them away."
        )
    return Split(images[: PIXELS * len(labels)], labels)


def keep_drawing(pixels: bytes, label: int, folder: Path | None = None) -> Split:
    """Add a picture of 784 bytes, a digit `label` of 0..9; returns all.

    Raises:
        DatasetError: what is there is damaged, or nothing can be written; the files are then as they were.
        ValueError: that is no picture, or no label.
    """
    if len(pixels) != PIXELS or not 0 <= label < CLASSES:
        raise ValueError(f"{len(pixels)} bytes with label {label}")
    folder = folder or drawings_dir()
    there = read_drawings(folder)
    grown = Split(there.images + pixels, there.labels + bytes([label]))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / IMAGES, _images(grown))
        write_atomically(folder / LABELS, _labels(grown))
    except OSError as error:
        raise DatasetError(f"{folder} takes no drawing ({error.strerror or error}): make room or allow it.") from error
    return grown


def drop_last_drawing(folder: Path | None = None) -> Split:
    """Take the last picture away; returns what is left.

    Raises:
        DatasetError: what is there is damaged, or cannot be written.
    """
    folder = folder or drawings_dir()
    there = read_drawings(folder)
    left = Split(there.images[:-PIXELS], there.labels[:-1])
    try:
        if len(left):
            write_atomically(folder / LABELS, _labels(left))
            write_atomically(folder / IMAGES, _images(left))
        else:
            for name in (LABELS, IMAGES):
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise DatasetError(f"{folder} cannot be changed ({error.strerror or error}): allow it.") from error
    return left


def _images(digits: Split) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in (len(digits), SIDE, SIDE))
    return bytes([0, 0, 8, 3]) + sizes + digits.images


def _labels(digits: Split) -> bytes:
    return bytes([0, 0, 8, 1]) + len(digits).to_bytes(4, "big") + digits.labels
