"""A partial repaint sends what changed, and leaves the terminal as Textual's of the whole screen would."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterable
from typing import Any

import pyte
import pytest
from pyte.screens import Char
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

from mnist_tui.core.events import Event, HyperparametersApplied
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.update import SparingCompositor
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.line_view import changed_stretch
from mnist_tui.tui.widgets.metric_chart import MetricChart
from tests.tui.scripted import ScriptedRunner, batches, evaluation, make_app, mid_run, started

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
    """What is seen in each cell; where nothing is written, no colour of what would be, nor whether it would be bold."""
    screen = pyte.Screen(*size)
    stream = pyte.Stream(screen)
    for text in texts:
        stream.feed(text.replace("\n", "\r\n"))
    return [[_seen(screen.buffer[y][x]) for x in range(size[0])] for y in range(size[1])]


def _seen(cell: Char) -> Char:
    blank = cell.data == " " and not (cell.reverse or cell.underscore or cell.strikethrough)
    return cell._replace(fg="default", bold=False, italics=False) if blank else cell


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


def test_a_changed_stretch_over_the_old_line_makes_it_the_new_one() -> None:
    rng = random.Random(0)
    compared = 0
    for _ in range(500):
        old, new = (
            [Segment(rng.choice(("a", "bc", "数", " ")), rng.choice(STYLES)) for _ in range(rng.randint(1, 6))]
            for _ in range(2)
        )
        if rng.random() < 0.7:  # alike but for one place
            new = [*old]
            new[rng.randrange(len(new))] = Segment(rng.choice("xy"), rng.choice(STYLES))
        width = max(Strip(old).cell_length, Strip(new).cell_length) + 1
        before, after = (Strip([*line, Segment(" " * (width - Strip(line).cell_length))]) for line in (old, new))
        changed = changed_stretch(before, after, width)
        if changed is None:
            assert before == after
            continue
        start, end, strip = changed
        if strip is None:
            continue
        compared += 1
        assert strip.cell_length == end - start
        assert Strip.join([after.crop(0, start), strip, after.crop(end)]).simplify() == after.simplify()
        assert before.crop(0, start).simplify() == after.crop(0, start).simplify()
        assert before.crop(end).simplify() == after.crop(end).simplify()
    assert compared > 200


async def test_what_a_panel_has_at_hand_is_not_drawn_again_and_leaves_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, _ = make_app(mid_run())
    size = (120, 36)
    async with app.run_test(size=size, notifications=True) as pilot:
        app.tick()
        await pilot.pause()
        app.notify("a toast lies over some of it", timeout=60)
        await pilot.pause()
        panel, compositor = app.dashboard.digits, app.screen._compositor
        assert isinstance(compositor, SparingCompositor)
        looked_at: set[int] = set()
        render_part = panel.render_part

        def look_and_render(y: int, first: int, end: int) -> Strip:
            looked_at.add(y)
            return render_part(y, first, end)

        monkeypatch.setattr(panel, "render_part", look_and_render)
        toast = next(w for w in compositor.visible_widgets if isinstance(w, Toast)).region
        under_the_toast = {y - panel.content_region.y for y in toast.line_range}
        sent = [Compositor.render_full_update(compositor).render_segments(console())]
        for distance in (1, 1, 10, -1, -10, 500):
            panel.action_move(distance)
            assert len(panel.stretches) > 10
            compositor.update_widgets({panel})
            looked_at.clear()
            update = compositor.render_partial_update()
            assert update is not None
            assert looked_at <= under_the_toast
            sent.append(update.render_segments(console()))
            whole = Compositor.render_full_update(compositor).render_segments(console())
            assert terminal_after(size, *sent) == terminal_after(size, whole), distance


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


def listen(app: MnistApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the terminal from now on, one text a frame."""
    sent: list[str] = []
    display = app._display

    def _display(screen: Screen[object], update: Any) -> None:
        if update is not None:
            sent.append(update.render_segments(console()))
        display(screen, update)

    monkeypatch.setattr(app, "_display", _display)
    return sent


def show(app: MnistApp, runner: ScriptedRunner, *news: Event) -> None:
    """Have `news` taken in and shown, whatever the clock says."""
    runner.say(*news)
    app.session.drain()
    app.show()


def whole(app: MnistApp) -> str:
    """The screen in sight, drawn by Textual from nothing."""
    for widget in app.screen._compositor.visible_widgets:
        widget._styles_cache.clear()
    return Compositor.render_full_update(app.screen._compositor).render_segments(console())


