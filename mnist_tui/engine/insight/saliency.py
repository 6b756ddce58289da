"""What in a picture speaks for a class: gradients, and what covering a part of it does.

Every map is signed: above 0, the place speaks for the class; below 0, against it. Pixels count as 0 paper, 1 ink.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mnist_tui.engine.batches import normalise
from mnist_tui.engine.network import SIDE, Network

PATCH = 5  # pixels: about two strokes wide, so that covering one leaves a gap
GREY = 128
SLICE = 196  # pictures at a time: 45 ms on two cores


def as_picture(pixels: bytes, device: torch.device) -> Tensor:
    """784 bytes as (1, 1, 28, 28) uint8."""
    return torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(1, 1, SIDE, SIDE).to(device)


def input_gradient(model: Network, picture: Tensor, target: int, against: int = -1) -> Tensor:
    """The derivative (28, 28) float32 of a logit by each pixel: logits per unit of ink, with its sign.

    With `against`, that of the difference of two logits, z[target] - z[against]: what would make the one likelier than
    the other. Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks (2013), section 3, takes the magnitude
    of the first; the sign is kept here. On plain paper, where the maxima of a pooling tie, it is one-sided.

    Args:
        model: in eval mode.
        picture: (1, 1, 28, 28) uint8 on the model's device.
        target: a class.
        against: another class, -1 for none.
    """
    with torch.enable_grad():
        ink = picture.float().div(255).requires_grad_()
        _, _, hidden = model.activations((ink - 0.5) / 0.5)
        logits = model.fc2(hidden)[0]
        score = logits[target] - logits[against] if against >= 0 else logits[target]
        (gradient,) = torch.autograd.grad(score, ink)
    return gradient.reshape(SIDE, SIDE).cpu()


def occlusion(model: Network, picture: Tensor, target: int) -> Iterator[Tensor | None]:
    """How far the probability of `target` drops (28, 28) float32 when a grey patch lies over each pixel.

    The patch is 5 x 5 with the pixel in its middle, cut at the border. After Zeiler, Fergus: Visualizing and
    Understanding Convolutional Networks (2014), section 4.2; the drop instead of what is left.

    Args:
        model: in eval mode.
        picture: (1, 1, 28, 28) uint8 on the model's device.
        target: a class.

    Yields:
        None after each slice of 196 pictures, then the map.
    """
    with torch.inference_mode():
        whole = model(normalise(picture)).softmax(1)[0, target]
    drops: list[Tensor] = []
    for start in range(0, SIDE * SIDE, SLICE):
        with torch.inference_mode():
            covered = torch.where(patches(start, SLICE).to(picture.device), GREY, picture)
            drops.append((whole - model(normalise(covered)).softmax(1)[:, target]).cpu())
        yield None
    yield torch.cat(drops).reshape(SIDE, SIDE)


def patches(start: int, count: int) -> Tensor:
    """Where the patches over the pixels from `start` on lie: (count, 1, 28, 28) bool."""
    centres = torch.arange(start, start + count)
    line = torch.arange(SIDE)
    rows = (line - (centres // SIDE)[:, None]).abs() <= PATCH // 2
    columns = (line - (centres % SIDE)[:, None]).abs() <= PATCH // 2
    return (rows[:, :, None] & columns[:, None, :])[:, None]
