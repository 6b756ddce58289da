"""The paper under a digit, in any light: a smooth surface, and wide shadows on it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, pad

_FIT = 48  # pixels along the longer side, for the fit
_ROUNDS = 12
_COARSE = 100  # pixels along the longer side, for shadows: there a window of a third takes 1 ms and not 60


def surface(levels: Tensor) -> Tensor:
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


def smoothed(picture: Tensor, window: int) -> Tensor:
    """The mean of a square of `window`, odd, around each pixel of a picture (h, w), narrower in a small one."""
    window = min(window, min(picture.shape) - 1 | 1, 2 * min(picture.shape) - 1)
    if window < 3:
        return picture
    return avg_pool2d(picture[None, None], window, 1, window // 2, count_include_pad=False)[0, 0]


def shadows(depth: Tensor, window: float) -> Tensor:
    """What of `depth` (h, w) is wider than `window` in both directions: an opening, the highest of the lowest.

    Args:
        depth: (h, w) float32.
        window: as a share of the longer side.
    """
    size = tuple(max(1, round(side * min(1.0, _COARSE / max(depth.shape)))) for side in depth.shape)
    coarse = interpolate(depth[None, None], size=size, mode="area")[0, 0]
    cells = max(3, round(max(size) * window)) | 1
    opened = highest(-highest(-coarse, cells), cells)
    return interpolate(opened[None, None], size=depth.shape, mode="bilinear", align_corners=False)[0, 0]


def highest(picture: Tensor, window: int) -> Tensor:
    """The highest value in a square of `window` around each pixel, which does not go beyond the edge."""
    half = window // 2
    rows = max_pool2d(pad(picture[None, None], (half, half, 0, 0), value=-9.0), (1, window), 1)
    return max_pool2d(pad(rows, (0, 0, half, half), value=-9.0), (window, 1), 1)[0, 0]
