"""Any picture of a digit as the 28 x 28 bytes the network was trained on.

MNIST's own preparation: the digit is scaled to fit a box of 20 x 20, grey levels kept, and placed in the 28 x 28 field
so that its centre of mass is in the middle (LeCun et al. 1998): in all of MNIST it lies inside row and column 14,
counted from 0.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_tui.core.errors import UserError
from mnist_tui.engine.model import SIDE

BOX = 20
INK = 0.2  # share of the darkest stroke above which a pixel belongs to the digit
FAINTEST = 16  # grey levels between paper and ink below which there is nothing to see


def read_picture(path: Path) -> bytes:
    """The 784 bytes, light ink on black, that the network sees of the picture in `path`.

    A picture of 28 x 28 is taken as it is, turned to light on black where it is dark on light.

    Raises:
        UserError: the file cannot be read, is no picture, or shows nothing.
    """
    grey = _open(path)
    levels = _tensor(grey)
    if levels.max() - levels.min() < FAINTEST:
        raise UserError(f"{path} shows no digit: all of it is one colour")
    if _is_dark_on_light(grey):
        grey = ImageOps.invert(grey)
    if grey.size == (SIDE, SIDE):
        return grey.tobytes()
    return _prepare(grey, path)


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode.startswith("I;16") or picture.mode in {"I", "F"}:
                picture = _to_bytes(picture)
            elif "A" in picture.getbands() or "transparency" in picture.info:
                picture = _flatten(picture.convert("LA"))
            return picture.convert("L")
    except UnidentifiedImageError:
        raise UserError(f"{path} is not a picture that can be read: use PNG, JPEG or the like") from None
    except (Image.DecompressionBombError, ValueError, SyntaxError, EOFError, MemoryError) as error:
        raise UserError(f"{path} is a damaged or unusable picture: {error}") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


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
    return Image.frombytes("L", wide.size, bytes(stretched.round().to(torch.uint8).tolist()))


def _tensor(grey: Image.Image) -> torch.Tensor:
    width, height = grey.size
    return torch.frombuffer(bytearray(grey.tobytes()), dtype=torch.uint8).reshape(height, width).float()


def _border(pixels: torch.Tensor) -> torch.Tensor:
    return torch.cat([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _is_dark_on_light(grey: Image.Image) -> bool:
    return bool(_border(_tensor(grey)).median() > 127)


def _prepare(grey: Image.Image, path: Path) -> bytes:
    pixels = _tensor(grey)
    pixels = (pixels - _border(pixels).median()).clamp(min=0)
    strongest = pixels.max()
    if strongest < FAINTEST:
        raise UserError(f"{path} shows no digit: all of it is one colour")
    pixels = pixels * (255 / strongest)
    rows = torch.nonzero((pixels > INK * 255).any(dim=1)).flatten()
    columns = torch.nonzero((pixels > INK * 255).any(dim=0)).flatten()
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    digit = pixels[top:bottom, left:right]
    scale = BOX / max(digit.shape)
    size = (max(1, round(digit.shape[0] * scale)), max(1, round(digit.shape[1] * scale)))
    small = torch.nn.functional.interpolate(
        digit[None, None], size=size, mode="bilinear", antialias=True, align_corners=False
    )[0, 0].clamp(0, 255)
    height, width = small.shape
    mass = small.sum()
    centre_y = (small.sum(dim=1) * (torch.arange(height) + 0.5)).sum() / mass
    centre_x = (small.sum(dim=0) * (torch.arange(width) + 0.5)).sum() / mass
    y = min(max(math.ceil(SIDE / 2 - float(centre_y)), 0), SIDE - height)
    x = min(max(math.ceil(SIDE / 2 - float(centre_x)), 0), SIDE - width)
    field = torch.zeros(SIDE, SIDE)
    field[y : y + height, x : x + width] = small
    return bytes(field.round().to(torch.uint8).flatten().tolist())
