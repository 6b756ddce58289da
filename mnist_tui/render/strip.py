"""What each evaluation made of one digit, one column an evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from mnist_tui.core.album import Verdict, turning_points
from mnist_tui.render.palette import Palette

Line = list[Segment]
_LEVELS = " ▁▂▃▄▅▆▇█"
_ASCII_LEVELS = " .:-=+*%#"
_NAME = 2  # letters of a class
_WIDEST = 6  # cells of a column, where evaluations are few


def draw_history(
    history: Sequence[Verdict],
    true: int,
    shown_step: int,
    names: Sequence[str],
    width: int,
    height: int,
    palette: Palette,
    ascii_only: bool = False,
) -> list[Line]:
    """Bars of the true class's probability, above the predicted classes, the signs of right and wrong, and when.

    Args:
        history: oldest first; as many of the newest as fit are drawn.
        true: the true class.
        shown_step: of the evaluation that is looked at, which stands out.
        names: of the classes.
        width: in cells.
        height: in lines. With one there are the classes alone, then come signs, epochs, bars.
        palette: of the theme.
        ascii_only: no blocks.
    """
    label = 8 if width >= 30 else 0
    cell = 1 + max(len(name[:_NAME]) for name in names)
    when = "epoch" if len({verdict.epoch for verdict in history}) == len(history) else "step"
    numbers = [str(verdict.epoch if when == "epoch" else verdict.step) for verdict in history]
    if height >= 4:
        cell = max(cell, 1 + max((len(number) for number in numbers), default=0))
    cell = max(cell, min(_WIDEST, (width - label) // max(1, len(history)))) if height >= 4 else cell
    fitting = max(1, (width - label) // cell)
    kept, numbers = history[-fitting:], numbers[-fitting:]
    right, wrong = ("+", "x") if ascii_only else ("✓", "✗")
    muted = Style(color=palette.muted)

    def row(title: str, words: Sequence[str], styles: Sequence[Style]) -> Line:
        line = [Segment(title.ljust(label)[:label], muted)]
        for word, style in zip(words, styles, strict=True):
            line += [Segment(" " * (cell - len(word))), Segment(word, style)]
        return line

    colours = [
        Style(
            color=palette.right if verdict.predicted == true else palette.wrong,
            bold=True,
            underline=verdict.step == shown_step,
        )
        for verdict in kept
    ]
    classes = row("says", [names[verdict.predicted][:_NAME] for verdict in kept], colours)
    if height < 2:
        return [classes]
    signs = row("", [right if verdict.predicted == true else wrong for verdict in kept], colours)
    tall = min(height - 3, 6)
    bars: list[Line] = []
    levels = _ASCII_LEVELS if ascii_only else _LEVELS
    for line in range(tall):
        words = [_bar(verdict.probability_true, tall, tall - 1 - line, levels) * (cell - 1) for verdict in kept]
        plain = [Style(color=colour.color) for colour in colours]
        bars.append(row("p(true)" if line == tall - 1 else "100 %" if not line and tall > 1 else "", words, plain))
    end = [row(when, numbers, [muted] * len(kept))] if height >= 3 else []
    return [*bars, classes, signs, *end]


def _bar(share: float, tall: int, line: int, levels: str) -> str:
    """The glyph of one line, counted from below, of a bar of `tall` lines filled to `share`."""
    top = len(levels) - 1
    eighths = max(round(share * tall * top), 1 if share > 0 else 0)
    return levels[min(max(eighths - line * top, 0), top)]


def tell(history: Sequence[Verdict], true: int, *, brief: bool = False) -> str:
    """When the digit was learned and forgotten: `learned in epoch 2, forgotten in 5`; briefly, only what came last."""
    if not history:
        return ""
    when = "epoch" if len({verdict.epoch for verdict in history}) == len(history) else "step"
    points = turning_points(history, true)
    if not points:
        return "never right so far"
    words = [f"{kind} {{}}{verdict.epoch if when == 'epoch' else verdict.step}" for kind, verdict in points]
    place = "in epoch " if when == "epoch" else "at step "
    short = "in " if when == "epoch" else "at "
    if brief:
        return words[-1].format(place)
    if len(words) > 4:
        return f"learned and forgotten {len(words)} times, last {words[-1].format(place)}"
    return ", ".join(word.format(short if number else place) for number, word in enumerate(words))
