"""The Runs screen over real run folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from rich.color import Color
from textual.content import Content
from textual.pilot import Pilot
from textual.widget import Widget

from mnist_tui.core.events import Paused, RunStarted
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.notes import read_notes
from mnist_tui.core.owner import Pulses
from mnist_tui.core.settings import RunSettings, ScreenSettings
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.keys import KEYS
from mnist_tui.tui.screens.help import HelpScreen
from mnist_tui.tui.screens.inspect import InspectScreen
from mnist_tui.tui.screens.runs import RunsScreen
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.shelf import Shelf
from mnist_tui.tui.widgets.run_panel import RunPanel
from tests.runfiles import own, own_elsewhere, record_run, wall_of_runs
from tests.tui.scripted import ScriptedRunner, make_app, mid_run, said

SIZE = (120, 36)
PATIENCE = 20.0


def app_over(runs_dir: Path, screen: ScreenSettings | None = None) -> tuple[MnistApp, ScriptedRunner]:
    app, runner = make_app(mid_run(), screen)
    app.session.settings = RunSettings(runs_dir=runs_dir)
    app._shelf = Shelf(runs_dir, Pulses(lambda: 0.0))  # no heart is stale, however slow the machine
    return app, runner


async def settle(pilot: Pilot[int], app: MnistApp) -> None:
    """Look at the disk again, and paint."""
    app.shelf.hurry()
    for _ in range(2):  # the second look has the curves of what the first one found
        app.shelf.wait(PATIENCE)
        app.show()
        app.shelf.wait(PATIENCE)
        app.show()
        await pilot.pause()


async def press(pilot: Pilot[int], app: MnistApp, *keys: str) -> RunsScreen:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await settle(pilot, app)
    assert isinstance(app.screen, RunsScreen)
    return app.screen


async def opened(pilot: Pilot[int], app: MnistApp, *keys: str) -> RunsScreen:
    await pilot.pause()
    app.tick()
    return await press(pilot, app, "3", *keys)


def lines_of(screen: RunsScreen) -> list[str]:
    return [screen.table.render_line(y).text for y in range(screen.table.scrollable_content_region.height)]


def words_of(screen: RunsScreen) -> str:
    return screen.actions.render_line(0).text


def title_of(widget: Widget) -> str:
    return Content.from_markup(str(widget.border_title)).plain


def toasts(app: MnistApp) -> str:
    return "\n".join(said(app))


async def test_every_run_is_a_row_the_newest_first(tmp_path: Path) -> None:
    wall_of_runs(tmp_path)
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app)
        titles, *rows = lines_of(screen)
        assert titles.split()[:3] == ["run", "state", "epochs"]
        assert [row[3:].split()[0] for row in rows if row.strip()] == [
            *("live", "empty", "stopped", "crashed", "narrow-sgd", "classic")
        ]
        for row, words in zip(rows, ("● live", "? damaged", "■ stopped", "╳ crashed", "✓ finished"), strict=False):
            assert words in row
        assert "6 runs in" in title_of(screen.table)


async def test_a_live_run_that_waits_is_paused_and_amber(tmp_path: Path) -> None:
    own(record_run(tmp_path, "mine", epochs=1, status=None, events=(Paused(60),)))
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app)
        palette = screen.table.palette
        for widget, y in ((screen.table, 1), (screen.query_one(RunPanel), 0)):
            [style] = [part.style for part in widget.render_line(y) if "‖ paused" in part.text]
            assert style is not None
            assert style.color == Color.parse(palette.warning)


async def test_a_folder_without_runs_says_how_to_begin(tmp_path: Path) -> None:
    app, _ = app_over(tmp_path / "absent")
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app)
        assert "holds no run yet: 1 goes back, space begins one" in lines_of(screen)[0]
        await press(pilot, app, "c", "o", "R", "n", "N", "D", "down", "end", "v", "enter", "escape")
        assert screen.shelf.chosen == []


@pytest.mark.parametrize("count", [300])
async def test_the_cursor_stays_in_sight_and_on_its_run(tmp_path: Path, count: int) -> None:
    for number in range(count):
        (tmp_path / f"20260101-{number:06d}-r{number}").mkdir()
    app, _ = app_over(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        for key, name in (("end", "r0"), ("up", "r1"), ("home", "r299"), ("down", "r298"), ("pagedown", "r292")):
            await press(pilot, app, key)
            under = [line for line in lines_of(screen) if line.startswith("▸")]
            assert [line[3:].split()[0] for line in under] == [name]
        (tmp_path / "20270101-000000-new").mkdir()
        await settle(pilot, app)
        assert screen.shelf.current is not None
        assert screen.shelf.current.name == "r292"
        await pilot.click("#runs", offset=(10, 2))
        await pilot.pause()
        assert [line.startswith("▸") for line in lines_of(screen)].index(True) == 1


async def test_what_changed_on_the_disk_is_painted(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", epochs=2, status=None)
    own_elsewhere(folder)
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app)
        record_run(tmp_path, "other", stamp="20260103-000000")
        (folder / "notes.txt").write_text("watch [b]me[/b]")
        await settle(pilot, app)
        painted = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "other" in painted
        assert "watch [b]me[/b]" in painted


async def test_chosen_runs_lie_over_each_other(tmp_path: Path) -> None:
    wall_of_runs(tmp_path)
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app, "end", "c", "up", "c", "up")
        assert [line[1] for line in lines_of(screen) if line[:3].strip("▸ ")] == ["B", "A"]
        chart = "\n".join(screen.overlay.render_line(y).text for y in range(screen.overlay.size.height))
        assert all(letter in chart for letter in "AB*")
        assert "test accuracy   A classic  B narrow-sgd  * crashed" in title_of(screen.overlay)
        await press(pilot, app, "v")
        assert "test loss" in title_of(screen.overlay)
        await press(pilot, app, "v", "l")
        assert "training loss" in title_of(screen.overlay)
        assert "log y" in str(screen.overlay.border_subtitle)
        await press(pilot, app, "end", "c")
        assert [screen.shelf.letter_of(folder) for folder in screen.shelf.chosen] == ["A"]
        assert "A narrow-sgd" in title_of(screen.overlay)


async def test_a_seventh_run_is_refused(tmp_path: Path) -> None:
    for number in range(7):
        record_run(tmp_path, f"r{number}", stamp=f"2026010{number + 1}-000000", epochs=1)
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app, *["c", "down"] * 6, "c")
        assert len(screen.shelf.chosen) == 6
        assert "6 runs are chosen" in toasts(app)


async def test_the_settings_are_compared_with_the_first_chosen(tmp_path: Path) -> None:
    wall_of_runs(tmp_path)
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app, "end", "c", "up")
        text = "\n".join(screen.panel.render_line(y).text for y in range(screen.panel.size.height))
        assert "narrow-sgd against A classic" in title_of(screen.panel)
        assert "too narrow" in text
        rows = {line.split()[0]: line.split()[-2:] for line in text.splitlines() if line.strip()}
        assert rows["width"] == ["32", "8"]
        assert rows["optimizer"] == ["adam", "sgd"]


async def test_opening_a_run_leaves_for_it_and_training_goes_on(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    app, runner = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "o")
    assert app.opens == folder
    assert "stop" not in runner.calls


async def test_resuming_a_run_is_an_order_and_asks_before_it_stops_another(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", status="stopped")
    app, runner = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "R")
        assert "Press R again to stop classic, saved, and to go on with mine." in toasts(app)
        assert runner.orders == []
        await pilot.press("R")
        await pilot.pause()
        assert runner.calls[-1] == "restart"
        assert isinstance(app.screen, TrainScreen)
        (order,) = runner.orders
        assert order.resumption is not None
        assert order.resumption.folder == folder
        assert app.session.wanted == order.hyperparameters == order.resumption.goes_on_with


async def test_nothing_is_stopped_for_a_run_that_cannot_go_on(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", status="stopped")
    (folder / "checkpoints" / "last.pt").write_bytes(b"PK")
    app, runner = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "R", "R")
        assert "mine cannot go on, last.pt is damaged" in toasts(app)
        assert runner.orders == []


async def test_resuming_a_finished_run_wants_more_epochs(tmp_path: Path) -> None:
    record_run(tmp_path, "mine", status="done")
    app, runner = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        app.session.wanted = attrs.evolve(app.session.wanted, epochs=4)
        await opened(pilot, app, "R")
        assert "is finished" in toasts(app)
        assert runner.orders == []
        app.session.wanted = attrs.evolve(app.session.wanted, epochs=50)
        await pilot.press("R")
        assert "and to go on with mine, up to epoch 50." in toasts(app)
        await pilot.press("R")
        await pilot.pause()
        (order,) = runner.orders
        assert order.resumption is not None
        assert order.resumption.changes == {"epochs": 50}


async def test_opening_and_resuming_are_asked_of_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = record_run(tmp_path, "mine")
    app, _ = app_over(tmp_path)
    asked: list[tuple[str, Path]] = []
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app)
        monkeypatch.setattr(app, "open_run", lambda path: asked.append(("open", path)))
        monkeypatch.setattr(app, "resume_run", lambda path: asked.append(("resume", path)))
        await pilot.click("#runs", offset=(10, 2), times=2)
        await press(pilot, app, "enter", "right", "right", "enter")
        assert asked == [("open", folder), ("resume", folder)]


async def test_a_note_is_typed_and_kept(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    app, runner = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app)
        before = list(runner.calls)
        screen = await press(pilot, app, "n", *"sq x1", "space", "y")
        assert "note on mine: sq x1 y" in words_of(screen)
        assert read_notes(folder) == ""
        await press(pilot, app, "backspace", "enter")
        assert read_notes(folder) == "sq x1"
        assert screen.table.has_focus
        assert "sq x1" in lines_of(screen)[1]
        await press(pilot, app, "n", "z", "escape")
        assert read_notes(folder) == "sq x1"
        assert runner.calls == before  # not one key of the typing did anything else


async def test_a_run_is_renamed(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    record_run(tmp_path, "taken", stamp="20250101-000000")
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app, "c", "f2", "ctrl+u", *"taken", "enter")
        assert "free is taken-2" in words_of(screen)
        await press(pilot, app, "minus", "2", "enter")
        target = folder.with_name("20260102-030405-taken-2")
        assert target.is_dir()
        assert screen.shelf.current is not None
        assert (screen.shelf.current.folder, screen.shelf.chosen) == (target, [target])


async def test_a_run_is_deleted_after_a_question(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    other = record_run(tmp_path, "other", stamp="20250101-000000")
    (folder / "cnn_model.pth").write_bytes(bytes(2_500_000))
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app, "D")
        assert "delete mine, 2.5 MB, for good? D deletes it, any other key keeps it" in words_of(screen)
        await press(pilot, app, "q")
        assert folder.exists()
        assert screen.table.has_focus
        await press(pilot, app, "D", "D")
        assert sorted(tmp_path.iterdir()) == [other]
        assert "mine is deleted" in toasts(app)
        assert screen.shelf.current is not None
        assert screen.shelf.current.folder == other


async def test_a_run_that_is_trained_is_not_touched(tmp_path: Path) -> None:
    live = record_run(tmp_path, "live", status=None)
    own_elsewhere(live)
    mine = record_run(tmp_path, "mine", stamp="20250101-000000", status=None)
    app, runner = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app)
        runner.say(RunStarted(mine.name, str(mine), Hyperparameters(), "cpu", 60000, 1))
        app.tick()
        await press(pilot, app, "D", "D", "N", "down", "D", "D", "N")
        assert (live.exists(), mine.exists(), screen.actions.typed) == (True, True, None)
        assert "live cannot be deleted while process 12 on node7 trains it." in toasts(app)
        assert "mine cannot be renamed while this program trains it." in toasts(app)


async def test_screens_take_each_others_place(tmp_path: Path) -> None:
    wall_of_runs(tmp_path)
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "down", "c")
        await pilot.press("i")
        await pilot.pause()
        assert isinstance(app.screen, InspectScreen)
        screen = await press(pilot, app, "3")
        assert len(app.screen_stack) == 2
        assert (screen.shelf.position, len(screen.shelf.chosen)) == (1, 1)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "1")
        assert isinstance(app.screen, TrainScreen)


async def test_its_actions_are_in_the_palette_and_no_key_means_two_things(tmp_path: Path) -> None:
    app, _ = app_over(tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot, app)
        titles = [command.title for command in app.get_system_commands(screen)]  # type: ignore[arg-type]
        assert "Give the run another name" in titles
        everywhere = {key for binding in KEYS for key in binding.key.split(",")}
        here = {key for binding in screen.OWN_BINDINGS for key in binding.key.split(",")}
        assert here & everywhere == {"l", "o"}  # log y, of the charts in sight; o opens the run, not a picture


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=str)
def test_picture(snap_compare: Any, runs: Path, size: tuple[int, int]) -> None:
    keys = ("c", *["down"] * 4, "c", "down", "c", "up")
    assert snap_compare(pictured(runs), terminal_size=size, run_before=presses(keys))


@pytest.mark.parametrize(
    ("keys", "screen"),
    [
        (("v", "v", "l", "enter", "right"), ScreenSettings(theme="light")),
        (("end", "c", "up", "D"), ScreenSettings(ascii=True)),
        (("n", "f", "a", "s", "t"), ScreenSettings()),
    ],
    ids=["light", "ascii", "note"],
)
def test_other_picture(snap_compare: Any, runs: Path, keys: Sequence[str], screen: ScreenSettings) -> None:
    assert snap_compare(pictured(runs, screen), terminal_size=(100, 30), run_before=presses(keys))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs in a folder of the same name on every machine."""
    wall_of_runs(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Path("runs")


def pictured(runs: Path, screen: ScreenSettings | None = None) -> MnistApp:
    return app_over(runs, screen)[0]


def presses(keys: Sequence[str]) -> Any:
    async def run(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, MnistApp)
        await opened(pilot, app, *keys)

    return run
