"""Reading IDX files, the format of the MNIST family: every fault of a file becomes one sentence.

An IDX file is two zero bytes, a byte for the number type, a byte for the number of dimensions, one
big-endian 32-bit size per dimension, then the numbers row by row. The readers below take the file raw or,
when its name ends in `.gz`, compressed; they hold at most what the header promises.
"""

import io
import math
import os
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeVar, cast

import attrs

from mnist_tui.core.errors import DatasetError

SIDE = 28
"""Rows and columns of a digit."""

PIXELS = SIDE * SIDE
"""Bytes of a digit."""

CLASSES = 10
"""Labels run from 0 to one less than this."""

MAX_DIGITS = 2_000_000
"""Files of more bytes than so many digits have (1.5 GB) are not read whole: the header is damaged, or they do not fit
in memory."""

_AT_A_STROKE = 64 << 20
"""Bytes of a gzip file that is inflated whole."""

_GZIP_FORMAT = 31  # zlib's number for its longest window, and the header and checksum of gzip
_PIECE = 1 << 16  # beyond 128 KB malloc maps fresh pages for each
_TYPES = {8: (1, "unsigned bytes"), 9: (1, "signed bytes"), 11: (2, "16-bit integers")}
_TYPES |= {12: (4, "32-bit integers"), 13: (4, "floats"), 14: (8, "doubles")}
_GZIP_MAGIC = b"\x1f\x8b"
_ADVICE = "put a whole copy in its place"

T = TypeVar("T")


@attrs.frozen(repr=False, eq=False)
class _Kind:
    """What a file should hold: numbers of type `dtype`, `tail` of them for each digit."""

    noun: str
    dtype: int
    tail: tuple[int, ...]

    @property
    def magic(self) -> bytes:
        return bytes([0, 0, self.dtype, 1 + len(self.tail)])

    @property
    def shape(self) -> str:
        return " x ".join(map(str, ("n", *self.tail)))

    @property
    def row(self) -> int:
        """Bytes of one digit's numbers."""
        return math.prod(self.tail) * _TYPES[self.dtype][0]

    @property
    def most(self) -> int:
        """Digits whose numbers are read whole."""
        return MAX_DIGITS * PIXELS // self.row


_IMAGES = _Kind("images", 8, (SIDE, SIDE))
_LABELS = _Kind("labels", 8, ())
_QMNIST_LABELS = _Kind("labels", 12, (8,))


def read_images(path: Path) -> bytes:
    """Read the digits of an IDX3 file.

    Args:
        path: the file; gzip-compressed if its name ends in `.gz`.

    Returns:
        n * 784 uint8: n pictures of 28 x 28, row-major, 0 the background.

    Raises:
        DatasetError: the file cannot be read, is damaged, or holds anything else than n >= 1 such pictures.
    """
    return _read(path, _IMAGES, _parse)


def images_extent(path: Path) -> tuple[int, int]:
    """How many digits a plain IDX3 file holds, and at which byte the first one begins; no pixel is read.

    Raises:
        DatasetError: as for `read_images`; the size of the file is compared with what the header promises.
    """
    return _read(path, _IMAGES, _measure)


def read_labels(path: Path) -> bytes:
    """Read the labels of an IDX1 file.

    Args:
        path: the file; gzip-compressed if its name ends in `.gz`.

    Returns:
        n uint8, each 0..9.

    Raises:
        DatasetError: the file cannot be read, is damaged, or holds anything else than n >= 1 labels of 0..9.
    """
    labels = _read(path, _LABELS, _parse)
    wrong = labels.translate(None, bytes(range(CLASSES)))
    if wrong:
        _refuse_label(path, labels.index(wrong[0]), wrong[0])
    return labels


