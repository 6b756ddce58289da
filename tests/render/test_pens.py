"""Styles that are made once."""

from __future__ import annotations

from rich.style import Style

from mnist_tui.render.pens import pen


def test_a_style_is_made_once_and_has_what_was_asked_for() -> None:
    assert pen("#ff0000", bold=True, on="#000000") == Style(color="#ff0000", bgcolor="#000000", bold=True)
    assert pen("#ff0000") == Style(color="#ff0000")
    assert pen("#ff0000") is pen("#ff0000")
