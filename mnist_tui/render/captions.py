"""The line below a small digit: what it is, what it was taken for, and how surely, by what fits."""

from __future__ import annotations


def caption_of(true: str, predicted: str, share: float, width: int, *, ascii_only: bool = False) -> str:
    """At most `width` characters: `✗ 4→9 98%` of a mistake, `4 98%` of a hit.

    Where that is too long the percentage goes first, then the blank, then the ends of both names alike: the sign and
    both classes stay at any width from 4 (ASCII: 5) on.

    Args:
        true: the name of the class.
        predicted: the name of the class it was taken for.
        share: the probability of that, 0..1; only certainty is shown as 100%.
        width: in cells.
        ascii_only: characters every terminal has.
    """
    percent = f"{round(share * 100) if share > 0.999 else min(round(share * 100), 99)}%" if share == share else "?"
    if true == predicted:
        return next((text for text in (f"{true} {percent}", true) if len(text) <= width), true[:width])
    sign, arrow = ("x", "->") if ascii_only else ("✗", "→")
    pair = f"{true}{arrow}{predicted}"
    for text in (f"{sign} {pair} {percent}", f"{sign}{pair} {percent}", f"{sign} {pair}", f"{sign}{pair}"):
        if len(text) <= width:
            return text
    room = max(2, width - len(sign) - len(arrow))
    short = min(len(true), max(room // 2, room - len(predicted)))
    return f"{sign}{true[:short]}{arrow}{predicted[: room - short]}"
