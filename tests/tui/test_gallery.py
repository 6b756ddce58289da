from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message
from textual.pilot import Pilot

from mnist_tui.core.settings import ScreenSettings
from mnist_tui.render.blocks import Size
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.looks import SIZES
from mnist_tui.tui.screens.inspect import InspectScreen
from mnist_tui.tui.widgets.gallery import Gallery
from mnist_tui.tui.widgets.picture import size_of
from tests.tui.scripted import evaluation, make_app, mid_run

TERMINALS = [(80, 24), (120, 36), (200, 60)]


@asynccontextmanager
async def gallery_of(
    size: tuple[int, int] = (120, 36), screen: ScreenSettings | None = None, messages: list[Message] | None = None
) -> AsyncIterator[tuple[Pilot[int], Gallery, MnistApp]]:
    app, _ = make_app(mid_run(), screen)
    heard = messages if messages is not None else []
    async with app.run_test(size=size, message_hook=heard.append) as pilot:
        app.tick()
        await pilot.press("i")
        assert isinstance(app.screen, InspectScreen)
        yield pilot, app.screen.gallery, app


def texts(gallery: Gallery) -> list[str]:
    return [gallery.render_line(y).text for y in range(gallery.scrollable_content_region.height)]


def row_in_sight(gallery: Gallery, app: MnistApp) -> bool:
    """Whether all of the cursor's row is seen."""
    height = gallery._grid.row_height
    top = app.session.browser.position // gallery.columns * height - gallery.scroll_offset.y
    bottom = top + size_of(app.session.look.size)[1]
    return top >= 0 and bottom <= max(gallery.scrollable_content_region.height, height)


@pytest.mark.parametrize("terminal", TERMINALS)
async def test_the_cursor_survives_every_cell_size(terminal: tuple[int, int]) -> None:
    async with gallery_of(terminal) as (pilot, gallery, app):
        app.session.browser.move_to(4321)
        gallery.show()
        sizes: list[Size] = []
        for _ in SIZES:
            await pilot.press("v")
            sizes.append(app.session.look.size)
            assert app.session.browser.position == 4321
            assert row_in_sight(gallery, app)
            assert {len(line) for line in texts(gallery)} == {gallery.scrollable_content_region.width}
            assert gallery.scroll_offset.y % gallery._grid.row_height == 0
        assert sorted(sizes) == sorted(SIZES)


async def test_the_cursor_survives_a_resize() -> None:
    async with gallery_of((200, 60)) as (pilot, gallery, app):
        app.session.browser.move_to(5000)
        gallery.show()
        for terminal in TERMINALS:
            await pilot.resize_terminal(*terminal)
            assert app.session.browser.position == 5000
            assert row_in_sight(gallery, app)


@pytest.mark.parametrize("terminal", TERMINALS)
async def test_pages_begin_with_a_row_to_the_last_digit(terminal: tuple[int, int]) -> None:
    async with gallery_of(terminal) as (pilot, gallery, app):
        first = app.session.browser.position
        await pilot.press("pagedown")
        assert app.session.browser.position - first == gallery.columns * gallery._grid.rows
        await pilot.press("end")
        assert app.session.browser.position == 9999
        assert row_in_sight(gallery, app)
        assert gallery.scroll_offset.y % gallery._grid.row_height == 0
        await pilot.press("home")
        assert gallery.scroll_offset.y == 0


async def test_a_dense_mistake_has_its_sign_and_both_classes() -> None:
    async with gallery_of() as (pilot, gallery, app):
        await pilot.press("m", "v")
        assert app.session.look.size == "dense"
        predictions = app.session.browser.predictions
        assert predictions is not None
        caption = gallery.render_line(4).text
        for index in app.session.browser.order[1 : gallery.columns]:
            pair = f"{predictions.labels[index]}→{predictions.predicted[index]}"
            assert f"✗{pair}" in caption or f"✗ {pair}" in caption


@pytest.mark.parametrize(("ascii_only", "marks"), [(False, "▐▌▸◂"), (True, "||><")])
async def test_the_selected_digit_is_told_by_characters(ascii_only: bool, marks: str) -> None:
    async with gallery_of(screen=ScreenSettings(ascii=ascii_only)) as (pilot, gallery, _):
        for size in SIZES:
            await pilot.press("v")
            lines = texts(gallery)
            art, caption = lines[0], lines[size_of(gallery._session.look.size)[1] - 1]
            assert art[0] == marks[0], size
            assert marks[1] in art[1:]
            assert caption[1] == marks[2]
            assert marks[3] in caption
            await pilot.press("right")
            assert texts(gallery)[0][0] == " " or gallery.columns == 1  # then its row has scrolled away
            await pilot.press("left")


async def test_enter_and_a_double_click_open_a_digit() -> None:
    messages: list[Message] = []
    async with gallery_of(messages=messages) as (pilot, _, app):
        await pilot.press("right", "enter", "escape")
        await pilot.click("#gallery", offset=(5, 4), times=2)
        order = app.session.browser.order
        opened = {id(message): message.index for message in messages if isinstance(message, Gallery.Opened)}
        assert list(opened.values()) == [order[1], order[0]]  # each is heard again on its way up


async def test_the_wheel_moves_the_view_by_a_row_and_leaves_the_cursor() -> None:
    async with gallery_of() as (pilot, gallery, app):
        for event, row in ((MouseScrollUp, 0), (MouseScrollDown, 1), (MouseScrollDown, 2), (MouseScrollUp, 1)):
            gallery.post_message(event(gallery, 5, 5, 0, 0, 0, False, False, False))
            await pilot.pause()
            assert gallery.scroll_offset.y == row * gallery._grid.row_height
        assert app.session.browser.position == 0
        app.session.apply(evaluation(1876, 2))
        app.tick()
        assert gallery.scroll_offset.y == gallery._grid.row_height
        await pilot.press("right")
        assert gallery.scroll_offset.y == 0


async def test_drawn_digits_are_bounded_and_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_tui.tui.widgets.gallery._KEPT", 20)
    async with gallery_of() as (pilot, gallery, app):
        for _ in range(12):
            await pilot.press("pagedown")
        texts(gallery)
        assert len(gallery._drawn) <= 20
        index = app.session.browser.index
        assert index is not None
        kept = gallery._picture(index, True, gallery.palette)
        for other in app.session.browser.order[100:115]:
            gallery._picture(other, False, gallery.palette)
            assert gallery._picture(index, True, gallery.palette) is kept


async def test_the_title_counts_and_an_empty_order_says_so() -> None:
    async with gallery_of() as (_, gallery, app):
        app.session.browser.order = ()
        app.session.browser.revision += 1
        gallery.show()
        assert "0 digits" in str(gallery.border_title)
        assert {line.strip() for line in texts(gallery)} == {"", "There are no test digits."}
