"""Telling the strokes of a digit from the paper, in any light.

The paper is a smooth surface (a quadric, fitted so that what departs from it counts little) and what is left of wide
shadows after an opening with a window wider than any stroke. What stands out from that, on one side of it, is ink;
specks and the edge of the table are ink that is not part of the digit.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from mnist_tui.engine.components import Component, components, paint

FAINTEST = 16 / 255  # share of full contrast between paper and ink below which there is nothing to see
NOISE = 4.0  # standard deviations of the paper's grain above which a pixel is no grain
STROKE = 0.3  # share of the strongest ink above which a pixel is a stroke
SPECK, FAR_SPECK = 0.03, 0.15  # shares of the digit's mass below which a component, near it or far away, is none of it
FRAME = 0.3  # share of the picture's edge along which a component is no digit but what lies around the paper
THIN, THIN_ENOUGH = 1.5 / 20, 2.1 / 20  # widths of strokes by the digit's longer side; 3 and 25 % of MNIST are thinner
_FIT = 48  # pixels along the longer side, for the fit
_ROUNDS = 12
_COARSE = 100  # pixels along the longer side, for shadows


def find_ink(levels: Tensor) -> Tensor | None:
    """The strokes of the digit in a picture, whether they are darker than the paper or lighter.

    Args:
        levels: (h, w) float32, grey 0..1.

    Returns:
        (h, w) float32, 0 paper, 1 strongest ink; None where there is none.
    """
    depth = _depth(levels)
    grain = 1.4826 * float(depth.abs().median())
    strongest = float(_smooth(depth, 3).max() if grain > 0 else depth.max())
    if strongest < max(FAINTEST, NOISE * grain):
        return None
    smooth = _smooth(depth, 3) if grain > 0.01 else depth
    candidates = smooth[smooth > max(NOISE * grain, STROKE * strongest)]
    ink = float(candidates.quantile(0.8)) if 0 < candidates.numel() < 1 << 24 else strongest
    mask = smooth > max(NOISE * grain / (3 if grain > 0.01 else 1), STROKE * ink)
    parts = _digit_of(components(_grow(mask, max(1, round(max(mask.shape) / 150))), depth.clamp(min=0)), mask.shape)
    kept = paint(parts, mask.shape)
    if not bool((kept & mask).any()):
        return None
    strength = float(depth[kept & mask].quantile(0.9))
    floor = min(2.5 * grain, 0.3 * strength)
    around = _grow(kept, max(2, round(max(mask.shape) / 80)))
    return ((depth - floor) / (strength - floor)).clamp(0, 1) * around


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


# --- the paper


def _depth(levels: Tensor) -> Tensor:
    """How far each pixel stands out from the paper (h, w), positive where there is ink, shadows taken away."""
    paper = _surface(levels)
    difference = levels - paper
    dark = float(difference.clamp(max=0).square().sum()) > float(difference.clamp(min=0).square().sum())
    depth = 1 - levels / paper.clamp(min=0.05) if dark else difference
    depth = depth - depth.median()
    grain = float(depth.abs().median())
    low = _smooth(depth, 5) if grain > 0 else depth
    return depth - _shadows(low.clamp(min=0))


def _surface(levels: Tensor) -> Tensor:
    """The quadric (h, w) that most pixels lie on, by iteratively reweighted least squares (Cauchy's weights)."""
    height, width = levels.shape
    shrink = min(1.0, _FIT / max(height, width))
    size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    small = levels if size == (height, width) else interpolate(levels[None, None], size=size, mode="area")[0, 0]
    terms, values = _terms(*size), small.flatten().double()
    fitted = values.median().expand_as(values)
    factors = torch.zeros(6, dtype=torch.float64)
    for _ in range(_ROUNDS):
        residuals = values - fitted
        scale = max(1.4826 * float(residuals.abs().median()), 2 / 255)
        weights = 1 / (1 + (residuals / (1.5 * scale)).square()).square()
        weighted = terms * weights[:, None]
        normal = terms.T @ weighted + 1e-6 * torch.eye(6, dtype=torch.float64)
        factors = torch.linalg.solve(normal, weighted.T @ values)
        fitted = terms @ factors
    return (_terms(height, width) @ factors).reshape(height, width).float()


def _terms(height: int, width: int) -> Tensor:
    y = torch.linspace(-1, 1, height, dtype=torch.float64)[:, None].expand(height, width).flatten()
    x = torch.linspace(-1, 1, width, dtype=torch.float64)[None].expand(height, width).flatten()
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], dim=1)


def _smooth(picture: Tensor, window: int) -> Tensor:
    window = min(window, min(picture.shape) - 1 | 1, 2 * min(picture.shape) - 1)
    if window < 3:
        return picture
    return avg_pool2d(picture[None, None], window, 1, window // 2, count_include_pad=False)[0, 0]


def _shadows(depth: Tensor) -> Tensor:
    """What of `depth` (h, w) is wider than a third of the picture in both directions: the highest of the lowest.

    On a coarse grid, where a window of a third takes 1 ms and not 60.
    """
    size = tuple(max(1, round(side * min(1.0, _COARSE / max(depth.shape)))) for side in depth.shape)
    coarse = interpolate(depth[None, None], size=size, mode="area")[0, 0]
    window = max(3, max(size) // 3) | 1
    opened = _highest(-_highest(-coarse, window), window)
    return interpolate(opened[None, None], size=depth.shape, mode="bilinear", align_corners=False)[0, 0]


def _highest(picture: Tensor, window: int) -> Tensor:
    """The highest value in a square of `window` around each pixel, which does not go beyond the edge."""
    half = window // 2
    rows = max_pool2d(torch.nn.functional.pad(picture[None, None], (half, half, 0, 0), value=-9.0), (1, window), 1)
    return max_pool2d(torch.nn.functional.pad(rows, (0, 0, half, half), value=-9.0), (window, 1), 1)[0, 0]


# --- the digit


def _digit_of(parts: list[Component], shape: torch.Size) -> list[Component]:
    """Those that make the digit: the heaviest that is no frame, and what is heavy enough and near enough."""
    around = 2 * (shape[0] + shape[1])
    inner = [part for part in parts if part.edge < FRAME * around] or parts
    if not inner:
        return []
    main = inner[0]
    top, bottom, left, right = main.box
    reach = 0.25 * max(bottom - top, right - left)

    def belongs(part: Component) -> bool:
        first, last, start, end = part.box
        near = first < bottom + reach and last > top - reach and start < right + reach and end > left - reach
        return part.mass > (SPECK if near else FAR_SPECK) * main.mass

    return [part for part in inner if belongs(part)]


def _grow(mask: Tensor, by: int) -> Tensor:
    return _highest(mask.float(), 2 * by + 1) > 0.5


def _grow_soft(ink: Tensor, radius: float) -> Tensor:
    """Each pixel the strongest in a disc of `radius` around it, which fades over its last pixel; with a wider field."""
    reach = int(radius) + 1
    wide = torch.nn.functional.pad(ink, (reach, reach, reach, reach))
    field = torch.nn.functional.pad(wide, (reach, reach, reach, reach))
    height, width = wide.shape
    grown = wide.clone()
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            share = min(1.0, radius + 0.5 - (x * x + y * y) ** 0.5)
            if share > 0:
                moved = field[reach + y : reach + y + height, reach + x : reach + x + width]
                grown = torch.maximum(grown, moved * share)
    return grown
