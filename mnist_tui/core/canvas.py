"""A 28 x 28 canvas: soft strokes, taken back one by one; moved, turned, and made noisy."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from mnist_tui.core.idx import PIXELS, SIDE

BRUSHES: Sequence[tuple[str, float]] = (("fine", 0.6), ("medium", 1.1), ("broad", 1.8))
"""Name, and radius in pixels within which the ink is full; it fades over the next pixel."""

_FADE = 1.0
_KEPT = 60  # strokes that can be taken back
_NOISE = 40.0  # standard deviation, grey levels


class Canvas:
    """What is drawn; coordinates are in pixels from the left upper corner, so that 0.5 is the middle of the first.

    Attributes:
        pixels: 784 bytes, 0 nothing, 255 full ink.
        brush: its place in `BRUSHES`.
        erasing: strokes take ink away.
        revision: grows with every change of `pixels`.
    """

    def __init__(self) -> None:
        self.pixels = bytes(PIXELS)
        self.brush = 1
        self.erasing = False
        self.revision = 0
        self._before: list[bytes] = []
        self._ground = self.pixels  # what is under the stroke being drawn
        self._stroke = [0.0] * PIXELS  # its ink, 0..1
        self._last: tuple[float, float] | None = None
        self._rubs = False
        self._noises = 0

    @property
    def blank(self) -> bool:
        """Whether nothing is drawn."""
        return not any(self.pixels)

    @property
    def drawing(self) -> bool:
        """Whether a stroke has begun and not ended."""
        return self._last is not None

    # --- strokes

    def press(self, x: float, y: float, *, erase: bool | None = None) -> None:
        """Begin a stroke at (x, y); `erase` overrules `erasing`."""
        self._remember()
        self._rubs = self.erasing if erase is None else erase
        self._ground, self._stroke, self._last = self.pixels, [0.0] * PIXELS, (x, y)
        self._draw((x, y), (x, y))

    def drag(self, x: float, y: float) -> None:
        """Draw on to (x, y), in a straight line; without a stroke begun, nothing happens."""
        if self._last is not None:
            last, self._last = self._last, (x, y)
            self._draw(last, (x, y))

    def lift(self) -> None:
        """End the stroke."""
        self._last = None

    def _draw(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Within a stroke the darkest counts; strokes add up to 255."""
        radius = BRUSHES[self.brush][1] * (1.5 if self._rubs else 1.0)
        reach = radius + _FADE
        (x0, y0), (x1, y1) = start, end
        for row in range(max(0, int(min(y0, y1) - reach)), min(SIDE, int(max(y0, y1) + reach) + 1)):
            for column in range(max(0, int(min(x0, x1) - reach)), min(SIDE, int(max(x0, x1) + reach) + 1)):
                distance = _distance(column + 0.5, row + 0.5, x0, y0, x1, y1)
                ink = min(1.0, (reach - distance) / _FADE)
                place = row * SIDE + column
                if ink > self._stroke[place]:
                    self._stroke[place] = ink
        sign = -255 if self._rubs else 255
        pairs = zip(self._ground, self._stroke, strict=True)
        self._put(bytes(min(255, max(0, round(ground + sign * ink))) for ground, ink in pairs))

    # --- all of it

    def clear(self) -> None:
        """Take everything away."""
        if not self.blank:
            self._change(bytes(PIXELS))

    def replace(self, pixels: bytes) -> None:
        """Put 784 other bytes in its place."""
        self._change(bytes(pixels))

    def shift(self, x: int, y: int) -> None:
        """Move by whole pixels; what leaves is lost."""
        self._sample(lambda column, row: (column - x, row - y))

    def rotate(self, degrees: float) -> None:
        """Turn clockwise around the middle, between the pixels by their four neighbours."""
        sine, cosine, middle = math.sin(math.radians(degrees)), math.cos(math.radians(degrees)), (SIDE - 1) / 2

        def source(column: float, row: float) -> tuple[float, float]:
            x, y = column - middle, row - middle
            return middle + cosine * x + sine * y, middle - sine * x + cosine * y

        self._sample(source)

    def add_noise(self) -> None:
        """Normal noise on every pixel, another one each time."""
        self._noises += 1
        generator = random.Random(self._noises)
        self._change(bytes(min(255, max(0, round(ink + generator.gauss(0, _NOISE)))) for ink in self.pixels))

    def undo(self) -> bool:
        """As before the last stroke or change; whether there was one."""
        self.lift()
        if not self._before:
            return False
        self._put(self._before.pop())
        return True

    # --- inside

    def _sample(self, source: Callable[[float, float], tuple[float, float]]) -> None:
        """Have each pixel (column, row) come from another place."""
        places = ((column, row) for row in range(SIDE) for column in range(SIDE))
        self._change(bytes(round(self._at(*source(*place))) for place in places))

    def _at(self, x: float, y: float) -> float:
        """The ink between pixels (x, y), counted from 0; none beyond the edge."""
        left, top = math.floor(x), math.floor(y)
        total = 0.0
        for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
            share = (1 - abs(x - column)) * (1 - abs(y - row))
            if share > 0 and 0 <= row < SIDE and 0 <= column < SIDE:
                total += share * self.pixels[row * SIDE + column]
        return min(255.0, total)

    def _change(self, pixels: bytes) -> None:
        self.lift()
        self._remember()
        self._put(pixels)

    def _remember(self) -> None:
        self._before.append(self.pixels)
        del self._before[:-_KEPT]

    def _put(self, pixels: bytes) -> None:
        self.pixels = pixels
        self.revision += 1


def _distance(x: float, y: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """From a point to a line between two."""
    along_x, along_y = x1 - x0, y1 - y0
    length = along_x * along_x + along_y * along_y
    share = min(1.0, max(0.0, ((x - x0) * along_x + (y - y0) * along_y) / length)) if length else 0.0
    return math.hypot(x - x0 - share * along_x, y - y0 - share * along_y)
