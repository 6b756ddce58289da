"""Strokes on nothing as the 28 x 28 bytes the network was trained on.

MNIST's own preparation: the digit is scaled to fit a box of 20 x 20, grey levels kept, and placed in the 28 x 28 field
so that its centre of mass is in the middle (LeCun et al. 1998): in all of MNIST it lies inside row and column 14,
counted from 0.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mnist_tui.engine.network import SIDE

BOX = 20
INK = 0.2  # strength above which a pixel belongs to the digit


def centre(ink: Tensor) -> bytes:
    """The digit in its box, in the middle.

    Args:
        ink: (h, w) float32, 0 nothing, 1 the strongest stroke.

    Returns:
        784 bytes, light ink on black; all 0 where no pixel is above `INK`.
    """
    box = bounds(ink > INK)
    if box is None:
        return bytes(SIDE * SIDE)
    top, bottom, left, right = box
    digit = ink[top:bottom, left:right] * 255
    scale = BOX / max(digit.shape)
    size = (max(1, round(digit.shape[0] * scale)), max(1, round(digit.shape[1] * scale)))
    small = interpolate(digit[None, None], size=size, mode="bilinear", antialias=True, align_corners=False)[0, 0]
    small = small.clamp(0, 255)
    height, width = small.shape
    mass = small.sum()
    centre_y = (small.sum(dim=1) * (torch.arange(height) + 0.5)).sum() / mass
    centre_x = (small.sum(dim=0) * (torch.arange(width) + 0.5)).sum() / mass
    y = min(max(math.ceil(SIDE / 2 - float(centre_y)), 0), SIDE - height)
    x = min(max(math.ceil(SIDE / 2 - float(centre_x)), 0), SIDE - width)
    field = torch.zeros(SIDE, SIDE)
    field[y : y + height, x : x + width] = small
    return bytes(field.round().to(torch.uint8).flatten().tolist())


def centre_canvas(pixels: bytes) -> bytes:
    """The 784 bytes that the network sees of 28 x 28 that were drawn, light on black."""
    return centre(torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(SIDE, SIDE).float() / 255)


def bounds(mask: Tensor) -> tuple[int, int, int, int] | None:
    """First row, row after the last, first column, column after the last of what is true; None where nothing is."""
    rows, columns = mask.any(dim=1).nonzero().flatten().tolist(), mask.any(dim=0).nonzero().flatten().tolist()
    return (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) if rows else None
