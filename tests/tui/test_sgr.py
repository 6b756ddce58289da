"""A terminal that is told only what differs shows what one that is told everything does."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from typing import Any

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mnist_tui.tui.sgr import Writing

COLOURS = (None, "default", "red", "#5ccfb0", "#11151d", "color(200)")
ATTRIBUTES = ("bold", "dim", "italic", "underline", "blink", "reverse", "strike", "underline2", "overline")
ON_BLANKS = {"4", "7", "9", "21", "53"}
TEXTS = (" ", "   ", "a", "数字", "▀▀", "e\u0301", "")
SYSTEMS = [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD]


def some_style(rng: random.Random) -> Style | None:
    if rng.random() < 0.1:
        return None
    names = rng.sample(ATTRIBUTES, rng.choice((0, 0, 0, 1, 2)))
    attributes: dict[str, Any] = {name: rng.random() < 0.5 for name in names}
    link = "https://example.org" if rng.random() < 0.05 else None
    return Style(color=rng.choice(COLOURS), bgcolor=rng.choice(COLOURS), link=link, **attributes)


def some_strip(rng: random.Random, styles: Iterable[Style | None]) -> Strip:
    known = list(styles)
    return Strip([Segment(rng.choice(TEXTS), rng.choice(known)) for _ in range(rng.randint(1, 8))])


def seen(sent: str) -> list[tuple[str, ...]]:
    """Each character with what a terminal shows of its style; each movement and link between them."""
    attributes: set[str] = set()
    colours = {"3": "39", "4": "49"}
    found: list[tuple[str, ...]] = []
    for parameters, other, character in re.findall(r"\x1b\[([\d;]*)m|(\x1b\[[\d;]*H|\x1b\]8;.*?\x1b\\\\)|(.)", sent):
        if character:
            blank = character == " " and not attributes & ON_BLANKS
            found.append((character, colours["4"]) if blank else (character, *sorted(attributes), *colours.values()))
        elif other:
            found.append((re.sub("id=[^;]*", "", other),))
        else:
            take(parameters.split(";"), attributes, colours)
    assert not attributes
    assert colours == {"3": "39", "4": "49"}
    return found


def take(codes: list[str], attributes: set[str], colours: dict[str, str]) -> None:
    while codes:
        code = codes.pop(0)
        if code == "0":
            attributes.clear()
            colours.update({"3": "39", "4": "49"})
        elif code in {"38", "48"}:
            length = {"2": 4, "5": 2}[codes[0]]
            colours[code[0]] = ";".join([code, *codes[:length]])
            del codes[:length]
        elif re.fullmatch(r"(3|4|9|10)\d", code):
            colours["4" if code.startswith(("4", "10")) else "3"] = code
        else:
            attributes.add(code)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_what_is_seen_is_what_every_style_in_full_would_show(system: ColorSystem) -> None:
    rng = random.Random(0)
    ours = theirs = 0
    for _ in range(500):
        styles = [some_style(rng) for _ in range(4)]
        strips = [some_strip(rng, styles) for _ in range(3)]
        writing, whole = Writing(system), ""
        for y, strip in enumerate(strips):
            writing.move(2, y)
            writing.write(strip)
            whole += f"\x1b[{y + 1};3H" + "".join(
                text if style is None else Strip.render_style(style, text, system) for text, style, _ in strip if text
            )
        sent = writing.finish()
        assert seen(sent) == seen(whole), strips
        ours, theirs = ours + len(sent), theirs + len(whole)
    assert ours < 0.85 * theirs


def test_only_what_differs_is_told() -> None:
    grey, bold = Style(color="#808080", bgcolor="#101010"), Style(color="#808080", bgcolor="#101010", bold=True)
    light = Style(color="#ffffff", bgcolor="#101010", italic=True)
    writing = Writing(ColorSystem.TRUECOLOR)
    parts = [Segment("a", grey), Segment("b", grey), Segment("c", bold), Segment("  ", light), Segment("d", grey)]
    writing.write(Strip(parts))
    assert writing.finish() == (
        "\x1b[38;2;128;128;128;48;2;16;16;16mab\x1b[1mc  \x1b[0;38;2;128;128;128;48;2;16;16;16md\x1b[0m"
    )


def test_nothing_is_told_where_nothing_has_a_style() -> None:
    writing = Writing(ColorSystem.TRUECOLOR)
    writing.write(Strip([Segment("plain"), Segment(" ", Style())]))
    assert writing.finish() == "plain "
