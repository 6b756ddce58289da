"""A partial repaint sends what changed, and leaves the terminal as Textual's of the whole screen would."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pyte
import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import Compositor
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets._toast import Toast

from mnist_tui.tui.update import SparingCompositor
from tests.tui.scripted import make_app, mid_run

WIDTH, HEIGHT = 40, 12
NARROW = ("abc", "  ", "⣿⣶", "x", "─", "e\u0301")
STYLES = (Style(color="red"), Style(color="blue", bold=True), Style())


class Scrawl(Widget):
    """Words of one and of two cells, the same at every look."""

    drawn: list[int]

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        rng = random.Random(f"{self.id} {y}")
        words = NARROW if self.id == "over" else (*NARROW, "数字")
        segments: list[Segment] = []
        while Strip(segments).cell_length < self.size.width:
            segments.append(Segment(rng.choice(words), rng.choice(STYLES)))
        return Strip(segments).adjust_cell_length(self.size.width)


class Scrawls(App[None]):
    """Two beside each other, one over both, and one that is scrolled."""

    CSS = """
    Screen { layers: below above; }
    #left { width: 17; height: 8; layer: below; }
    #right { width: 23; height: 12; layer: below; offset: 17 0; border: round red; }
    #over { width: 13; height: 5; layer: above; offset: 10 4; }
    #box { width: 17; height: 4; layer: below; offset: 0 8; overflow: auto; scrollbar-size: 1 1; }
    #scrolled { width: 30; height: 9; }
    """

    def compose(self) -> ComposeResult:
        yield Scrawl(id="left")
        yield Scrawl(id="right")
        yield Container(Scrawl(id="scrolled"), id="box")
        yield Scrawl(id="over")

    async def on_mount(self) -> None:
        for scrawl in self.query(Scrawl):
            scrawl.drawn = []
        self.query_one("#box").scroll_to(3, 2, animate=False)


def terminal_after(size: tuple[int, int], *texts: str) -> list[list[object]]:
    screen = pyte.Screen(*size)
    stream = pyte.Stream(screen)
    for text in texts:
        stream.feed(text.replace("\n", "\r\n"))
    return [[screen.buffer[y][x] for x in range(size[0])] for y in range(size[1])]


def console() -> Console:
    return Console(color_system="truecolor", force_terminal=True)


def repaint(screen: Screen[object], regions: Iterable[Region]) -> str:
    """What is sent when `regions` of `screen` changed."""
    compositor = screen._compositor
    assert isinstance(compositor, SparingCompositor)
    compositor._dirty_regions = set(regions)
    update = compositor.render_partial_update()
    assert compositor._dirty_regions == set()
    return "" if update is None else update.render_segments(console())


def cells_of(region: Region) -> list[tuple[int, int]]:
    return [(x, y) for y in region.line_range for x in range(*region.column_span)]


def some_regions(rng: random.Random, width: int, height: int) -> list[Region]:
    regions = []
    for _ in range(rng.randint(1, 4)):
        x, y = rng.randrange(width), rng.randrange(height)
        regions.append(Region(x, y, rng.randint(1, width - x), rng.randint(1, height - y)))
    return regions


async def test_a_repaint_of_widgets_over_each_other_leaves_what_is_there() -> None:
    app = Scrawls()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        app.screen._compositor.__class__ = SparingCompositor
        whole = Compositor.render_full_update(app.screen._compositor).render_segments(console())
        expected = terminal_after((WIDTH, HEIGHT), whole)
        ours = app.screen._compositor.render_full_update().render_segments(console())
        assert terminal_after((WIDTH, HEIGHT), ours) == expected
        for seed in range(150):
            regions = some_regions(random.Random(seed), WIDTH, HEIGHT)
            sent = repaint(app.screen, regions)
            assert terminal_after((WIDTH, HEIGHT), whole, sent) == expected, regions
            bare = terminal_after((WIDTH, HEIGHT), sent)
            for x, y in {place for region in regions for place in cells_of(region)}:
                assert bare[y][x] == expected[y][x], (x, y, regions)


@pytest.mark.parametrize("key", ["1", "i", "question_mark", "q"])
async def test_a_repaint_of_a_screen_leaves_what_is_there(key: str) -> None:
    app, _ = make_app(mid_run())
    size = (120, 36)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        app.tick()
        app.notify("a toast lies over everything")
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen._compositor, SparingCompositor)
        assert any(isinstance(widget, Toast) for widget in app.screen._compositor.visible_widgets)
        whole = Compositor.render_full_update(app.screen._compositor).render_segments(console())
        expected = terminal_after(size, whole)
        ours = app.screen._compositor.render_full_update().render_segments(console())
        assert terminal_after(size, ours) == expected
        for seed in range(12):
            regions = some_regions(random.Random(seed), *size)
            assert terminal_after(size, whole, repaint(app.screen, regions)) == expected, regions


async def test_only_what_lies_under_a_change_is_drawn_and_sent() -> None:
    app = Scrawls()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        app.screen._compositor.__class__ = SparingCompositor
        scrawls = {scrawl.id: scrawl for scrawl in app.query(Scrawl)}
        app.screen.refresh()
        for scrawl in scrawls.values():
            scrawl.refresh()
            scrawl.drawn.clear()
        ours = repaint(app.screen, [Region(0, 1, 1, 2), Region(12, 5, 3, 1)])
        assert {name: sorted(scrawl.drawn) for name, scrawl in scrawls.items() if scrawl.drawn} == {
            "left": [1, 2],
            "over": [1],
        }
        assert [part.split("H")[0] for part in ours.split("\x1b[") if "H" in part] == ["2;1", "3;1", "6;13"]
        assert repaint(app.screen, []) == ""
        assert repaint(app.screen, [Region(200, 5, 3, 1), Region(2, -1, 3, 1)]) == ""
