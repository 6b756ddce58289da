"""Lines of segments as strips: on a background, as wide as they should be, and without what commands a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mnist_tui.core.notes import harmless

NARROW = re.compile("[ -~─-▟⠀-⣿●◆·…✓✗→]*")
"""What most lines consist of: printable characters of one cell."""
_MOST_STYLES = 4096


class Background:
    """A style under those of the segments; what it comes to over each is kept, for to add styles takes 4 us.

    Args:
        style: of what has none of its own.

    Attributes:
        known: a style, which it keeps alive, and what it comes to, by the identity of the style: a hash of one is a
            call in Python.
    """

    def __init__(self, style: Style) -> None:
        self.style = style
        self.known: dict[int, tuple[Style | None, Style]] = {}

    def under(self, style: Style | None) -> Style:
        """The background, and `style` on it."""
        found = self.known.get(id(style))
        if found is None:
            if len(self.known) >= _MOST_STYLES:
                self.known.clear()
            found = self.known[id(style)] = style, self.style + style if style else self.style
        return found[1]


def finished(segments: Iterable[Segment], width: int, background: Background) -> Strip:
    """A line of `width` cells, on a background, and without what commands a terminal.

    Paths, names and messages from outside are drawn, too.
    """
    pieces = list(segments)
    text = "".join([piece.text for piece in pieces])
    if NARROW.fullmatch(text):
        cells = len(text)
    else:
        if not text.isprintable():
            pieces = [Segment(harmless(piece.text), piece.style) for piece in pieces]
        cells = sum(cell_len(piece.text) for piece in pieces)
    known, new = background.known, tuple.__new__  # two calls for each of 200 segments are a fifth of a key's frame
    try:
        line = [new(Segment, (text, known[id(style)][1], None)) for text, style, _ in pieces]
    except KeyError:
        line = [Segment(text, background.under(style)) for text, style, _ in pieces]
    if cells < width:
        line.append(Segment(" " * (width - cells), background.style))
        cells = width
    strip = Strip(line, cells)
    return strip if cells == width else strip.crop(0, width)
