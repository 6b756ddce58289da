"""Any picture of a digit as the 28 x 28 bytes the network was trained on."""

from __future__ import annotations

import math
import os
import stat
import warnings
from pathlib import Path
from typing import BinaryIO

import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_tui.core.errors import UserError
from mnist_tui.engine.centring import bounds, centre
from mnist_tui.engine.ink import find_ink, thicken
from mnist_tui.engine.network import SIDE

WORKED_ON = 400  # pixels along the longer side: a stroke of a twentieth of the digit is 10 wide where it fills them
SMALL = 0.6  # share of the picture's longer side; a smaller digit is looked at again, from nearer
MARGIN = 0.3  # of the digit's longer side, around it then
FAINTEST = 16  # grey levels between paper and ink of 28 x 28 below which there is nothing to see
_DRAFT = 1600  # pixels: a JPEG of four times that is decoded at a quarter, which is four times as fast
_LONGEST = 2000  # pixels along the longer side, beyond which grey levels cost time and memory for nothing
_MOST = 64_000_000  # pixels to decode: 256 MB each time that four bytes of each are kept

warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `_MOST` is the limit, and it is a sentence


def read_picture(path: Path) -> bytes:
    """The 784 bytes, light ink on black, that the network sees of the picture in `path`.

    A picture of 28 x 28 is taken as it is, turned to light on black where it is dark on light.

    Raises:
        UserError: the file cannot be read, is no picture, or shows nothing.
    """
    grey = _open(path)
    if grey.size == (SIDE, SIDE):
        return _as_it_is(grey, path)
    ink, box = _find(grey, path)
    if max(box[2] - box[0], box[3] - box[1]) < SMALL * max(grey.size) and max(grey.size) > WORKED_ON:
        ink, _ = _find(grey.crop(box), path)
    return centre(thicken(ink))


def _as_it_is(grey: Image.Image, path: Path) -> bytes:
    levels = _tensor(grey)
    if levels.max() - levels.min() < FAINTEST:
        raise UserError(f"{path} shows no digit: all of it is one colour")
    return (ImageOps.invert(grey) if _border(levels).median() > 127 else grey).tobytes()


def _find(grey: Image.Image, path: Path) -> tuple[torch.Tensor, tuple[int, int, int, int]]:
    """The strokes (h, w), 0..1, and where they are in `grey` with a margin: left, top, right, bottom.

    Raises:
        UserError: there are none.
    """
    shrink = max(1.0, max(grey.size) / WORKED_ON)
    size = (max(1, round(grey.width / shrink)), max(1, round(grey.height / shrink)))
    small = grey if size == grey.size else grey.resize(size, Image.Resampling.BOX)
    ink = find_ink(_tensor(small) / 255)
    box = None if ink is None else bounds(ink > 0.3)
    if ink is None or box is None:
        raise UserError(f"{path} shows no digit: nothing stands out from its background")
    top, bottom, left, right = (place * shrink for place in box)
    margin = MARGIN * max(bottom - top, right - left) + shrink
    return ink, (
        max(0, math.floor(left - margin)),
        max(0, math.floor(top - margin)),
        min(grey.width, math.ceil(right + margin)),
        min(grey.height, math.ceil(bottom + margin)),
    )


def _open(path: Path) -> Image.Image:
    try:
        with _regular(path) as stream, Image.open(stream) as file:
            file.draft("L", (_DRAFT, _DRAFT))
            if file.width * file.height > _MOST:
                size = f"{file.width} x {file.height}"
                raise UserError(
                    f"{path} is too large, {size} pixels: scale it down to {_LONGEST} along the longer side"
                )
            ImageOps.exif_transpose(file, in_place=True)
            if file.mode.startswith("I;16") or file.mode in {"I", "F"}:
                return _to_bytes(_shrink(file.convert("I") if file.mode.startswith("I;16") else file))
            if "A" in file.getbands() or "transparency" in file.info:
                return _flatten(_shrink(file.convert("LA")))
            return _shrink(file.convert("L"))
    except UnidentifiedImageError:
        raise UserError(f"{path} is not a picture that can be read: use PNG, JPEG or the like") from None
    except (Image.DecompressionBombError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise UserError(f"{path} is a damaged or unusable picture: {error}") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


def _regular(path: Path) -> BinaryIO:
    """A regular file, open: to read a pipe, a terminal or `/dev/zero` might never end, and to open one already.

    Raises:
        OSError: it cannot be opened.
        UserError: it is none.
    """
    _require_regular(path, os.stat(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _require_regular(path, os.fstat(descriptor))  # another one may have taken its place since
    except UserError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _require_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise UserError(f"cannot read {path}: Is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"cannot read {path}: it is a pipe or a device; give the path of a picture file")


def _shrink(picture: Image.Image) -> Image.Image:
    """At most `_LONGEST` along the longer side, by the mean of whole blocks."""
    factor = math.ceil(max(picture.size) / _LONGEST)
    return picture.reduce(factor) if factor > 1 else picture


def _flatten(picture: Image.Image) -> Image.Image:
    """Ink over transparency: put white under dark ink and black under light ink."""
    grey, alpha = picture.split()
    ink = torch.frombuffer(bytearray(grey.tobytes()), dtype=torch.uint8).float()
    cover = torch.frombuffer(bytearray(alpha.tobytes()), dtype=torch.uint8).float()
    level = (ink * cover).sum() / cover.sum().clamp(min=1)
    paper = Image.new("L", picture.size, 255 if level < 128 else 0)
    paper.paste(grey, mask=alpha)
    return paper


def _to_bytes(picture: Image.Image) -> Image.Image:
    """Wide grey levels, stretched to 0..255."""
    wide = picture.convert("F")
    levels = torch.frombuffer(bytearray(wide.tobytes()), dtype=torch.float32)
    span = levels.max() - levels.min()
    stretched = (levels - levels.min()) * (255 / span if span > 0 else 0)
    return Image.frombytes("L", wide.size, stretched.round().to(torch.uint8).numpy().tobytes())


def _tensor(grey: Image.Image) -> torch.Tensor:
    width, height = grey.size
    return torch.frombuffer(bytearray(grey.tobytes()), dtype=torch.uint8).reshape(height, width).float()


def _border(pixels: torch.Tensor) -> torch.Tensor:
    return torch.cat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
