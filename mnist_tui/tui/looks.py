"""How digits are drawn: chosen by flags and by what the terminal can show, and changed by keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar, cast

import attrs

from mnist_tui.core.settings import ScreenSettings
from mnist_tui.render.blocks import CELLS, Glyphs, Size, draw_sized
from mnist_tui.render.inks import INKS, InkName, inked
from mnist_tui.render.mosaic import Lines
from mnist_tui.render.palette import Palette

Colours = Literal["truecolor", "256", "standard"]
T = TypeVar("T")

SIZES: tuple[Size, ...] = ("full", "half", "dense")
GLYPHS: tuple[Glyphs, ...] = ("half", "quadrant", "braille", "shade", "ascii")

_MANY = {"256color", "kitty"}  # how the name of such a terminal ends, by rich
_LIGHT_BACKGROUNDS = {"7", "9", "10", "11", "12", "13", "14", "15"}  # of the 16 colours, as vim reads $COLORFGBG


@attrs.frozen(repr=False)
class Look:
    """How digits are drawn; `size` is that of the gallery, the others hold for every picture."""

    glyphs: Glyphs = "half"
    size: Size = "half"
    palette: InkName = "ink"

    @property
    def ascii_only(self) -> bool:
        """Whether signs and bars are to be ASCII too."""
        return self.glyphs == "ascii"

    def inked(self, palette: Palette) -> Palette:
        """A theme's palette with this look's ink."""
        return inked(palette, self.palette)

    def draw(self, pixels: bytes | memoryview, palette: Palette, size: Size | None = None) -> Lines:
        """784 bytes as lines of segments, at the gallery's size or another."""
        return draw_sized(pixels, self.inked(palette), self.glyphs, size or self.size)

    def with_next_size(self) -> Look:
        """Smaller, or the largest again."""
        return attrs.evolve(self, size=_after(SIZES, self.size))

    def with_next_glyphs(self) -> Look:
        """The next kind of glyphs."""
        return attrs.evolve(self, glyphs=_after(GLYPHS, self.glyphs))

    def with_next_palette(self) -> Look:
        """The next ink."""
        return attrs.evolve(self, palette=_after(INKS, self.palette))

    @property
    def size_words(self) -> str:
        """The size, for a sentence."""
        columns, rows = CELLS[self.size]
        return f"{self.size} size, {columns} x {rows} cells a digit"


def _after(values: Sequence[T], value: T) -> T:
    return values[(values.index(value) + 1) % len(values)]


def choose_look(screen: ScreenSettings, environment: Mapping[str, str]) -> Look:
    """The look that flags ask for; `auto` is half blocks where there are greys, and shapes of one colour elsewhere.

    Of 16 colours four are greys, and where colour is not wanted there are none: braille shows the strokes as well
    there. The Linux console has no braille in its fonts.
    """
    palette = cast(InkName, screen.palette)
    if screen.ascii:
        return Look("ascii", palette=palette)
    if screen.glyphs != "auto":
        return Look(cast(Glyphs, screen.glyphs), palette=palette)
    few = colours_of(environment) == "standard" or "NO_COLOR" in environment
    plain: Glyphs = "shade" if environment.get("TERM") == "linux" else "braille"
    return Look(plain if few else "half", palette=palette)


def colours_of(environment: Mapping[str, str]) -> Colours:
    """How many colours Textual will use in this environment: what `$TEXTUAL_COLOR_SYSTEM` says, or rich's guess."""
    asked = environment.get("TEXTUAL_COLOR_SYSTEM", "auto")
    if asked in {"truecolor", "256", "standard"}:
        return cast(Colours, asked)
    if environment.get("COLORTERM", "").strip().lower() in {"truecolor", "24bit"}:
        return "truecolor"
    return "256" if environment.get("TERM", "").strip().lower().rpartition("-")[2] in _MANY else "standard"


def is_light(theme: str, environment: Mapping[str, str]) -> bool:
    """Whether the light theme is wanted: `light`, or `auto` where `$COLORFGBG` ends in a light background."""
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return theme == "light" or (theme == "auto" and background in _LIGHT_BACKGROUNDS)
