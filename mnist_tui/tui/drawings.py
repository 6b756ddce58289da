"""Your own digits as a split of the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnist_tui.core.dataset import Split
from mnist_tui.core.errors import UserError

if TYPE_CHECKING:
    from mnist_tui.tui.browser import DigitBrowser


def show_drawings(browser: DigitBrowser) -> str:
    """Have the browser know them, if there are any; returns why they cannot be read, or nothing."""
    if "test" not in browser.splits or "drawings" in browser.splits:
        return ""
    from mnist_tui.core.drawings import read_drawings

    try:
        digits = read_drawings()
    except UserError as error:
        return str(error)
    if len(digits):
        browser.add_split("drawings", digits)
    return ""


def put_drawings(browser: DigitBrowser, digits: Split) -> None:
    """Have the browser know these in place of those before."""
    if len(digits):
        browser.add_split("drawings", digits)
    else:
        browser.show_split("test")
        browser.splits.pop("drawings", None)
