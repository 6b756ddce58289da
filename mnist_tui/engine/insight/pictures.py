"""Digits that are in no data set, prepared as MNIST was."""

from __future__ import annotations

from collections.abc import Callable

import torch

from mnist_tui.core.errors import UserError
from mnist_tui.engine.centring import centre_canvas
from mnist_tui.engine.inference import logits_of
from mnist_tui.engine.network import Network
from mnist_tui.engine.pictures import read_picture
from mnist_tui.inspecting import JudgeAgain, OpenPicture, PictureRefused, Prepare, Prepared, Weights


def prepare(
    question: Prepare | OpenPicture | JudgeAgain,
    model_of: Callable[[Weights], tuple[Network, int]],
    device: torch.device,
) -> Prepared | PictureRefused:
    """What the network sees of a canvas, a file or a prepared picture, and makes of it where there are weights.

    Raises:
        UserError: the weights are no more.
    """
    if isinstance(question, Prepare):
        pixels = centre_canvas(question.pixels)
    elif isinstance(question, JudgeAgain):
        pixels = question.pixels
    else:
        try:
            pixels = read_picture(question.path)
        except UserError as error:
            return PictureRefused(question, str(error))
    if question.weights is None:
        return Prepared(question, pixels)
    model, step = model_of(question.weights)
    (logits,) = logits_of(model, pixels, device).tolist()
    return Prepared(question, pixels, step, tuple(logits))
