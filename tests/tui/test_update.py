"""A partial repaint sends what changed, and leaves the terminal as Textual's own would."""

from __future__ import annotations

import random

import pyte
import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from mnist_tui.tui.update import CroppedUpdate

WIDTH, CUT = 24, 10
WORDS = ("abc", "  ", "⣿⣶", "数字", "x", "─")
STYLES = (Style(color="red"), Style(color="blue", bold=True), Style())


def strip_of(rng: random.Random, width: int) -> Strip:
    segments: list[Segment] = []
    while Strip(segments).cell_length < width:
        segments.append(Segment(rng.choice(WORDS), rng.choice(STYLES)))
    return Strip(segments).adjust_cell_length(width)


def screen_after(*texts: str) -> list[list[object]]:
    screen = pyte.Screen(WIDTH, 4)
    stream = pyte.Stream(screen)
    for text in texts:
        stream.feed(text.replace("\n", "\r\n"))
    return [[screen.buffer[y][x] for x in range(WIDTH)] for y in range(4)]


def update(lines: list[list[Strip]], spans: list[tuple[int, int, int]]) -> ChopsUpdate:
    return ChopsUpdate([{0: left, CUT: right} for left, right in lines], spans, [[CUT, WIDTH] for _ in lines])


@pytest.mark.parametrize("seed", range(40))
def test_the_terminal_shows_what_textual_would_show(seed: int) -> None:
    rng, console = random.Random(seed), Console(color_system="truecolor", force_terminal=True)
    before = [[strip_of(rng, CUT), strip_of(rng, WIDTH - CUT)] for _ in range(3)]
    whole = [(y, 0, WIDTH) for y in range(3)]
    shown = update(before, whole).render_segments(console)
    spans = []
    for y in sorted(rng.sample(range(3), 2)):
        start = rng.randrange(WIDTH - 1)
        spans.append((y, start, rng.randint(start + 1, WIDTH)))
    theirs = update(before, spans)  # what is shown is sent again: whatever is not, stays
    ours = CroppedUpdate.of(theirs).render_segments(console)
    assert screen_after(shown, ours) == screen_after(shown, theirs.render_segments(console))


def test_only_the_cells_of_the_span_are_sent() -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    line = [Strip([Segment("0123456789")]), Strip([Segment("abcdefghijklmn")])]
    assert CroppedUpdate.of(update([line], [(0, 7, 8)])).render_segments(console) == "\x1b[1;8H7"
    assert CroppedUpdate.of(update([line], [(0, 8, 12)])).render_segments(console) == "\x1b[1;9H89\x1b[1;11Hab"


def test_a_character_of_two_cells_is_not_cut() -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    line = [Strip([Segment("数字数字ab")]), Strip([Segment("abcdefghijklmn")])]
    assert CroppedUpdate.of(update([line], [(0, 3, 6)])).render_segments(console) == "\x1b[1;1H数字数"


def test_a_character_without_a_cell_does_not_hide_one_of_two() -> None:
    console = Console(color_system="truecolor", force_terminal=True)
    line = [Strip([Segment("数e\u0301 345678")]), Strip([Segment("abcdefghijklmn")])]
    assert CroppedUpdate.of(update([line], [(0, 1, 4)])).render_segments(console).startswith("\x1b[1;1H数")
