"""Hyperparameters by keys and mouse: nudged, typed, refused, pending, waiting."""

from __future__ import annotations

import attrs
import pytest
from textual.events import Paste
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip

from mnist_tui.core.events import HyperparametersApplied
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.widgets.knob_list import KnobList
from mnist_tui.tui.widgets.knob_panel import KnobHelp
from tests.tui.scripted import current_line, loaded, make_app, mid_run

SIZE = (120, 36)
BAD_TEXTS = {
    "learning_rate": ["", "nan", "1e30", "10.1", "[/b]", "9" * 10_000],
    "batch_size": ["0", "1.5", "64\x00"],
    "optimizer": ["lion", "x" * 10_000],
    "dropout": ["96%"],
}
"""Every way to go wrong as the screen shows it; what is wrong is settled by `Knob.parse`, whose tests have them all."""

IN_FORCE = Hyperparameters(learning_rate=0.0005)  # in the middle of `mid_run`


async def ready(pilot: Pilot[int], app: MnistApp, name: str) -> KnobList:
    await pilot.pause()
    app.tick()
    app.show()
    rows = app.screen.query_one(KnobList)
    rows.choose(name)
    rows.focus()
    await pilot.pause()
    return rows


def painted(rows: KnobList) -> list[Strip]:
    """The lines as the compositor gets them: what was not refreshed is as it was."""
    return rows.render_lines(Region(0, 0, rows.size.width, rows.size.height))


def help_text(app: MnistApp) -> str:
    return app.screen.query_one(KnobHelp).text


async def type_text(pilot: Pilot[int], text: str) -> None:
    for character in text:
        await pilot.press(character)


async def test_tab_goes_from_the_digits_to_the_first_row_and_arrows_go_on() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.press("tab")
        rows = app.focused
        assert isinstance(rows, KnobList)
        assert rows.current.knob.name == "learning_rate"
        await pilot.press("down", "down")
        assert rows.current.knob.name == "batch_size"
        await pilot.press("up")
        assert rows.current.knob.name == "schedule"


@pytest.mark.parametrize("name", list(KNOBS))
async def test_every_field_is_nudged_and_explained(name: str) -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, name)
        knob = KNOBS[name]
        assert knob.help.split()[0] in help_text(app)
        assert knob.range_text in help_text(app)
        assert ("next batch" if knob.live else "next run") in help_text(app)
        before = getattr(app.session.wanted, name)
        await pilot.press("right")
        assert getattr(app.session.wanted, name) == knob.nudge(before, 1) != before
        assert runner.edits[-1] == {name: getattr(app.session.wanted, name)}


async def test_enter_types_a_value_and_enter_applies_it() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        await pilot.press("enter")
        await type_text(pilot, "0.02")
        assert rows.current.typed == "0.02"
        assert app.session.wanted.learning_rate == 0.0005
        await pilot.press("enter")
        assert app.session.wanted.learning_rate == 0.02
        assert runner.edits[-1] == {"learning_rate": 0.02}


@pytest.mark.parametrize("name", list(BAD_TEXTS))
async def test_a_bad_value_is_refused_with_the_range_and_changes_nothing(name: str) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, name)
        for text in BAD_TEXTS[name]:
            await pilot.press("enter")
            rows.post_message(Paste(text))
            await pilot.press("enter")
            await pilot.pause()
            assert f"{rows.current.knob.label} must be {rows.current.knob.range_text}, not " in help_text(app), text[
                :40
            ]
            assert rows.current.typed is not None
            await pilot.press("escape")
            assert rows.current.typed is None
        assert runner.edits == []
        assert app.session.wanted == IN_FORCE


async def test_keys_typed_into_a_field_do_nothing_else() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "batch_size")
        await pilot.press("enter")
        await pilot.press("q", "space", "m", "i", "e", "1", "2", "left_square_bracket", "question_mark")
        assert isinstance(app.screen, TrainScreen)
        assert rows.current.typed == "q mie12[?"
        assert not runner.edits
        assert runner.calls == ["load"]


@pytest.mark.parametrize("key", ["escape", "down", "tab", "up"])
async def test_an_empty_field_is_left_as_it_was(key: str) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "batch_size")
        await pilot.press("enter", "5", "backspace", key)
        assert rows.current.typed is None
        assert runner.edits == []


async def test_a_huge_paste_is_refused_in_place() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "dropout")
        await pilot.press("enter")
        rows.post_message(Paste("9" * 10_000 + "[/x]"))
        await pilot.pause()
        assert "dropout must be" in help_text(app)
        await pilot.press("enter")
        assert runner.edits == []


async def test_leaving_a_row_drops_what_was_half_typed() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "batch_size")
        await pilot.press("enter", "9")
        app.screen.query_one("#digits").focus()
        await pilot.pause()
        assert rows.current.typed is None
        assert runner.edits == []


async def test_a_live_edit_is_pending_until_the_engine_confirms_it() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "dropout")
        runner.say(HyperparametersApplied(1250, Hyperparameters(learning_rate=0.0005), Hyperparameters()))
        app.tick()
        await pilot.press("right")
        app.show()
        assert rows.current.pending
        assert not rows.current.waits
        runner.say(HyperparametersApplied(1251, Hyperparameters(), app.session.wanted))
        app.tick()
        app.show()
        assert not rows.current.pending


