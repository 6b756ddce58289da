"""Titles of panels: whole words."""

from __future__ import annotations

import pytest
from textual.content import Content

from mnist_tui.tui.titles import fitting_title

CHOICES = "history: learned at step 938, forgotten at 1876", "forgotten at step 1876", "history"


@pytest.mark.parametrize(
    ("width", "place"), [(0, 0), (55, 0), (54, 1), (30, 1), (29, 2), (3, 2)], ids=lambda value: str(value)
)
def test_the_longest_that_fits_between_the_corners_is_taken(width: int, place: int) -> None:
    assert fitting_title(CHOICES, width).plain == f" {CHOICES[place]} "


def test_text_is_never_markup_and_commands_no_terminal() -> None:
    assert fitting_title(["[b]name[/b] \x1b[2J"], 80).plain.startswith(" [b]name[/b] ")
    assert "\x1b" not in fitting_title(["\x1b[2J"], 80).plain


def test_a_styled_title_stays_as_it_is() -> None:
    styled = Content.assemble(" ", ("+ light", "bold red"), " ")
    assert fitting_title([styled, "filters"], 20) is styled
