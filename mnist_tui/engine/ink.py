"""Telling the strokes of a digit from the paper, whether they are darker than it or lighter.

What stands out from the paper on one side of it is ink; specks and the edge of the table are ink that is not part of
the digit. Which side it is, and how wide a shadow is, is tried: the reading that leaves the heaviest digit counts.
"""

from __future__ import annotations

import attrs
import torch
from torch import Tensor
from torch.nn.functional import pad

from mnist_tui.engine.components import Component, components, paint
from mnist_tui.engine.paper import highest, shadows, smoothed, surface

FAINTEST = 16 / 255  # share of full contrast between paper and ink below which there is nothing to see
NOISE = 4.0  # standard deviations of the paper's grain above which a pixel is no grain
STROKE = 0.3  # share of the strongest ink above which a pixel is a stroke
SPECK, FAR_SPECK = 0.03, 0.15  # shares of the digit's mass below which a component, near it or far away, is none of it
FRAME = 0.2  # share of the picture's edge along which a component is no digit but what lies around the paper
WINDOWS = (
    1 / 3,
    1 / 5,
    1 / 8,
)  # what is wider, by the longer side, is a shadow; the next where the edge is full of ink
THIN, THIN_ENOUGH = 1.5 / 20, 2.1 / 20  # widths of strokes by the digit's longer side; 3 and 25 % of MNIST are thinner


@attrs.frozen
class _Reading:
    """A picture read in one way.

    Attributes:
        depth: (h, w), how far each pixel stands out; 0 the paper.
        mask: (h, w), what is ink.
        digit: its components, the heaviest first.
        grain: the standard deviation of the paper.
        framed: whether ink goes along the edge.
        only_frame: whether there is nothing else.
    """

    depth: Tensor
    mask: Tensor
    digit: list[Component]
    grain: float
    framed: bool
    only_frame: bool

    @property
    def weight(self) -> tuple[bool, float]:
        """To compare readings by."""
        return not self.only_frame, sum(part.mass for part in self.digit)


def find_ink(levels: Tensor) -> Tensor | None:
    """The strokes of the digit in a picture.

    Args:
        levels: (h, w) float32, grey 0..1.

    Returns:
        (h, w) float32, 0 paper, 1 strongest ink; None where there is none.
    """
    paper = surface(levels)
    readings: list[_Reading] = []
    for window in WINDOWS:
        both = (_read(levels, paper, window, dark=dark) for dark in (True, False))
        readings += [reading for reading in both if reading is not None and reading.digit]
        if not any(reading.framed for reading in readings):
            break
    if not readings:
        return None
    best = max(readings, key=lambda reading: reading.weight)
    kept = paint(best.digit, levels.shape)
    strength = float(best.depth[kept & best.mask].quantile(0.9))
    floor = min(2.5 * best.grain, 0.3 * strength)
    around = _grow(kept, max(2, round(max(levels.shape) / 80)))
    return ((best.depth - floor) / (strength - floor)).clamp(0, 1) * around


def _read(levels: Tensor, paper: Tensor, window: float, *, dark: bool) -> _Reading | None:
    """The picture with ink that is `dark` or light; None where nothing stands out that way."""
    depth = 1 - levels / paper.clamp(min=0.05) if dark else levels - paper
    depth = depth - depth.median()
    rough = bool(depth.abs().median() > 0)
    depth = depth - shadows((smoothed(depth, 5) if rough else depth).clamp(min=0), window)
    grain = 1.4826 * float(depth.abs().median())
    strongest = float((smoothed(depth, 3) if grain > 0 else depth).max())
    if strongest < max(FAINTEST, NOISE * grain):
        return None
    coarse = grain > 0.01
    clear = smoothed(depth, 3) if coarse else depth
    ink = float(clear[clear > max(NOISE * grain, STROKE * strongest)].quantile(0.8))
    mask = clear > max(NOISE * grain / (3 if coarse else 1), STROKE * ink)
    parts = components(_grow(mask, max(1, round(max(mask.shape) / 150))), depth.clamp(min=0))
    around = 2 * (mask.shape[0] + mask.shape[1])
    inner = [part for part in parts if part.edge < FRAME * around]
    return _Reading(depth, mask, _digit_of(inner or parts), grain, len(inner) < len(parts), not inner)


def _digit_of(parts: list[Component]) -> list[Component]:
    """Those of the components, the heaviest first, that make the digit: it, and what is heavy and near enough."""
    if not parts:
        return []
    main = parts[0]
    top, bottom, left, right = main.box
    reach = 0.25 * max(bottom - top, right - left)

    def belongs(part: Component) -> bool:
        first, last, start, end = part.box
        near = first < bottom + reach and last > top - reach and start < right + reach and end > left - reach
        return part.mass > (SPECK if near else FAR_SPECK) * main.mass

    return [part for part in parts if belongs(part)]


def thicken(ink: Tensor) -> Tensor:
    """Strokes so thin that they would fade at 20 x 20, as wide as those of a thin MNIST digit.

    The mean width is twice the area over the outline, the outline being pi/4 of the steps between pixels in and out
    (Crofton).

    Args:
        ink: (h, w) float32, 0..1.
    """
    mask = ink > 0.5
    outside = torch.zeros(mask.shape[0] + 2, mask.shape[1] + 2, dtype=torch.int8)
    outside[1:-1, 1:-1] = mask
    steps = int(outside.diff(dim=0).abs().sum() + outside.diff(dim=1).abs().sum())
    rows, columns = mask.any(dim=1).nonzero(), mask.any(dim=0).nonzero()
    if not steps or not len(rows):
        return ink
    length = max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) + 1
    width = 2 * float(mask.sum()) / (steps * torch.pi / 4)
    return ink if width > THIN * length else _grow_soft(ink, (THIN_ENOUGH * length - width) / 2)


def _grow(mask: Tensor, by: int) -> Tensor:
    return highest(mask.float(), 2 * by + 1) > 0.5


def _grow_soft(ink: Tensor, radius: float) -> Tensor:
    """Each pixel the strongest in a disc of `radius` around it, which fades over its last pixel; with a wider field."""
    reach = int(radius) + 1
    wide = pad(ink, (reach, reach, reach, reach))
    field = pad(wide, (reach, reach, reach, reach))
    height, width = wide.shape
    grown = wide.clone()
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            share = min(1.0, radius + 0.5 - (x * x + y * y) ** 0.5)
            if share > 0:
                moved = field[reach + y : reach + y + height, reach + x : reach + x + width]
                grown = torch.maximum(grown, moved * share)
    return grown
