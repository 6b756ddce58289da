"""A file of images too large for memory: opened once, read where images are wanted."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

from mnist_tui.core import idx
from mnist_tui.core.errors import DatasetError
from mnist_tui.core.idx import PIXELS


class ImageFile:
    """The images of a plain IDX3 file; any thread may read, at any place.

    It is read with `pread` into memory of the caller's, and not mapped: of a mapping every page read counts as the
    process's own memory until the kernel takes it back, and a file that is cut while it is mapped ends the process with
    SIGBUS, where a read that comes up short can be told in a sentence.

    Raises:
        DatasetError: the file cannot be read, is damaged, or its size is not what its header promises.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._count, self._start = idx.images_extent(path)
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._refusal(error) from error
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        """The number of images."""
        return self._count

    def read_into(self, pixels: memoryview, first: int) -> None:
        """Fill `pixels`, k * 784 uint8, with the images from `first` on; the GIL is released while the disk works.

        Raises:
            DatasetError: the file is shorter than it was, or cannot be read any more.
        """
        at = self._start + first * PIXELS
        while len(pixels):
            try:
                count = os.preadv(self._file, [pixels], at)
            except OSError as error:
                raise self._refusal(error) from error
            if count == 0:
                left = max(0, os.fstat(self._file).st_size - self._start) // PIXELS
                raise DatasetError(
                    f"{self.path} holds {left} of the {self._count} images it had: it was cut while it was being read; "
                    "put the whole file back in its place."
                )
            pixels, at = pixels[count:], at + count

    def read(self, start: int, stop: int) -> bytes:
        """Images `start` … `stop`, 784 uint8 each.

        Raises:
            DatasetError: as for `read_into`.
        """
        pixels = bytearray((stop - start) * PIXELS)
        self.read_into(memoryview(pixels), start)
        return bytes(pixels)

    def _refusal(self, error: OSError) -> DatasetError:
        return DatasetError(
            f"{self.path} cannot be read ({error.strerror or error}); look after the disk, or put a whole copy in its "
            "place."
        )
