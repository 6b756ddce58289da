"""What the browser shows, in words: titles, captions and sentences of several panels."""

from __future__ import annotations

from mnist_tui.core.query import ALL, WRONG, Query, Sort
from mnist_tui.render.words import grouped
from mnist_tui.tui.browser import DigitBrowser

SORT_WORDS: dict[Sort, str] = {
    "loss": "hardest first",
    "confidence": "surest first",
    "margin": "lowest margin first",
    "entropy": "least decided first",
    "quality": "most doubtful label first",
    "index": "as stored",
}


def kind_of(browser: DigitBrowser, count: int = 2) -> str:
    """What is looked at: `test digits`, `training digit`, `drawings`."""
    if browser.split == "drawings":
        return "drawing" if count == 1 else "drawings"
    return f"{browser.split} digit" if count == 1 else f"{browser.split} digits"


def count_words(browser: DigitBrowser) -> tuple[str, str]:
    """How many digits are shown, of which kind and in which order; and without the order."""
    count = len(browser.order)
    many = f"{grouped(count)} digit{'' if count == 1 else 's'}"
    if browser.predictions is None or browser.query == ALL:
        many = f"all: {many}"
    elif browser.query == WRONG:
        many = f"misclassified: {many}"
    return f"{many}, {order_words(browser)}", many


def order_words(browser: DigitBrowser) -> str:
    """In which order they are shown."""
    return SORT_WORDS["index" if browser.predictions is None else browser.sort]


def title_choices(browser: DigitBrowser, *, brief: bool = False) -> tuple[str, ...]:
    """The split, the weights that judged it, and which digits are shown in which order; the longest first.

    Briefly, conditions and order are left out: where another line says them.
    """
    kind = kind_of(browser)
    if browser.digits is None or browser.predictions is None:
        return (kind if browser.digits is None else f"{kind}: no prediction yet", kind)
    judged = f"{kind} after step {grouped(browser.predictions.step)}"
    if browser.predictions.judged_by:
        judged = f"{kind} by networks that have not seen them"
    wrong = grouped(browser.wrong_count or 0)
    order = order_words(browser)
    if browser.query == ALL:
        which, short = f"{order}, {wrong} wrong", f"{wrong} wrong"
    elif browser.query == WRONG:
        short = f"the {wrong} misclassified"
        which = short + ("" if brief or browser.sort == "loss" else f", {order}")
    elif brief:
        return judged, kind
    else:
        from mnist_tui.core.search import line

        short = line(browser.query, browser.classes)
        which = f"{short}, {order}"
    return (
        f"{judged}: {which}",
        f"{judged}: {short}",
        f"step {grouped(browser.predictions.step)}: {short}",
        judged,
        kind,
    )


def why_empty(browser: DigitBrowser, *, searchable: bool = True) -> str:
    """Why no digit is shown, and the way back; `searchable` where backspace is the way.

    Empty where there is something to show.
    """
    if browser.digits is None:
        return "loading the digits"
    if browser.order:
        return ""
    blame = browser.blame
    if blame is None:
        return f"There are no {kind_of(browser)}."
    from mnist_tui.core.search import line, words

    guilty = words(blame.condition, browser.classes)
    if searchable:
        way = f"Backspace takes {guilty} off."
    elif browser.only_wrong and blame.condition.field == "is":
        way = "m shows all."
    else:
        way = f"On Inspect (i), backspace takes {guilty} off."
    if browser.query == WRONG:
        return f"Not one of the {kind_of(browser)} is misclassified. {way}"
    if blame.condition.field == "vs" and browser.other is None:
        return f"There is no other evaluation of the {kind_of(browser)} to compare with. {way}"
    if blame.alone:
        return f"{guilty} matches none of the {kind_of(browser)}. {way}"
    place = browser.query.conditions.index(blame.condition)
    before = line(Query(browser.query.conditions[:place]), browser.classes)
    match = "1 digit matches" if blame.left == 1 else f"{grouped(blame.left)} digits match"
    return f"{match} {before}, but {guilty} leaves none. {way}"
