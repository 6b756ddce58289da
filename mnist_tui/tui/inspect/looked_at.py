"""What the search line says at its right end: how many digits, in which order, judged by which evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from mnist_tui.inspecting import Answer, JudgeSplit, Working
from mnist_tui.render.words import grouped
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.wording import kind_of, order_words

SORT_SHORT = {"loss": "loss", "confidence": "conf", "margin": "margin", "entropy": "entropy", "quality": "quality"}


@attrs.frozen
class Piece:
    """A few words in versions that get shorter, and what a click on them does.

    Attributes:
        versions: the longest first; an empty one leaves the piece out.
        action: of the screen; empty for none.
        strong: it is what one looks for first.
    """

    versions: tuple[str, ...]
    action: str = ""
    strong: bool = False


def pieces(browser: DigitBrowser, working: Answer | None, notice: str) -> list[Piece]:
    """The words, the most important first.

    Args:
        browser: what is looked at.
        working: the newest answer about the judging of a split.
        notice: what is waited for; empty for nothing.
    """
    return [*_count(browser), *_work(browser, working, notice), *_order(browser), *_evaluation(browser)]


def fit(pieces: Sequence[Piece], width: int, apart: int = 3) -> list[tuple[Piece, str]]:
    """Each piece in the longest version with which all fit in `width` cells, the last pieces shortened first.

    The first piece stays, in its shortest version where there is no room.
    """
    chosen = [0] * len(pieces)

    def used() -> int:
        texts = [piece.versions[version] for piece, version in zip(pieces, chosen, strict=True)]
        return sum(len(text) + apart for text in texts if text) - apart

    while used() > width:
        longer = [place for place in range(len(pieces)) if chosen[place] + 1 < len(pieces[place].versions)]
        if not longer:
            break
        turn = min(longer, key=lambda place: (chosen[place], -place))
        chosen[turn] += 1
    shown = [(piece, piece.versions[version]) for piece, version in zip(pieces, chosen, strict=True)]
    return [(piece, text) for piece, text in shown if text]


def _count(browser: DigitBrowser) -> list[Piece]:
    digits = browser.digits
    if digits is None:
        return [Piece(("loading the digits", "loading"), strong=True)]
    shown, total = len(browser.order), len(digits)
    many = f"{grouped(shown)} of {grouped(total)}" if shown != total else f"all {grouped(total)}"
    whole = ""
    if digits.of:
        many = f"the first {grouped(total)}" if shown == total else f"{grouped(shown)} of the first {grouped(total)}"
        whole = f" of {grouped(digits.of)}"
    short = many if browser.split == "test" else f"{many} {browser.split}"
    return [Piece((f"{many}{whole} {kind_of(browser)}", short, many), "next_split", strong=True)]


def _work(browser: DigitBrowser, working: Answer | None, notice: str) -> list[Piece]:
    if notice:
        return [Piece((notice,))]
    if browser.judged or browser.digits is None or (browser.predictions and browser.predictions.judged_by):
        return []
    share = ""
    if isinstance(working, Working) and isinstance(working.question, JudgeSplit):
        share = f" {working.done * 100:.0f} %"
    return [Piece((f"judging {grouped(len(browser.digits))} digits{share}", f"judging{share}"))]


def _order(browser: DigitBrowser) -> list[Piece]:
    words = order_words(browser)
    if browser.predictions is None:
        waits = ["conditions wait for predictions", "not judged"] if browser.query.conditions else []
        return [Piece((*waits, ""))]
    return [Piece((words, f"by {SORT_SHORT.get(browser.sort, browser.sort)}", ""), "next_sort")]


def _evaluation(browser: DigitBrowser) -> list[Piece]:
    shown, pages = browser.album.shown, browser.album.pages
    if shown is None:
        return [Piece(("no evaluation yet", "not judged", ""))]
    if browser.predictions is None:
        return []
    if browser.predictions.judged_by:
        return [Piece(("judged by networks that have not seen them", "judged out of sample", "out of sample"))]
    step = grouped(browser.predictions.step)
    after = Piece((f"after step {step}", f"step {step}", ""))
    if browser.album.follows:
        return [after] if len(pages) < 2 else [after, Piece(("newest", ""), "turn(-1)")]
    place = pages.index(shown) + 1
    which = f"evaluation {place} of {len(pages)}"
    return [after, Piece((f"{which}, epoch {shown.epoch}", which, f"{place}/{len(pages)}"), "turn(1)")]
