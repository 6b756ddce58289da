"""Drawing, by mouse and by keys, with a real network that judges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import torch
from PIL import Image
from textual.events import Paste
from textual.pilot import Pilot

from mnist_tui.core.dataset import Split
from mnist_tui.core.drawings import IMAGES, keep_drawing, read_drawings
from mnist_tui.core.events import Evaluated, Event
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.engine.centring import centre_canvas
from mnist_tui.engine.checkpoint import serialise, state_of
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.inspecting import Prepare
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.screens.draw import DrawScreen
from mnist_tui.tui.screens.help import HelpScreen
from mnist_tui.tui.screens.inspect import InspectScreen
from mnist_tui.tui.screens.picture import PictureScreen
from mnist_tui.tui.screens.prepared import PreparedScreen
from mnist_tui.tui.screens.runs import RunsScreen
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.widgets.path_field import PathField
from tests.tui.scripted import evaluation, loaded, make_app, mid_run, real_digits, said

SIZE = (120, 36)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MNIST_TUI_DRAWINGS", str(tmp_path / "mine"))
    return tmp_path / "mine"


def with_weights(events: Sequence[Event], seed: int = 1) -> list[Event]:
    torch.manual_seed(seed)
    state = serialise(state_of(CNN(Architecture(2, 3, 5))))
    return [attrs.evolve(event, weights=state) if isinstance(event, Evaluated) else event for event in events]


async def start(pilot: Pilot[int], app: MnistApp, *keys: str) -> None:
    await pilot.pause()
    app.tick()
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def draw(pilot: Pilot[int], app: MnistApp, *keys: str) -> DrawScreen:
    await start(pilot, app, "d", *keys)
    assert isinstance(app.screen, DrawScreen)
    return app.screen


async def answered(pilot: Pilot[int], app: MnistApp) -> None:
    """Wait for what was asked, then look."""
    screen = app.screen
    assert isinstance(screen, PreparedScreen)
    await pilot.pause()
    if app.session._inspector is not None:
        assert app.session._inspector.wait(30)
    screen.poll()
    await pilot.pause()
    assert not screen.waiting


async def drag(pilot: Pilot[int], screen: DrawScreen, *cells: tuple[int, int], button: int = 1) -> None:
    left, top = screen.view.gutter.left, screen.view.gutter.top
    places = [(x + left, y + top) for x, y in cells]
    await pilot.mouse_down(screen.view, offset=places[0], button=button)
    for place in places[1:]:
        await pilot.hover(screen.view, offset=place)
    await pilot.mouse_up(screen.view, offset=places[-1])


def pixel(app: MnistApp, column: int, row: int) -> int:
    return app.session.canvas.pixels[row * 28 + column]


def text_of(screen: PreparedScreen) -> str:
    panel = screen.query_one("#seen")
    return "\n".join(panel.render_line(y).text for y in range(panel.size.height))


async def test_dragging_the_mouse_draws_without_gaps_and_the_right_button_erases() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app)
        await drag(pilot, screen, (8, 5), (40, 5), (40, 20))  # 56 x 28 cells: two a pixel
        assert all(pixel(app, column, 5) == 255 for column in range(4, 21))
        assert all(pixel(app, 20, row) == 255 for row in range(5, 21))
        await drag(pilot, screen, (20, 5), (24, 5), button=3)
        assert pixel(app, 11, 5) == 0
        assert pixel(app, 4, 5) == 255


async def test_in_a_small_terminal_half_blocks_are_drawn_on() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await draw(pilot, app)
        await drag(pilot, screen, (4, 3), (20, 3))
        assert all(pixel(app, column, 6) == pixel(app, column, 7) == 255 for column in range(4, 21))


async def test_a_mouse_that_leaves_the_canvas_draws_on_until_the_button_is_let_go() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app)
        await drag(pilot, screen, (50, 10), (70, 10))
        assert pixel(app, 27, 10) == 255
        before = app.session.canvas.pixels
        await pilot.hover(screen.view, offset=(20, 20))
        assert app.session.canvas.pixels == before


async def test_arrows_draw_with_shift_or_with_the_pen_down() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app, "down", "down")
        assert app.session.canvas.blank
        column, row = screen.view.cursor
        await start(pilot, app, *["shift+right"] * 4)
        assert pixel(app, column, row) == pixel(app, column + 4, row) == 255
        assert pixel(app, column + 2, row) == 255
        await start(pilot, app, "down", "down", "down", "down", "p", "left", "left", "p", "left", "left", "left")
        assert pixel(app, column + 2, row + 4) == 255
        assert pixel(app, column - 1, row + 4) == 0
        await start(pilot, app, "backspace")
        assert pixel(app, column + 2, row + 4) == 0
        await start(pilot, app, "backspace")  # what shift drew is one stroke
        assert app.session.canvas.blank


async def test_keys_change_the_whole_drawing() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await draw(pilot, app, "b", "shift+right", "shift+right")
        before = app.session.canvas.pixels
        await start(pilot, app, "L", "J")
        assert app.session.canvas.pixels == bytes(29) + before[:-29]
        await start(pilot, app, "ctrl+left", "K")
        assert app.session.canvas.pixels == before
        for key in ("comma", "semicolon", "n", "c"):
            await start(pilot, app, key)
            assert app.session.canvas.pixels != before
            await start(pilot, app, "backspace")
            assert app.session.canvas.pixels == before
        await start(pilot, app, "E", "shift+left", "shift+left")
        assert sum(app.session.canvas.pixels) < sum(before) / 2


async def test_the_network_judges_every_stroke_and_says_with_which_weights() -> None:
    app, _ = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app)
        await drag(pilot, screen, (8, 5), (40, 5), (24, 20))
        await answered(pilot, app)
        assert screen.seen is not None
        assert screen.seen.pixels == centre_canvas(app.session.canvas.pixels)
        assert "weights after step 938" in text_of(screen)
        best = max(screen.seen.probabilities)
        assert f"{best:.1%} sure" in text_of(screen)
        first = screen.seen
        await drag(pilot, screen, (8, 25), (40, 25))
        await answered(pilot, app)
        assert screen.seen is not first


async def test_another_evaluation_judges_anew() -> None:
    app, runner = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app, "shift+right")
        await answered(pilot, app)
        runner.say(*with_weights([evaluation(1300, 2)], seed=5))
        app.tick()
        await answered(pilot, app)
        assert "weights after step 1 300" in text_of(screen)


async def test_before_the_first_evaluation_it_says_what_to_do() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app)
        assert "space trains, e evaluates" in " ".join(text_of(screen).split())
        assert app.session._inspector is None
        await start(pilot, app, "shift+right")
        await answered(pilot, app)
        assert screen.seen is not None
        assert "space trains, e evaluates" in " ".join(text_of(screen).split())
        assert "no weights yet" in text_of(screen)


async def test_the_newest_canvas_wins() -> None:
    app, _ = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app, *["shift+right"] * 9)
        await answered(pilot, app)
        assert screen.seen is not None
        assert isinstance(screen.seen.question, Prepare)
        assert screen.seen.question.pixels == app.session.canvas.pixels


async def test_a_drawing_is_kept_with_its_class_and_taken_back(folder: Path) -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        screen = await draw(pilot, app, "k")
        assert "There is no picture yet" in said(app)[-1]
        await start(pilot, app, "shift+down", "shift+down")
        await answered(pilot, app)
        await start(pilot, app, "k")
        assert "which digit is it" in screen.actions.question
        await start(pilot, app, "x")
        assert not folder.exists()
        assert screen.focused is screen.view
        await start(pilot, app, "k", "1")
        assert screen.seen is not None
        assert read_drawings() == Split(screen.seen.pixels, b"\1")
        assert app.session.browser.splits["drawings"] == read_drawings()
        assert "1" in str(screen.kept.border_title)
        await start(pilot, app, "D", "D")
        assert "drawings" not in app.session.browser.splits
        assert not (folder / IMAGES).exists()


async def test_kept_drawings_are_there_in_the_next_program(folder: Path) -> None:
    keep_drawing(bytes(real_digits()[1].digit(3)), 0)
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, app, "i")
        assert app.session.browser.splits["drawings"].labels == b"\0"
        await start(pilot, app, "d")
        assert isinstance(app.screen, DrawScreen)
        assert "your digits: 1" in str(app.screen.kept.border_title)


async def test_damaged_drawings_are_said_once_opened_and_nothing_is_kept_over_them(folder: Path) -> None:
    folder.mkdir()
    (folder / IMAGES).write_bytes(b"mine")
    (folder / "drawings-labels-idx1-ubyte").write_bytes(b"mine, too")
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await draw(pilot, app, "shift+down")
        assert "is not an IDX file" in said(app)[-1]
        await answered(pilot, app)
        await start(pilot, app, "k", "1")
        assert (folder / IMAGES).read_bytes() == b"mine"


async def test_the_canvas_is_there_again_and_escape_goes_back_to_where_one_was() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, app, "i", "d", "shift+right", "escape")
        assert isinstance(app.screen, InspectScreen)
        await start(pilot, app, "d", "d")
        assert not app.session.canvas.blank
        await start(pilot, app, "1")
        assert isinstance(app.screen, TrainScreen)
        assert len(app.screen_stack) == 1


async def test_the_keys_that_hold_everywhere_hold_here() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await draw(pilot, app, "space", "e", "s")
        assert runner.calls[-3:] == ["pause", "request_evaluation", "request_save"]
        await start(pilot, app, "question_mark")
        assert isinstance(app.screen, HelpScreen)


async def test_u_says_where_undo_is_and_undoes_nothing() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await draw(pilot, app, "shift+right")
        before = app.session.canvas.pixels
        await start(pilot, app, "u")
        assert said(app)[-1] == "u takes back edits of the run: backspace takes back the stroke"
        assert "undo" not in runner.calls
        assert app.session.canvas.pixels == before


@pytest.mark.parametrize("size", [(50, 30), (80, 24), (120, 36), (200, 60)])
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_it_is_drawn_at_every_size_and_in_ascii(size: tuple[int, int], ascii_only: bool) -> None:
    app, _ = make_app(with_weights(mid_run()), ScreenSettings(ascii=ascii_only))
    async with app.run_test(size=size) as pilot:
        screen = await draw(pilot, app, "shift+down")
        await answered(pilot, app)
        text = text_of(screen)
        assert "weights after step 938" in text
        assert all(f" {digit} " in text for digit in range(10))
        shown = "".join(strip.text for strip in screen._compositor.render_strips())
        assert not ascii_only or shown.isascii()


# --- any picture


async def open_picture(pilot: Pilot[int], app: MnistApp, text: str) -> PictureScreen:
    await start(pilot, app, "o")
    assert isinstance(app.screen, PictureScreen)
    app.post_message(Paste(text))
    await pilot.pause()
    await start(pilot, app, "enter")
    await answered(pilot, app)
    return app.screen


async def test_a_picture_is_opened_kept_and_drawn_on(tmp_path: Path) -> None:
    path = tmp_path / "my digit.png"
    digit = bytes(real_digits()[1].digit(2))
    Image.frombytes("L", (28, 28), digit).save(path)
    app, _ = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_picture(pilot, app, f"'{path}'")
        assert screen.seen is not None
        assert screen.seen.pixels == digit
        assert "weights after step 938" in text_of(screen)
        assert "sure" in text_of(screen)
        await start(pilot, app, "k", "1")
        assert read_drawings().labels == b"\1"
        await start(pilot, app, "d")
        assert isinstance(app.screen, DrawScreen)
        assert app.session.canvas.pixels == digit


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_what_to_do_without_weights_is_told_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "digit.png"
    Image.frombytes("L", (28, 28), bytes(real_digits()[1].digit(2))).save(path)
    app, _ = make_app(loaded())
    async with app.run_test(size=size) as pilot:
        screen = await open_picture(pilot, app, str(path))
        lines = [screen.panel.render_line(y).text for y in range(screen.panel.size.height)]
        assert screen.hint() in " ".join(" ".join(lines).split())


async def test_escape_leaves_a_picture_that_is_open(tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    Image.frombytes("L", (28, 28), bytes(real_digits()[1].digit(2))).save(path)
    app, _ = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_picture(pilot, app, str(path))
        assert screen.focused is screen.actions
        await start(pilot, app, "escape")
        assert isinstance(app.screen, TrainScreen)


async def test_what_is_no_picture_is_said_and_the_prompt_stays_open(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("[b]no picture[/b]")
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_picture(pilot, app, str(tmp_path / "a.png"))
        assert screen.seen is None
        assert "is not a picture that can be read" in screen.path.remark
        assert screen.focused is screen.path
        assert said(app) == []
        await start(pilot, app, "ctrl+u", "x", "escape")
        assert isinstance(app.screen, TrainScreen)


async def test_the_path_is_typed_completed_and_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seven.png").touch()
    (tmp_path / "several.png").touch()
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, app, "o", "s", "e", "tab")
        assert isinstance(app.screen, PictureScreen)
        field = app.screen.path
        assert field.text == "seve"
        assert field.names == ["seven.png", "several.png"]
        await start(pilot, app, "n", "tab", "home", "full_stop", "slash")
        assert field.text == "./seven.png"
        await start(pilot, app, "delete", "right", "backspace", "end", "backspace")
        assert field.text == "./ven.pn"
        assert "start" not in runner.calls


async def test_on_the_runs_screen_o_opens_the_run(tmp_path: Path) -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, app, "3", "o")
        assert isinstance(app.screen, RunsScreen)


async def test_another_evaluation_judges_the_picture_and_not_the_file_and_leaves_the_typing_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.png"
    digit = bytes(real_digits()[1].digit(2))
    Image.frombytes("L", (28, 28), digit).save(path)
    app, runner = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        screen = await open_picture(pilot, app, str(path))
        assert screen.actions.has_focus
        path.unlink()
        await start(pilot, app, "o", "ctrl+u", "x")
        runner.say(*with_weights([evaluation(1300, 2)], seed=5))
        app.tick()
        await answered(pilot, app)
        assert "weights after step 1 300" in text_of(screen)
        assert screen.seen is not None
        assert screen.seen.pixels == digit
        assert screen.title_of_picture() == "a.png"
        assert screen.focused is screen.path
        assert (screen.path.text, screen.path.remark) == ("x", "")


async def test_who_types_on_while_a_picture_is_read_keeps_the_focus(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.frombytes("L", (28, 28), bytes(real_digits()[1].digit(2))).save(path)
    app, _ = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, app, "o")
        screen = app.screen
        assert isinstance(screen, PictureScreen)
        screen.path.text = str(path)
        screen.on_path_field_entered(PathField.Entered(path))
        screen.path.text += "x"
        await answered(pilot, app)
        assert screen.seen is not None
        assert screen.focused is screen.path


EVIL = "a\x1b]52;c;ZXZpbA==\x07\x9b2J\u202e"


def drawn_text(app: MnistApp) -> str:
    return "".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_names_from_a_hostile_folder_command_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{EVIL}1.png").write_text("no picture")
    path = tmp_path / f"{EVIL}2.png"
    Image.frombytes("L", (28, 28), bytes(real_digits()[1].digit(2))).save(path)
    app, _ = make_app(with_weights(mid_run()))
    async with app.run_test(size=SIZE) as pilot:
        await start(pilot, app, "o", "a", "tab")
        screen = app.screen
        assert isinstance(screen, PictureScreen)
        assert screen.path.text == EVIL
        for key in ("1", "tab", "enter"):
            await start(pilot, app, key)
            assert "a?]52" in drawn_text(app)
            assert not set("\x1b\x07\x9b\u202e") & set(drawn_text(app))
        await answered(pilot, app)
        assert "is not a picture" in screen.path.remark
        assert not set("\x1b\x07\x9b\u202e") & set(drawn_text(app))
        screen.path.text = str(path)
        screen.on_path_field_entered(PathField.Entered(path))
        await answered(pilot, app)
        await start(pilot, app, "enter")
        assert "a?]52" in drawn_text(app)
        assert not set("\x1b\x07\x9b\u202e") & set(drawn_text(app))
        screen.say(EVIL, EVIL)
        await pilot.pause()
        assert "\x1b" not in said(app)[-1]
        assert "\x1b" not in [*app._notifications][-1].title


@pytest.mark.parametrize("place", [0, 20, 100])
async def test_a_path_of_wide_characters_keeps_its_cursor_in_sight(place: int) -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=(80, 24)) as pilot:
        await start(pilot, app, "o")
        assert isinstance(app.screen, PictureScreen)
        field = app.screen.path
        field.text, field.place = "数" * 100, place
        line = list(next(iter(field.draw_lines(40, 3))))
        assert sum(segment.cell_length for segment in line) in (39, 40)
        assert line[2].text == ("数" * 100 + " ")[place]
        field.mark("数" * 100 + " and " + "b" * 100)
        lines = list(field.draw_lines(40, 3))[1:]
        assert len(lines) == 2
        assert all(sum(segment.cell_length for segment in line) <= 40 for line in lines)
