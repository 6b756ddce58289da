"""Segments from anywhere as lines that a terminal can be given."""

from __future__ import annotations

import random
import sys
import unicodedata

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mnist_tui.tui import finishing
from mnist_tui.tui.finishing import NARROW, Background, finished

BASE = Style(color="white", bgcolor="black")


def test_a_narrow_character_is_printable_and_takes_one_cell() -> None:
    every = map(chr, (*range(0xD800), *range(0xE000, sys.maxunicode + 1)))
    narrow = [character for character in every if NARROW.fullmatch(character)]
    assert len(narrow) > 400
    assert all(cell_len(character) == 1 and character.isprintable() for character in narrow)
    assert not any(unicodedata.combining(character) for character in narrow)


def cells(strip: Strip) -> list[tuple[str, Style | None]]:
    return [(character, segment.style) for segment in strip for character in segment.text]


def test_a_line_is_as_wide_as_it_should_be_on_its_background() -> None:
    rng = random.Random(0)
    words = ("ab", "", " ", "⣿", "数字", "e\u0301", "\x1b[2J", "é")
    styles = (None, Style(), Style(color="red"), Style(bgcolor="blue", bold=True))
    background = Background(BASE)
    for _ in range(300):
        segments = [Segment(rng.choice(words), rng.choice(styles)) for _ in range(rng.randrange(9))]
        width = rng.randrange(20)
        strip = finished(segments, width, background)
        assert strip.cell_length == cell_len(strip.text) == width
        assert "\x1b" not in strip.text
        for segment in strip:
            assert segment.style is not None
            assert segment.style.color is not None
            assert segment.style.bgcolor in {BASE.bgcolor, styles[3].bgcolor if styles[3] else None}
        if all(segment.text.isprintable() for segment in segments):
            plain = [Segment(text, BASE + style if style else BASE) for text, style, _ in segments]
            filled = Strip([*plain, Segment(" " * width, BASE)]).crop(0, width)
            assert cells(strip) == cells(filled)


def test_styles_that_come_and_go_are_not_mistaken_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    background = Background(BASE)
    monkeypatch.setattr(finishing, "_MOST_STYLES", 50)
    for number in range(400):  # each is gone before the next is made, and has its place in memory
        colour = f"#{number:06x}"
        assert background.under(Style(color=colour)).color == Style(color=colour).color
    assert len(background.known) <= 50


def test_a_line_of_more_styles_than_are_kept_has_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    background = Background(BASE)
    monkeypatch.setattr(finishing, "_MOST_STYLES", 3)
    for first in (0, 4, 2):
        colours = [f"#{number:06x}" for number in range(first, first + 8)]
        strip = finished([Segment("x", Style(color=colour)) for colour in colours], 8, background)
        assert [segment.style for segment in strip] == [BASE + Style(color=colour) for colour in colours]