def read_qmnist_labels(path: Path) -> bytes:
    """Read the classes from a QMNIST label file: IDX2, n rows of 8 big-endian int32, the class in column 0.

    Args:
        path: the file; gzip-compressed if its name ends in `.gz`.

    Returns:
        n uint8, each 0..9.

    Raises:
        DatasetError: the file cannot be read, is damaged, or holds anything else than n >= 1 such rows with a
            class of 0..9.
    """
    table = _read(path, _QMNIST_LABELS, _parse)
    labels = table[3::32]
    wrong = labels.translate(None, bytes(range(CLASSES)))
    if wrong or any(table[0::32]) or any(table[1::32]) or any(table[2::32]):
        column = [int.from_bytes(table[at : at + 4], "big", signed=True) for at in range(0, len(table), 32)]
        index = next(i for i, value in enumerate(column) if not 0 <= value < CLASSES)
        _refuse_label(path, index, column[index])
    return labels


def _refuse_label(path: Path, index: int, value: int) -> NoReturn:
    raise DatasetError(
        f"{path}: label {index} is {value}, expected 0 to {CLASSES - 1}; correct the labels or {_ADVICE}."
    )


def _read(path: Path, kind: _Kind, parse: Callable[[Path, BinaryIO, _Kind], T]) -> T:
    """What `parse` makes of the file."""
    import gzip  # not before the first frame

    compressed = path.name.endswith(".gz")
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise DatasetError(f"{path} is a directory, expected a file of {kind.noun}; move it away.")
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            raise DatasetError(f"{path} is not a regular file, expected a file of {kind.noun}; move it away.")
        with open(path, "rb") as file:
            _check_start(path, file.read(4096), compressed)
            file.seek(0)
            if not compressed:
                return parse(path, file, kind)
            with _inflated(file, kind) or gzip.open(file) as inflated:
                return parse(path, cast(BinaryIO, inflated), kind)
    except EOFError as error:
        raise DatasetError(f"{path} is a truncated gzip file: its end is missing; {_ADVICE}.") from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise DatasetError(f"{path} is a damaged gzip file ({error}); {_ADVICE}.") from error
    except FileNotFoundError as error:
        raise DatasetError(f"{path} is not there any more; {_ADVICE}.") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DatasetError(f"{path} cannot be read ({cause}); allow reading it or {_ADVICE}.") from error


def _inflated(file: BinaryIO, kind: _Kind) -> BinaryIO | None:
    """A gzip file inflated at a stroke; None, and nothing was read, where it is not a single whole piece of that kind.

    zlib needs no GIL for it. Python's reader (3.11) gives it away and wants it back 2000 times, whoever has it then:
    beside the import of torch that took 2.5 s.
    """
    if os.fstat(file.fileno()).st_size > _AT_A_STROKE:
        return None
    packed = file.read()
    file.seek(0)
    inflater = zlib.decompressobj(_GZIP_FORMAT)
    try:
        start = zlib.decompressobj(_GZIP_FORMAT).decompress(packed[:4096], 8)
        count = int.from_bytes(start[4:], "big")
        if start[:4] != kind.magic or count > kind.most:
            return None
        promised = 8 + 4 * len(kind.tail) + kind.row * count
        content = inflater.decompress(packed, promised + 1)  # one more, by which a longer one is known
    except zlib.error:
        return None
    return io.BytesIO(content) if inflater.eof and not inflater.unused_data else None


def _check_start(path: Path, start: bytes, compressed: bool) -> None:
    if not start:
        raise DatasetError(f"{path} is empty; {_ADVICE}.")
    _check_web_page(path, start)
    if compressed and not start.startswith(_GZIP_MAGIC):
        raise DatasetError(
            f"{path} is not gzip data though its name says so: it starts with {_hex(start[:2])}, "
            f"expected {_hex(_GZIP_MAGIC)}; rename it or {_ADVICE}."
        )
    if not compressed and start.startswith(_GZIP_MAGIC):
        raise DatasetError(f"{path} is gzip data though its name does not say so; rename it to {path.name}.gz.")