def newer(step: int) -> list[Event]:
    """What may follow batch `step`: most often more batches, now and then an edit or an evaluation."""
    news: list[Event] = [*batches(step + 1, 1 + step % 11)]
    if step % 7 == 0:
        edited = Hyperparameters(learning_rate=0.002 * (step % 99 + 1))
        news.append(HyperparametersApplied(step, Hyperparameters(), edited))
    if step % 9 == 0:
        news.append(evaluation(step))
    return news


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_what_a_run_sends_leaves_what_textual_draws(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, runner = make_app(started())
    async with app.run_test(size=size) as pilot:
        app.tick()
        await pilot.pause()
        sent = listen(app, monkeypatch)
        before, step = whole(app), 0
        for turn in range(60):
            news = newer(step)
            runner.say(*news)
            step += 1 + step % 11
            app.tick()
            app.show(charts=turn % 3 > 0, figures=turn % 5 > 3)
            if turn % 13 == 5:
                await pilot.press("j" if turn % 2 else "plus")
            if turn % 6 == 5:
                await pilot.pause(0.02)
                assert terminal_after(size, before, *sent) == terminal_after(size, whole(app)), turn
    assert len(sent) > 12


async def test_a_change_is_drawn_when_what_made_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.pause()
        sent = listen(app, monkeypatch)
        show(app, runner, *batches(1251, 8))
        assert sent == []
        await asyncio.sleep(0)
        assert len(sent) == 1, "both charts and all figures in one frame"


async def test_changes_that_follow_at_once_wait_for_the_next_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.pause()
        sent = listen(app, monkeypatch)
        compositor = app.screen._compositor
        assert isinstance(compositor, SparingCompositor)
        compositor._drawn_at = math.inf
        show(app, runner, *batches(1251, 8))
        await asyncio.sleep(0)
        assert sent == []
        while not sent:
            await pilot.pause(0.02)


async def test_what_lies_under_a_question_is_drawn_too(monkeypatch: pytest.MonkeyPatch) -> None:
    app, runner = make_app(mid_run())
    size = (120, 36)
    async with app.run_test(size=size) as pilot:
        app.tick()
        await pilot.press("q")
        await pilot.pause()
        assert app.screen.is_modal
        sent, before = listen(app, monkeypatch), whole(app)
        runner.say(*batches(1251, 300))
        app.tick()
        while terminal_after(size, before, *sent) != terminal_after(size, whole(app)) or not sent:
            await pilot.pause(0.02)


async def test_a_fault_in_a_drawing_ends_the_program_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    app, runner = make_app(mid_run())

    def fail(*_: object) -> Strip:
        raise ZeroDivisionError("a fault in a drawing")

    async def run() -> None:
        async with app.run_test(size=(120, 36)) as pilot:
            app.tick()
            await pilot.pause()
            monkeypatch.setattr(MetricChart, "render_part", fail)
            show(app, runner, *batches(1251, 300))
            await pilot.pause()

    with pytest.raises(ZeroDivisionError, match="a fault in a drawing"):
        await run()


async def test_a_chart_that_becomes_again_what_it_was_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    app, runner = make_app(mid_run())
    size = (120, 36)
    async with app.run_test(size=size) as pilot:
        app.tick()
        await pilot.pause()
        chart = app.dashboard.charts[0]
        earlier, before = chart._drawing, whole(app)
        sent = listen(app, monkeypatch)
        show(app, runner, *batches(1251, 300))
        await pilot.pause(0.02)
        assert terminal_after(size, before, *sent) != terminal_after(size, before)
        chart._drawing = earlier
        chart.redraw()
        await pilot.pause(0.02)
        assert terminal_after(size, before, *sent) == terminal_after(size, whole(app))


@pytest.mark.parametrize("lower", [(120, 35), (120, 34), (100, 30)])
async def test_a_chart_drawn_in_part_may_become_lower(lower: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.pause()
        show(app, runner, *batches(1251, 300))
        await pilot.pause(0.02)
        for chart in app.dashboard.charts:
            chart._stale.update(range(chart.size.height))  # as if the newest batches had reached every line
        await pilot.resize_terminal(*lower)
        await pilot.pause(0.02)
        sent, before = listen(app, monkeypatch), whole(app)
        show(app, runner, *batches(1551, 200))
        await pilot.pause(0.02)
        assert terminal_after(lower, before, *sent) == terminal_after(lower, whole(app))


async def test_what_the_mouse_is_on_is_seen() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.pause()
        bar = app.screen.query_one(KeyBar)
        plain = bar.render_lines(bar.size.region)
        await pilot.hover(KeyBar, offset=(3, 0))
        assert bar.highlight_link_id
        hovered = bar.render_lines(bar.size.region)
        assert hovered == Widget.render_lines(bar, bar.size.region)
        assert hovered != plain
