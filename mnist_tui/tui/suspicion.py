"""What the label of a digit should likely be, for its caption."""

from __future__ import annotations

from mnist_tui.tui.browser import DigitBrowser


def suggested_class(browser: DigitBrowser, index: int) -> int | None:
    """The suggested class of digit `index`, while likely label errors are looked at; None otherwise."""
    condition = browser.query.get("is")
    if condition is None or "suspect" not in condition.choices or browser.predictions is None:
        return None
    from mnist_tui.core.predictions.label_errors import suggested, suspects

    return int(suggested(browser.predictions)[index]) if suspects(browser.predictions)[index] else None
