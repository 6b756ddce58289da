"""What strokes are coloured with: the program's own ink, and ramps that colour-blind eyes read as well.

Every ramp grows steadily lighter on a dark background and steadily darker on a light one, so it is told by lightness
alone. After viridis (van der Walt and Smith 2015) and cividis (Nuñez, Anderton and Renslow 2018,
doi:10.1371/journal.pone.0199239).
"""

from __future__ import annotations

import functools
from typing import Literal

import attrs

from mnist_tui.render.palette import Palette

InkName = Literal["ink", "viridis", "cividis", "contrast"]
INKS: tuple[InkName, ...] = ("ink", "viridis", "cividis", "contrast")

# From dark to light, at equal distances.
_RAMPS: dict[InkName, tuple[str, ...]] = {
    "viridis": ("#440154", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725"),
    "cividis": ("#00224e", "#2a3f6d", "#575d6d", "#7d7c78", "#a59c74", "#d2c060", "#fee838"),
}


@functools.lru_cache(maxsize=16)
def inked(palette: Palette, name: InkName) -> Palette:
    """`palette` with its strokes in another ink; paper and everything else stay."""
    if name == "ink":
        return palette
    if name == "contrast":  # half a stroke is a whole one
        ink = "#ffffff" if palette.dark else "#000000"
        return attrs.evolve(palette, ink=ink, between=(ink,))
    # Without the colour that the background is nearest to.
    ramp = _RAMPS[name][1:] if palette.dark else _RAMPS[name][-2::-1]
    return attrs.evolve(palette, ink=ramp[-1], between=ramp[:-1])
