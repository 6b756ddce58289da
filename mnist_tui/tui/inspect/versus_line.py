"""What became of the mistakes of the evaluation that is compared with, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_tui.tui.browser import DigitBrowser

if TYPE_CHECKING:
    from mnist_tui.core.predictions.versus import Versus


def versus_of(browser: DigitBrowser) -> Versus | None:
    """The counts against `browser.other`; None where there is nothing to compare."""
    other = browser.other
    if browser.predictions is None or other is None:
        return None
    from mnist_tui.core.predictions.versus import versus

    return versus(browser.predictions, other.predictions)


def versus_line(browser: DigitBrowser, *, short: bool = False) -> str:
    """`fixed 41, broken 17, both wrong 60 against step 938`, or some cells less; empty without another evaluation."""
    counts, other = versus_of(browser), browser.other
    if counts is None or other is None:
        return ""
    if short:
        return f"fixed {counts.fixed}, broken {counts.broken}, both {counts.both}, vs {other.name}"
    return f"fixed {counts.fixed}, broken {counts.broken}, both wrong {counts.both} against {other.name}"
