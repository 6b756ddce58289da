"""The colours of the program, named by what they mean; right and wrong differ in more than hue."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True, cache_hash=True, repr=False)
class Palette:
    """Colours as `#rrggbb`.

    Attributes:
        ink, paper: the brightest stroke of a digit and its background.
        between: colours a stroke passes on the way from paper to ink, at equal distances; none: straight.
        raw, average: single batches and their moving average.
        test, best: evaluations and the best of them.
        right, wrong: told apart by colour-blind eyes too (blue-green against orange-red, light against dark).
    """

    dark: bool
    background: str
    surface: str
    panel: str
    text: str
    muted: str
    faint: str
    accent: str
    ink: str
    paper: str
    raw: str
    average: str
    raw_accuracy: str
    average_accuracy: str
    test: str
    best: str
    mark: str
    right: str
    wrong: str
    warning: str
    between: tuple[str, ...] = ()

    def shade(self, share: float) -> str:
        """The colour of a stroke `share` (0..1) of the way from paper to ink."""
        stops = (self.paper, *self.between, self.ink)
        place = share * (len(stops) - 1)
        below = min(int(place), len(stops) - 2)
        return mix(stops[below], stops[below + 1], place - below)


DARK = Palette(
    dark=True,
    background="#0d1017",
    surface="#11151d",
    panel="#1a202b",
    text="#d9dee7",
    muted="#8b95a7",
    faint="#465064",
    accent="#7aa2f7",
    ink="#f4f1e8",
    paper="#11151d",
    raw="#5d4a2a",
    average="#ffb454",
    raw_accuracy="#244a58",
    average_accuracy="#59c2ff",
    test="#f4f1e8",
    best="#ffe27a",
    mark="#b48ead",
    right="#5ccfb0",
    wrong="#ff7b63",
    warning="#ffcc66",
)

LIGHT = Palette(
    dark=False,
    background="#f4f2ec",
    surface="#fbfaf6",
    panel="#e7e4db",
    text="#252a33",
    muted="#626b7a",
    faint="#a9aeb6",
    accent="#2f5bb7",
    ink="#161a21",
    paper="#fbfaf6",
    raw="#ecd3a6",
    average="#b4620a",
    raw_accuracy="#b9dbe8",
    average_accuracy="#0a6f9e",
    test="#161a21",
    best="#a3720a",
    mark="#8a4f86",
    right="#0c7f65",
    wrong="#a3260f",
    warning="#96690a",
)


def mix(low: str, high: str, share: float) -> str:
    """The colour `share` (0..1) of the way from `low` to `high`."""
    a = (int(low[1:3], 16), int(low[3:5], 16), int(low[5:7], 16))
    b = (int(high[1:3], 16), int(high[3:5], 16), int(high[5:7], 16))
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in zip(a, b, strict=True))
