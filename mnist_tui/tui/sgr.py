"""Strips as a terminal is told of them: of a style only what differs from the one before (ECMA-48, SGR).

Rich resets after every segment and says all of the next: two thirds of the bytes of a digit, half a second on a line of
20 kB/s.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from rich.color import Color, ColorSystem
from rich.style import Style
from textual.strip import Strip

_MOST_STYLES = 16384  # a screen has some hundreds; the palettes of digits could hold thousands
_ON_BLANKS = ("underline", "underline2", "reverse", "strike", "frame", "encircle", "overline")
_FOREGROUND, _BACKGROUND = "39", "49"  # those that the terminal has of its own


class _Pen(NamedTuple):
    """What a terminal is told of a style.

    Attributes:
        attributes: its parameters for bold and the like.
        foreground, background: those for its colours.
        on_blanks: its attributes show where nothing is written, too.
        link: the style, if it has one.
    """

    attributes: str = ""
    foreground: str = _FOREGROUND
    background: str = _BACKGROUND
    on_blanks: bool = False
    link: Style | None = None


_PLAIN = _Pen()


class Writing:
    """Collects what is written to a terminal whose style is plain before and afterwards.

    Args:
        color_system: what the terminal knows of colours.
    """

    def __init__(self, color_system: ColorSystem) -> None:
        self._color_system = color_system
        self._known = _known_pens(color_system)
        self._parts: list[str] = []
        self._pen: tuple[str, str, str, bool] = _PLAIN[:4]

    def move(self, x: int, y: int) -> None:
        """Go on in column `x` of line `y`, both from 0."""
        self._parts.append(f"\x1b[{y + 1};{x + 1}H")

    def write(self, strip: Strip) -> None:
        """Write a strip; of a blank nothing but its background is told, since nothing else of it is seen."""
        known, append = self._known, self._parts.append
        attributes, foreground, background, on_blanks = self._pen
        for text, style, _ in strip:
            if not text:
                continue
            found = known.get(id(style))
            new = found[1] if found is not None else self._learn(style)
            changes = ""
            if new[4] is not None:
                self._write_link(text, new[4])
                attributes, foreground, background, on_blanks = _PLAIN[:4]
                continue
            if on_blanks or new[3] or not text.isspace():
                if attributes != new[0]:
                    if attributes:
                        changes = ";0"
                        foreground, background = _FOREGROUND, _BACKGROUND
                    attributes, on_blanks = new[0], new[3]
                    if attributes:
                        changes += ";" + attributes
                if foreground != new[1]:
                    foreground = new[1]
                    changes += ";" + foreground
            if background != new[2]:
                background = new[2]
                changes += ";" + background
            append(f"\x1b[{changes[1:]}m{text}" if changes else text)
        self._pen = attributes, foreground, background, on_blanks

    def finish(self) -> str:
        """All that is to be sent."""
        if self._pen != _PLAIN[:4]:
            self._parts.append("\x1b[0m")
            self._pen = _PLAIN[:4]
        return "".join(self._parts)

    def _write_link(self, text: str, style: Style) -> None:
        self._parts.append("\x1b[0m" + Strip.render_style(style, text, self._color_system))

    def _learn(self, style: Style | None) -> _Pen:
        if len(self._known) >= _MOST_STYLES:
            self._known.clear()
        pen = _PLAIN if style is None else _pen_of(style, self._color_system)
        self._known[id(style)] = style, pen
        return pen


@cache
def _known_pens(color_system: ColorSystem) -> dict[int, tuple[Style | None, _Pen]]:
    """Pens by the identity of the style, which is kept alive: a hash of one is a call in Python."""
    return {}


def _pen_of(style: Style, color_system: ColorSystem) -> _Pen:
    return _Pen(
        Strip.render_ansi(style.without_color, color_system),
        _parameters(style.color, color_system, foreground=True) or _FOREGROUND,
        _parameters(style.bgcolor, color_system, foreground=False) or _BACKGROUND,
        any(getattr(style, name) for name in _ON_BLANKS),
        style if style.link else None,
    )


def _parameters(color: Color | None, color_system: ColorSystem, *, foreground: bool) -> str:
    return "" if color is None else ";".join(color.downgrade(color_system).get_ansi_codes(foreground))
