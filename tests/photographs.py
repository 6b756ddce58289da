"""Pictures as people take them, made of real digits: paper, light, pens and cameras, the same on every machine."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Grey: TypeAlias = npt.NDArray[Any]
"""(h, w), 0..1."""


def enlarged(pixels: bytes | memoryview, side: int) -> Grey:
    """A digit at `side` x `side`, ink 1 on 0."""
    picture = Image.frombytes("L", (28, 28), bytes(pixels)).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float32) / 255


def placed(ink: Grey, width: int, height: int, left: int, top: int) -> Grey:
    """`ink` somewhere on a larger field; what does not fit is cut off."""
    field = np.zeros((height, width), dtype=np.float32)
    part = ink[max(0, -top) : height - top, max(0, -left) : width - left]
    y, x = max(0, top), max(0, left)
    field[y : y + part.shape[0], x : x + part.shape[1]] = part
    return field


def plane(height: int, width: int) -> tuple[Grey, Grey]:
    """Coordinates -1..1 of every pixel, y and x."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return y, x


def noise(shape: tuple[int, ...], deviation: float, seed: int, grain: int = 1) -> Grey:
    """Normal noise, in lumps of `grain` pixels."""
    generator = np.random.default_rng(seed)
    height, width = shape
    rough = generator.normal(0, deviation, (-(-height // grain), -(-width // grain)))
    return np.kron(rough, np.ones((grain, grain)))[:height, :width].astype(np.float32)


def as_png(levels: Grey) -> bytes:
    """The file."""
    return _file(levels, "PNG")


def as_jpeg(levels: Grey, quality: int = 70) -> bytes:
    """The file."""
    return _file(levels, "JPEG", quality=quality)


def _file(levels: Grey, kind: str, **more: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray((levels.clip(0, 1) * 255).round().astype(np.uint8)).save(out, kind, **more)
    return out.getvalue()


def scan(pixels: bytes, seed: int) -> bytes:
    """Black on white, clean, 400 to 2000 pixels."""
    side = random.Random(seed).randrange(400, 2000)
    return as_png(1 - enlarged(pixels, side))


def negative(pixels: bytes, seed: int) -> bytes:
    """White on black, as MNIST is, a JPEG of low quality."""
    return as_jpeg(enlarged(pixels, random.Random(seed).randrange(400, 1200)), 30)


def margins(pixels: bytes, seed: int) -> bytes:
    """A small digit somewhere on a wide page."""
    r = random.Random(seed)
    side = r.randrange(140, 260)
    return as_png(1 - 0.8 * placed(enlarged(pixels, side), 1400, 1000, r.randrange(1400 - side), r.randrange(700)))


def border(pixels: bytes, seed: int) -> bytes:
    """Cut out so narrowly that the strokes touch the border, at one side or at two that meet."""
    ink = enlarged(pixels, 560)
    rows, columns = np.nonzero((ink > 0.5).any(1))[0], np.nonzero((ink > 0.5).any(0))[0]
    tight = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return as_png(
        0.95 - 0.9 * np.pad(tight, (((0, 120), (60, 60)), ((60, 60), (0, 120)), ((0, 90), (90, 0)))[seed % 3])
    )


def gradient(pixels: bytes, seed: int) -> bytes:
    """Paper that lies half in the dark, with grain, as a JPEG."""
    r = random.Random(seed)
    ink = placed(enlarged(pixels, 700), 900, 900, 100, 100)
    y, x = plane(900, 900)
    angle = r.uniform(0, 2 * math.pi)
    light = 0.65 + 0.3 * (x * math.cos(angle) + y * math.sin(angle)) / 1.4
    return as_jpeg(light * (1 - 0.8 * ink) + noise(ink.shape, 0.03, seed))


def vignette(pixels: bytes, seed: int) -> bytes:
    """Dark corners, rough paper."""
    ink = placed(enlarged(pixels, 800), 1000, 800, 100, 0)
    y, x = plane(800, 1000)
    light = 0.85 / (1 + 0.55 * (x * x + y * y)) ** 1.5
    return as_jpeg(light * (1 - 0.75 * ink) * (1 + noise(ink.shape, 0.05, seed, 6)) + noise(ink.shape, 0.02, seed + 1))


def shadow(pixels: bytes, seed: int) -> bytes:
    """The shadow of a hand across the paper, with a soft edge."""
    r = random.Random(seed)
    ink = placed(enlarged(pixels, 700), 1000, 900, 150, 100)
    y, x = plane(900, 1000)
    angle, offset = r.uniform(0, 2 * math.pi), r.uniform(-0.4, 0.4)
    across = x * math.cos(angle) + y * math.sin(angle) - offset
    light = 0.9 - 0.35 / (1 + np.exp(-across * 12))
    return as_jpeg(light * (1 - 0.8 * ink) + noise(ink.shape, 0.02, seed))


def specks(pixels: bytes, seed: int) -> bytes:
    """Dust: forty spots as dark as the ink, none larger than a sixth of a stroke's area."""
    r = random.Random(seed)
    page = Image.fromarray(((1 - placed(enlarged(pixels, 560), 900, 800, 170, 120)) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(page)
    for _ in range(40):
        x, y, radius = r.randrange(900), r.randrange(800), r.randrange(1, 6)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=r.randrange(90))
    return as_png(np.asarray(page, dtype=np.float32) / 255)


def coloured(pixels: bytes, seed: int) -> bytes:
    """Blue ink on yellow paper, with an alpha channel that says nothing."""
    ink = placed(enlarged(pixels, 420), 600, 500, 60, 40)[:, :, None]
    paper, pen = np.array([0.95, 0.85, 0.45]), np.array([0.1, 0.15, 0.5])
    colour = paper * (1 - ink) + pen * ink + noise((500, 600), 0.02, seed)[:, :, None]
    out = io.BytesIO()
    Image.fromarray((colour.clip(0, 1) * 255).astype(np.uint8)).convert("RGBA").save(out, "PNG")
    return out.getvalue()


def board(pixels: bytes, seed: int) -> bytes:
    """Chalk on a board that is lit from one side."""
    ink = placed(enlarged(pixels, 600), 800, 800, 120, 90)
    _, x = plane(800, 800)
    return as_jpeg(0.25 + 0.1 * x + (0.5 + noise(ink.shape, 0.08, seed, 3)) * ink + noise(ink.shape, 0.02, seed))


def table(pixels: bytes, seed: int) -> bytes:
    """A sheet of paper on a dark table, photographed from above."""
    r = random.Random(seed)
    ink = placed(enlarged(pixels, 560), 1000, 800, 200 + r.randrange(60), 120)
    sheet = np.zeros((800, 1000), dtype=np.float32)
    sheet[50 + r.randrange(20) : 750, 60 + r.randrange(40) : 940] = 1
    y, x = plane(800, 1000)
    light = 0.8 + 0.1 * x + 0.05 * y
    return as_jpeg(light * np.where(sheet > 0, 1 - 0.8 * ink, 0.25) + noise(ink.shape, 0.02, seed))


def blurred(pixels: bytes, seed: int) -> bytes:
    """Out of focus, faint."""
    picture = Image.fromarray(((1 - enlarged(pixels, 600)) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(9))
    return as_jpeg(0.6 + 0.3 * np.asarray(picture, dtype=np.float32) / 255 + noise((600, 600), 0.012, seed))


KINDS: dict[str, Callable[[bytes, int], bytes]] = {
    "scan": scan,
    "negative": negative,
    "margins": margins,
    "border": border,
    "gradient": gradient,
    "vignette": vignette,
    "shadow": shadow,
    "specks": specks,
    "coloured": coloured,
    "board": board,
    "table": table,
    "blurred": blurred,
}
"""How a digit of 784 bytes is photographed with a seed: the bytes of a PNG or JPEG file."""


def pen(pixels: bytes, seed: int, size: tuple[int, int] = (4000, 3000), width: int = 20) -> bytes:
    """The digit's middle line, by a pen of `width`, in a large photograph of paper lit from one side."""
    r = random.Random(seed)
    middle = skeleton(
        np.asarray(Image.frombytes("L", (28, 28), pixels).resize((84, 84), Image.Resampling.BICUBIC)) > 110
    )
    page = Image.new("L", size, 0)
    draw = ImageDraw.Draw(page)
    scale = size[1] * 0.6 / 84
    left, top = r.uniform(0.1, 0.4) * size[0], r.uniform(0.1, 0.3) * size[1]
    there = {(int(x), int(y)) for y, x in zip(*np.nonzero(middle), strict=True)}
    for x, y in sorted(there):
        for step_x, step_y in ((1, 0), (0, 1), (1, 1), (1, -1), (0, 0)):
            if (x + step_x, y + step_y) in there:
                ends = [(left + a * scale, top + b * scale) for a, b in ((x, y), (x + step_x, y + step_y))]
                draw.line(ends, fill=255, width=width)
    ink = np.asarray(page, dtype=np.float32) / 255
    _, across = plane(size[1], size[0])
    return as_jpeg((0.75 + 0.15 * across) * (1 - 0.75 * ink) + noise(ink.shape, 0.03, seed, 2), 80)


def skeleton(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The middle line of strokes, by thinning (Zhang and Suen 1984)."""
    image = np.pad(mask, 1).astype(np.uint8)
    while True:
        before = image.copy()
        for first in (True, False):
            p = [
                np.roll(image, move, (0, 1))
                for move in ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            ]
            count = sum(p)
            turns = sum((p[i] == 0) & (p[(i + 1) % 8] == 1) for i in range(8))
            a, b = (p[0] * p[2] * p[4], p[2] * p[4] * p[6]) if first else (p[0] * p[2] * p[6], p[0] * p[4] * p[6])
            image = np.where((image == 1) & (count >= 2) & (count <= 6) & (turns == 1) & (a == 0) & (b == 0), 0, image)
        if (image == before).all():
            return image[1:-1, 1:-1].astype(bool)
