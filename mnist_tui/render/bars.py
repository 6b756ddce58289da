"""Ten probabilities as bars, in eighths of a cell."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment

from mnist_tui.render.palette import Palette
from mnist_tui.render.pens import pen

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int, ascii_only: bool = False) -> str:
    """A bar of `width` cells filled to `share` (0..1); anything above 0 shows at least a sliver."""
    share = min(max(share, 0.0), 1.0) if share == share else 0.0  # NaN: a network that diverged
    if ascii_only:
        return ("#" * round(share * width)).ljust(width)
    eighths = max(round(share * width * 8), 1 if share > 0.001 else 0)
    text = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    return text.ljust(width)[:width]


def draw_bars(
    probabilities: Sequence[float] | None,
    true: int | None,
    predicted: int,
    names: Sequence[str],
    width: int,
    palette: Palette,
    ascii_only: bool = False,
) -> list[list[Segment]]:
    """Ten lines of `width` cells: sign, name, bar, percentage.

    Without probabilities the names stand alone, with dots where the percentages will be. The predicted class carries
    `✓` or `✗`, the true class of a mistake `←`, so no colour is needed to read them; where the true class is unknown
    (None), the predicted one carries `›`.
    """
    right, wrong, arrow, guess = ("+", "x", "<", ">") if ascii_only else ("✓", "✗", "←", "›")
    label = max(len(name) for name in names)
    percent = 7 if width - label - 10 >= 4 else 5  # ` 98.7%`, or ` 99%` where there is little room
    room = max(0, width - label - 3 - percent)
    lines = []
    for digit, share in enumerate(probabilities or [None] * len(names)):
        if digit == predicted and true is None:
            sign, style = guess, pen(palette.accent, bold=True)
        elif digit == predicted:
            sign, colour = (right, palette.right) if digit == true else (wrong, palette.wrong)
            style = pen(colour, bold=True)
        elif digit == true:
            sign, style = arrow, pen(palette.right, bold=True)
        else:
            sign, style = " ", pen(palette.muted)
        lines.append(
            [
                Segment(f"{sign} {names[digit]:>{label}} ", style),
                Segment(" " * room if share is None else bar(share, room, ascii_only), style),
                Segment(_percentage(share, percent, ascii_only), style),
            ]
        )
    return lines if room else [Segment.adjust_line_length(line, width) for line in lines]


def _percentage(share: float | None, width: int, ascii_only: bool) -> str:
    if share is None:
        return ("." if ascii_only else "·").rjust(width - 1) + " "
    return f"{share * 100:{width - 1}.{1 if width == 7 else 0}f}%"
