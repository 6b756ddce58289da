"""The program's two themes, made from its palettes."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import App
from textual.scrollbar import ScrollBarRender
from textual.theme import Theme

from mnist_tui.render.palette import DARK, LIGHT, Palette

DARK_THEME = "mnist-dark"
LIGHT_THEME = "mnist-light"


def _theme(name: str, palette: Palette) -> Theme:
    return Theme(
        name=name,
        dark=palette.dark,
        primary=palette.accent,
        secondary=palette.average,
        accent=palette.accent,
        foreground=palette.text,
        background=palette.background,
        surface=palette.surface,
        panel=palette.panel,
        success=palette.right,
        error=palette.wrong,
        warning=palette.warning,
        variables={"muted": palette.muted, "faint": palette.faint, "footer-background": palette.background},
    )


def themes() -> list[Theme]:
    """Both themes, dark first."""
    return [_theme(DARK_THEME, DARK), _theme(LIGHT_THEME, LIGHT)]


def palette_of(dark: bool) -> Palette:
    """The palette for a theme, also one that is not ours."""
    return DARK if dark else LIGHT


_KNOWN: dict[str, Palette] = {DARK_THEME: DARK, LIGHT_THEME: LIGHT}


def palette_in(app: App[Any]) -> Palette:
    """The palette for the theme in force; by its name, since Textual makes a table of all themes to look one up."""
    name = app.theme
    if name not in _KNOWN:
        _KNOWN[name] = palette_of(app.current_theme.dark)
    return _KNOWN[name]


def curve_colours(palette: Palette) -> tuple[str, ...]:
    """The colours of curves laid over each other; each also has a letter."""
    return (
        palette.average_accuracy,
        palette.average,
        palette.right,
        palette.mark,
        palette.wrong,
        palette.best,
    )


class PlainScrollBar(ScrollBarRender):
    """A scroll bar of blanks alone, told apart by their colour or reversed: for terminals that know only ASCII."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8
