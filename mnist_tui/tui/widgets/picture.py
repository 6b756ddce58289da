"""A digit with a line below it: what galleries, batches and previews are made of."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.blocks import CELLS, Glyphs, Size, draw_sized
from mnist_tui.render.captions import caption_of
from mnist_tui.render.mosaic import Lines
from mnist_tui.render.palette import Palette
from mnist_tui.render.pens import pen
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.suspicion import suggested_class


def size_of(size: Size) -> tuple[int, int]:
    """Columns and rows of a picture with its caption."""
    columns, rows = CELLS[size]
    return columns, rows + 1


SMALL_SIZE = size_of("half")


def draw_small(
    pixels: bytes | memoryview, caption: str, style: Style, palette: Palette, glyphs: Glyphs, size: Size = "half"
) -> Lines:
    """`size_of(size)` cells of 784 bytes and a caption."""
    width = CELLS[size][0]
    return [*draw_sized(pixels, palette, glyphs, size), [Segment(caption[:width].center(width), style)]]


def draw_entry(
    browser: DigitBrowser, index: int, palette: Palette, glyphs: Glyphs, selected: bool = False, size: Size = "half"
) -> Lines:
    """The digit `index` of the split looked at as a small picture, its caption from the evaluation looked at.

    The selected one is named between two pointers on a coloured ground, so no colour is needed to find it.
    """
    assert browser.digits is not None
    ascii_only = glyphs == "ascii"
    width = CELLS[size][0] - (2 if selected else 0)
    true = browser.classes[browser.digits.labels[index]]
    if browser.predictions is None:
        caption, colour = true[:width], palette.muted
    else:
        predicted = int(browser.predictions.predicted[index])
        share = float(browser.predictions.probabilities[index, predicted])
        caption = caption_of(true, browser.classes[predicted], share, width, ascii_only=ascii_only)
        rather = suggested_class(browser, index)
        if rather is not None:
            asked = f"{true}, is it {browser.classes[rather]}?"
            arrow = "->" if ascii_only else "→"
            caption = asked if len(asked) <= width else f"{true}{arrow}{browser.classes[rather]}?"[:width]
        colour = palette.right if predicted == browser.digits.labels[index] else palette.wrong
    if selected:
        left, right = "><" if ascii_only else "▸◂"
        caption = f"{left}{caption.center(width)}{right}"
        style = pen(palette.background, on=palette.accent, bold=True)
    else:
        style = pen(colour, on=palette.paper)
    return draw_small(browser.digits.digit(index), caption, style, palette, glyphs, size)