async def test_a_next_run_edit_is_marked_as_waiting_while_a_run_is_under_way() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "width")
        await pilot.press("right")
        app.show()
        assert rows.current.waits
        assert "↻ 64" in current_line(rows)


async def test_the_mouse_nudges_and_begins_typing() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "batch_size")
        width, y = rows.scrollable_content_region.width, rows.rows.index(rows.current)
        await pilot.click(rows, offset=(width - 1, y))
        assert app.session.wanted.batch_size == 128
        await pilot.click(rows, offset=(width - 2, y))
        await pilot.click(rows, offset=(width - 2, y))
        assert app.session.wanted.batch_size == 32
        await pilot.click(rows, offset=(width - 5, y))
        assert rows.current.typed == ""


async def test_a_click_goes_to_the_row_under_it_however_far_the_list_is_scrolled() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=(100, 20)) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        await pilot.press("enter", "5", "up")  # from the first to the last, which leaves the field
        await pilot.pause()
        assert [row.typed for row in rows.rows if row.typed is not None] == []
        assert app.session.wanted.learning_rate == 5
        top = rows.scroll_offset.y
        assert top > 0
        await pilot.click(rows, offset=(3, 1))
        assert rows.current is rows.rows[top + 1]
        assert rows.current.knob.help.split()[0] in help_text(app)


async def test_what_is_half_typed_is_dropped_by_a_click_on_another_row() -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        await pilot.press("enter", "5")
        await pilot.click(rows, offset=(3, 2))
        assert rows.current.knob.name == "batch_size"
        assert [row.typed for row in rows.rows if row.typed is not None] == []
        assert runner.edits == []


async def test_the_help_follows_the_arrows_and_the_lines_are_painted() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        before = painted(rows)
        await pilot.press("down")
        await pilot.pause()
        assert KNOBS["schedule"].range_text in help_text(app)
        after = painted(rows)
        assert [y for y in range(len(before)) if before[y] != after[y]] == [0, 1]
        await pilot.press("down", "right")
        await pilot.pause()
        assert "128" in "".join(segment.text for segment in painted(rows)[2])


@pytest.mark.parametrize(
    "size",
    [
        (60, 10),
        (80, 24),
        *(pytest.param(size, marks=pytest.mark.long) for size in ((60, 13), (60, 20), (100, 20), SIZE)),
    ],
)
async def test_the_row_that_has_the_keys_is_in_sight(size: tuple[int, int]) -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=size) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        panels = app.screen.query_one("#panels")

        def in_sight() -> bool:
            y = rows.region.y + rows.rows.index(rows.current) - rows.scroll_offset.y
            return panels.region.contains(rows.region.x, y) and rows.region.contains(rows.region.x, y)

        for row in rows.rows:
            assert rows.current is row
            assert in_sight(), row.knob.name
            await pilot.press("down")
        panels.scroll_to(0, 30, animate=False, immediate=True)
        rows.scroll_to(0, 30, animate=False, immediate=True)
        await pilot.press("down")
        assert in_sight()
        rows.scroll_to(0, 30, animate=False, immediate=True)
        app.screen.query_one("#digits").focus()
        await pilot.pause()
        rows.focus()
        await pilot.pause()
        assert in_sight()
        rows.scroll_to(0, 30, animate=False, immediate=True)
        app.action_set(rows.current.knob.name)
        await pilot.pause()
        assert in_sight()


async def test_an_illegal_edit_from_elsewhere_leaves_everything_as_it_was() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "batch_size")
        rows.post_message(KnobList.Changed("batch_size", -5))
        await pilot.pause()
        assert app.session.wanted == IN_FORCE
        assert runner.edits == []


async def test_rows_show_what_is_wanted_after_an_edit_by_key() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        await pilot.press("right_square_bracket")
        assert rows.current.value == 0.002
        assert "0.002" in current_line(rows)
        assert app.session.wanted == attrs.evolve(Hyperparameters(), learning_rate=0.002)


async def test_tab_goes_by_panels_and_back() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, "batch_size")
        places: list[str] = []
        for _ in range(4):
            await pilot.press("tab")
            assert app.focused is not None
            places.append(app.focused.id or "")
        assert places == ["loss", "accuracy", "digits", "knob-list"]
        await pilot.press("shift+tab")
        assert app.focused is app.screen.query_one("#digits")


async def test_a_number_as_long_as_a_row_is_told_in_four_digits() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(80, 24)) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        app.session.wanted = Hyperparameters(learning_rate=0.0008082822192522724)
        app.show()
        line = current_line(rows)
        assert "≈0.0008083" in line
        assert "learn" in line
        assert len(line) == rows.scrollable_content_region.width


async def test_a_value_that_is_too_long_shortens_the_label_and_never_itself() -> None:
    app, _ = make_app([*mid_run(), HyperparametersApplied(1251, IN_FORCE, Hyperparameters(learning_rate=0.0012345678))])
    async with app.run_test(size=(80, 24)) as pilot:
        rows = await ready(pilot, app, "learning_rate")
        app.session.wanted = Hyperparameters(learning_rate=0.0012345678)
        app.show()
        line = current_line(rows)
        assert "0.0012345678" in line
        assert "learn" in line
        assert len(line) == rows.scrollable_content_region.width