def _check_web_page(path: Path, start: bytes) -> None:
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        raise DatasetError(f"{path} is a web page, not data; download the file itself.")


def _parse(path: Path, stream: BinaryIO, kind: _Kind) -> bytes:
    """The numbers of the file as they lie in it, without the header."""
    count, start = _read_header(path, stream, kind)
    if count > kind.most:
        unpack = "unpack it, for a plain file need not fit in memory, or " if path.name.endswith(".gz") else ""
        raise DatasetError(f"{path} claims {count} {kind.noun}, expected at most {kind.most}; {unpack}{_ADVICE}.")
    size = count * kind.row
    numbers = _take(stream, size)
    if len(numbers) < size:
        _refuse_truncated(path, start + len(numbers), start + size)
    if stream.read(1):  # at the end of gzip data this reads the checksum, too
        _refuse_longer(path, start + size)
    return numbers


def _measure(path: Path, stream: BinaryIO, kind: _Kind) -> tuple[int, int]:
    """The number of digits, and where the first one begins."""
    count, start = _read_header(path, stream, kind)
    size, promised = os.fstat(stream.fileno()).st_size, start + count * kind.row
    if size < promised:
        _refuse_truncated(path, size, promised)
    if size > promised:
        _refuse_longer(path, promised)
    return count, start


def _read_header(path: Path, stream: BinaryIO, kind: _Kind) -> tuple[int, int]:
    """The number of digits that the header promises, and its own size."""
    header = _take(stream, 4)
    if header:
        _check_web_page(path, header)
    if len(header) == 4:
        _check_magic(path, header, kind)
    header_size = 8 + 4 * len(kind.tail)
    header += _take(stream, header_size - len(header))
    if len(header) < header_size:
        raise DatasetError(f"{path} is truncated: {len(header)} of the {header_size} bytes of its header; {_ADVICE}.")
    count, *tail = (int.from_bytes(header[at : at + 4], "big") for at in range(4, header_size, 4))
    if tuple(tail) != kind.tail:
        found = " x ".join(map(str, ("n", *tail)))
        raise DatasetError(f"{path} holds {kind.noun} of {found}, expected {kind.shape}; {_ADVICE}.")
    if count == 0:
        raise DatasetError(f"{path} holds no {kind.noun}, expected at least one; {_ADVICE}.")
    return count, header_size


def _refuse_truncated(path: Path, size: int, promised: int) -> NoReturn:
    raise DatasetError(f"{path} is truncated: {size} of {promised} bytes; {_ADVICE}.")


def _refuse_longer(path: Path, promised: int) -> NoReturn:
    raise DatasetError(f"{path} goes on after the {promised} bytes its header promises; {_ADVICE}.")


def _check_magic(path: Path, magic: bytes, kind: _Kind) -> None:
    if magic == kind.magic:
        return
    expected = f"expected {_hex(kind.magic)} for {kind.noun}"
    if magic[:2] != b"\0\0" or magic[2] not in _TYPES or magic[3] == 0:
        raise DatasetError(f"{path} is not an IDX file: it starts with {_hex(magic)}, {expected}; {_ADVICE}.")
    if magic[2] != kind.dtype:
        found, wanted = _TYPES[magic[2]][1], _TYPES[kind.dtype][1]
        raise DatasetError(f"{path} holds {found}, expected {wanted} for {kind.noun}; {_ADVICE}.")
    raise DatasetError(
        f"{path} has {magic[3]} dimension(s), expected {kind.magic[3]} for {kind.noun}; are images and labels swapped?"
    )


def _take(stream: BinaryIO, size: int) -> bytes:
    """Up to `size` bytes, in bounded pieces: memory grows with what is there, not with what is claimed."""
    if isinstance(stream, io.BytesIO):  # it is all there, and pieces would hold it once more
        return stream.read(size)
    pieces = []
    while size and (piece := stream.read(min(size, _PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _hex(some: bytes) -> str:
    return some.hex(" ")
