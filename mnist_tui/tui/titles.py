"""Titles in the border of a panel: whole words, never cut in the middle."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from mnist_tui.core.notes import harmless

_CORNERS = 6  # cells of the border's line that Textual keeps: corners, a cell of line and a blank on either side


def fitting_title(choices: Sequence[str | Content], width: int) -> Content:
    """The first of `choices`, the longest first, that fits over a panel of `width` cells; if none does, the last.

    Text is never parsed as markup. Before a panel has a width, the first is taken.
    """
    titles = [Content(f" {harmless(each)} ") if isinstance(each, str) else each for each in choices]
    return next((title for title in titles if not width or title.cell_length <= width - _CORNERS), titles[-1])
