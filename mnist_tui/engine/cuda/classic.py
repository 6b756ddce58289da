"""A training batch of the classic network in ten launches: loss, hits and every gradient, in float32."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.engine.cuda.program import Program, program_or_none, why_none
from mnist_tui.engine.network import CLASSES, SIDE, Architecture, Network

MAPS, WINDOWS = (SIDE // 2) ** 2, (SIDE // 4) ** 2
AMPERE = 8, 0  # the first to multiply in TF32
TILE = 64
CUTS = 2
CONVOLVING = 224  # threads: seven warps, of two rows each
MOST_PARTS = 64
"""Into how many parts a batch is cut for the gradient of the second convolution's weights, at most, two images each."""


def fits(architecture: Architecture) -> bool:
    """Whether the kernels can be made for a network of these sizes."""
    width, second, hidden = architecture.width, architecture.second_width, architecture.hidden_units
    return architecture.kind == "classic" and not (width % 8 or second % 16) and width <= 128 and hidden <= 1024


def macros_for(architecture: Architecture) -> tuple[tuple[str, int], ...]:
    """What the kernels for networks of these sizes are compiled with."""
    sizes = architecture.width, architecture.second_width, architecture.hidden_units
    return (*zip(("C1", "C2", "HIDDEN"), sizes, strict=True), ("TILE", TILE), ("CUTS", CUTS))


def classic_program(architecture: Architecture, device: torch.device) -> Program | None:
    """The kernels for networks of these sizes on `device`; None where there are none."""
    return program_or_none("classic", macros_for(architecture), device, AMPERE) if fits(architecture) else None


def why_no_kernels(architecture: Architecture, device: torch.device) -> str:
    """Why `classic_program` gives none, in a few words; empty where it gives one."""
    if not fits(architecture):
        return "there are none for networks of this size"
    return why_none("classic", macros_for(architecture), device, AMPERE)


class ClassicLoss(torch.autograd.Function):
    """The mean cross-entropy of a batch, in nats, with gradients for all weights and none for the images.

    What it saves is for one `backward`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        program: Program,
        through: Tensor,
        images: Tensor,
        labels: Tensor,
        smoothing: float,
        mask: Tensor | None,
        *weights: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss (), logits (n, 10) and how many labels have the highest logit, () int64.

        Args:
            ctx: for `backward`.
            program: the kernels.
            through: () int32 on the device, zero, and nobody else's.
            images: (n, 1, 28, 28) float32, contiguous.
            labels: (n,) int64.
            smoothing: of the labels, 0..1.
            mask: (n, hidden units) what dropout multiplies the hidden outputs with; None where there is none.
            weights: of conv1, conv2 (channels-last), fc1 and fc2, each with its bias.
        """
        weight1, bias1, weight2, bias2, hidden_weight, hidden_bias, last_weight, last_bias = weights
        n, (c2, c1), units = len(images), weight2.shape[:2], len(hidden_bias)
        new = images.new_empty
        maps, features = new(n, c1, MAPS), new(n, c2 * WINDOWS)
        places1, places2 = (new(each.shape, dtype=torch.uint8) for each in (maps, features))
        program.launch("first", (n, c1 // 8, 1), MAPS, images, weight1, bias1, maps, places1)
        program.launch("second", (n, c2 // 16, 1), CONVOLVING, maps, weight2, bias2, features, places2)
        slices = -(-features.shape[1] // TILE)
        parts, hidden, of_hidden = new(slices, n, units), new(n, units), new(n, units)
        grid = slices, -(-units // TILE), -(-n // TILE)
        program.launch("hidden_parts", grid, 256, features, hidden_weight, parts, n)
        logits, of_logits, losses, loss = new(n, CLASSES), new(n, CLASSES), new(2, n), new(())
        hits = torch.empty_like(loss, dtype=torch.int64)
        told = (hidden, logits, of_hidden, of_logits, losses, loss, hits, through, float(smoothing), n)
        program.launch("judge", (n, 1, 1), 128, parts, hidden_bias, last_weight, last_bias, mask, labels, *told)
        ctx.program, ctx.weights = program, weights
        ctx.kept = images, maps, places1, features, places2, hidden, of_hidden, of_logits
        ctx.mark_non_differentiable(logits, hits)
        ctx.set_materialize_grads(False)
        return loss, logits, hits

    @staticmethod
    def backward(ctx: Any, upstream: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of `forward`'s weights, in the order of memory of each."""
        program: Program = ctx.program
        images, maps, places1, features, places2, hidden, of_hidden, of_logits = ctx.kept
        gradients = [torch.empty_like(weight) for weight in ctx.weights]
        of_weight1, of_bias1, of_weight2, of_bias2, *of_linear = gradients
        _, _, weight2, _, hidden_weight, *_ = ctx.weights
        n, (c2, c1), units = len(images), weight2.shape[:2], hidden.shape[1]
        new, of_features = images.new_empty, torch.empty_like(features)
        inner, per_block = 8 if c1 % 16 else 16, max(2, -(-n // MOST_PARTS))
        of_maps, parts1 = new(CUTS, n, c1, MAPS), new(n, c1 * 10)
        parts2 = new(-(-n // per_block), 9 * c1 * c2 + c2)  # all is there before anything runs beside
        columns = -(-features.shape[1] // TILE)
        before, after = columns * -(-n // TILE), columns * -(-units // TILE) + 11 * -(-units // 32) + 1
        given = (upstream, features, hidden_weight, hidden, of_hidden, of_logits, of_features, *of_linear, n)
        with program.beside():
            program.launch("back_of_hidden", (after, 1, 1), 256, *given, before)
        program.launch("back_of_hidden", (before, 1, 1), 256, *given, 0)
        grid = len(parts2), c2 // 16, -(-c1 // 32)
        with program.beside():
            program.launch("weights_of_second", grid, 288, maps, of_features, places2, parts2, per_block, n)
        grid = n, c1 // inner, CUTS
        program.launch("back_of_second", grid, CONVOLVING, of_features, places2, weight2, of_maps, n)
        program.launch("weights_of_first", (n, c1 // 8, 1), 256, images, places1, of_maps, parts1, n)
        blocks = -(-parts2.shape[1] // 256) + -(-parts1.shape[1] // 32)
        program.join()
        ends = (of_weight2, of_bias2, of_weight1, of_bias1, len(parts2), len(parts1))
        program.launch("add_up", (blocks, 1, 1), 256, parts2, parts1, *ends)
        return (*(None,) * 6, *gradients)


class ClassicKernels:
    """The kernels at work on a `model` that lies on a CUDA device."""

    def __init__(self, model: Network, program: Program) -> None:
        weights = dict(model.named_parameters())
        layers = ("conv1", "conv2", "fc1", "fc2")
        self._weights = [weights[f"{layer}.{kind}"] for layer in layers for kind in ("weight", "bias")]
        self._program = program
        self._through = torch.zeros((), dtype=torch.int32, device=self._weights[0].device)
        self._model = model

    def __call__(self, images: Tensor, labels: Tensor, smoothing: float) -> tuple[Tensor, Tensor, Tensor]:
        """Loss, logits and hits, as `ClassicLoss` gives them, of images (n, 1, 28, 28) and labels (n,)."""
        mask = None
        if self._model.dropout:
            ones = images.new_ones(len(images), self._model.architecture.hidden_units)
            mask = F.dropout(ones, self._model.dropout)
        given = images.contiguous(), labels, smoothing, mask
        found: tuple[Tensor, Tensor, Tensor] = ClassicLoss.apply(self._program, self._through, *given, *self._weights)
        return found
