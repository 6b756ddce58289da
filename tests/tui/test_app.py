"""The app over a scripted runner: keys become wishes, events become pictures."""

from __future__ import annotations

import array
import math
from typing import Any

import attrs
import pytest
from textual.command import CommandPalette
from textual.events import Key
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Button, Static
from textual.widgets._toast import Toast

from mnist_tui.core.dataset import Split
from mnist_tui.core.events import (
    BatchesTrained,
    DataLoaded,
    EngineLoaded,
    Evaluated,
    Paused,
    Resumed,
    RunFailed,
    RunFinished,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.keys import KEYS
from mnist_tui.tui.screens.help import HelpScreen, key_words
from mnist_tui.tui.screens.inspect import InspectScreen
from mnist_tui.tui.screens.leave import LeaveScreen
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.line_view import LineView
from mnist_tui.tui.widgets.too_small import TooSmall
from tests.tui.scripted import (
    ScriptedRunner,
    batches,
    evaluation,
    finished,
    loaded,
    make_app,
    mid_run,
    real_digits,
    started,
)

SIZE = (120, 36)


def text_of(widget: LineView) -> str:
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


async def shown(pilot: Pilot[int], app: MnistApp) -> TrainScreen:
    """Let the app begin, take every event in, and paint."""
    await pilot.pause()
    app.tick()
    await pilot.pause()
    app.show()
    await pilot.pause()
    screen = app.screen_stack[0]
    assert isinstance(screen, TrainScreen)
    return screen


async def test_before_the_first_evaluation_real_digits_are_shown_without_a_prediction() -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        assert "load" in runner.calls
        assert "no prediction yet" in str(screen.digits.border_title)
        text = text_of(screen.digits)
        assert "test digit 0  true 7" in text
        assert "▀" in text
        assert "%" not in text


async def test_space_starts_pauses_and_resumes() -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("space")
        assert runner.calls[-1] == "start"
        runner.say(*started()[2:], *batches(1, 8))
        app.tick()
        await pilot.press("space")
        assert runner.calls[-1] == "pause"
        runner.say(Paused(8))
        app.tick()
        assert app.session.progress.phase == "paused"
        await pilot.press("space")
        assert runner.calls[-1] == "resume"
        runner.say(Resumed(8))
        app.tick()
        assert app.session.progress.phase == "training"


async def test_space_twice_before_the_engine_is_loaded_starts_one_run() -> None:
    app, runner = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("space", "space")
        assert runner.calls.count("start") == 1


async def test_a_finished_run_stays_until_space_is_pressed_twice() -> None:
    app, runner = make_app(finished())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        await pilot.press("space")
        assert "start" not in runner.calls
        assert "predicted" in text_of(screen.digits)
        await pilot.press("space")
        assert runner.calls[-1] == "start"


@pytest.mark.parametrize(
    ("key", "call"), [("full_stop", "step_once"), ("s", "request_save"), ("e", "request_evaluation")]
)
async def test_wishes_reach_the_runner_only_while_there_is_a_run(key: str, call: str) -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press(key)
        assert call not in runner.calls
        runner.say(*started()[2:], *batches(1, 8))
        app.tick()
        await pilot.press(key)
        assert runner.calls[-1] == call


async def test_brackets_halve_and_double_the_learning_rate_from_anywhere() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("left_square_bracket")
        assert runner.edits[-1] == {"learning_rate": 0.00025}
        await pilot.press("i")
        await pilot.press("right_square_bracket", "right_square_bracket")
        assert runner.edits[-1] == {"learning_rate": 0.001}


async def test_the_learning_rate_stops_at_the_end_of_its_range() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press(*["right_square_bracket"] * 20)
        assert app.session.wanted.learning_rate == 10


async def test_the_status_line_tells_state_epoch_step_accuracy_speed_and_time_left() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await shown(pilot, app)
        text = text_of(screen.status)
    for words in (
        "classic · mnist",
        "cpu 2 threads",
        "training",
        "epoch 2/10",
        "step 1 250/9 380",
        "test 98.75 %",
        "left",
    ):
        assert words in text
    assert "5 120 img/s" in text


async def test_charts_show_curves_legend_test_points_and_marks() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        for chart in screen.charts:
            text = text_of(chart)
            assert any("\u2800" < character <= "\u28ff" for character in text)
            assert "◆" in text
            assert "lr 0.001→0.0005" in text
            for word in ("batch", "average", "test", "best"):
                assert word in str(chart.border_title)


async def test_at_80_columns_no_number_of_the_matrix_touches_the_next_and_no_caption_is_cut() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, app)
        await pilot.press("i")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        browser = app.session.browser
        assert browser.predictions is not None
        assert browser.index is not None
        for line, counts in zip(
            text_of(screen.confusion).splitlines()[1:11], browser.predictions.confusion(), strict=True
        ):
            shown_counts = line.replace("•", " ").split()[1:]
            assert len(shown_counts) == 10
            assert shown_counts == ["·" if n == 0 else f"{n // 1000}k" if n > 999 else str(n) for n in counts]
        caption = text_of(screen.closeup).splitlines()[0].rstrip()
        entry = browser.predictions.describe(browser.index)
        assert caption.endswith(
            (f"loss {entry['loss']:.2f}", "% sure", f"p(true) {entry['probability_true'] * 100:.1f} %")
        )


async def test_l_and_w_change_both_charts() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        linear = text_of(screen.charts[1])
        await pilot.press("l")
        assert "99%" in text_of(screen.charts[1])
        assert text_of(screen.charts[1]) != linear
        assert all("log y" in str(chart.border_subtitle) for chart in screen.charts)
        await pilot.press("l", "w")
        assert all("recent" in str(chart.border_subtitle) for chart in screen.charts)
        await pilot.press("w")
        assert text_of(screen.charts[1]) == linear


async def test_repainted_cells_add_up_to_a_chart_drawn_at_once() -> None:
    app, runner = make_app([*started(), *batches(1, 8)])
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        for first in range(9, 700, 24):
            runner.say(*batches(first, 24))
            app.tick()
            app.show()
        await pilot.pause()
        for chart in screen.charts:
            piecemeal = [chart.render_line(y) for y in range(chart.size.height)]
            chart._lines = None
            assert [chart.render_line(y) for y in range(chart.size.height)] == piecemeal


async def test_bad_numbers_are_gaps_and_never_a_crash() -> None:
    bad = BatchesTrained(9, 1, 64, (math.nan, math.inf, -math.inf, 1e300), (0, 0, 0, 64), 64 * 12, 0.1)
    app, _ = make_app([*started(), *batches(1, 8), bad, *batches(13, 8)])
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("l", "w", "l")
        await pilot.pause()


async def test_captions_always_belong_to_their_digit() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        browser = app.session.browser
        assert isinstance(browser.digits, Split)
        assert browser.predictions is not None
        for key in ("right", "right", "down", "m", "right", "down", "left", "end", "m", "home"):
            await pilot.press(key)
            index = browser.index
            assert index is not None
            entry = browser.predictions.describe(index)
            caption = screen.digits.render_line(0).text
            assert f"true {browser.digits.labels[index]} → predicted {entry['predicted']}" in caption
            assert f"test digit {index}" in caption


async def test_m_shows_only_mistakes_hardest_first() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("m")
        browser = app.session.browser
        assert browser.predictions is not None
        assert len(browser.order) == browser.wrong_count == 125
        losses = [browser.predictions.losses[index] for index in browser.order]
        assert losses == sorted(losses, reverse=True)
        assert all(browser.predictions.wrong[index] for index in browser.order)


async def test_a_cursor_that_was_moved_stays_on_its_digit_through_the_next_evaluation() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("right", "right", "right")
        index = app.session.browser.index
        runner.say(evaluation(1000, 2, wrong_every=31))
        app.tick()
        assert app.session.browser.index == index
        assert app.session.browser.predictions is not None
        assert app.session.browser.predictions.step == 1000


async def test_enter_and_i_and_2_open_inspect_and_esc_and_1_come_back() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        for there, back in (("enter", "escape"), ("i", "1"), ("2", "escape")):
            await pilot.press(there)
            assert isinstance(app.screen, InspectScreen)
            await pilot.press(back)
            assert isinstance(app.screen, TrainScreen)


async def test_inspect_shows_gallery_large_digit_and_the_confusion_matrix_of_one_evaluation() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("i", "m", "right", "right")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        predictions = app.session.browser.predictions
        assert predictions is not None
        rows = text_of(screen.confusion).replace("•", " ").splitlines()[1:11]
        read = [[0 if cell == "·" else int(cell) for cell in row.split()[1:]] for row in rows]
        assert read == predictions.confusion()
        assert "125 digits" in str(screen.gallery.border_title)
        assert " 3 of 125 " in str(screen.closeup.border_subtitle)


async def test_the_gallery_scrolls_to_the_last_digit_and_draws_only_what_is_seen() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("i", "end")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        assert app.session.browser.position == 9999
        assert screen.gallery.scroll_offset.y > 10_000
        assert len(screen.gallery._drawn) < 100
        await pilot.press("home", "pagedown")
        await pilot.pause()
        assert 0 < app.session.browser.position < 60


async def test_a_click_in_the_gallery_moves_the_cursor_there() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("i")
        await pilot.pause()
        await pilot.click("#gallery", offset=(2 + 16 + 3, 4))
        await pilot.pause()
        assert app.session.browser.position == 1


async def test_help_lists_every_binding_of_the_program() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=(120, 180)) as pilot:
        await shown(pilot, app)
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        lines = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        for binding in app.BINDINGS:
            assert key_words(binding.key) in lines  # type: ignore[union-attr]
        for words in ("type a value", "row down", "logarithmic"):
            assert words in lines
        await pilot.press("escape")
        assert isinstance(app.screen, TrainScreen)


async def test_the_palette_offers_what_the_keys_do() -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        assert {"Start, pause, resume", "Halve the learning rate", "Dark or light"} <= set(commands)
        commands["Start, pause, resume"].callback()
        await pilot.pause()
        assert runner.calls[-1] == "start"


async def test_q_leaves_at_once_when_nothing_trains() -> None:
    app, _ = make_app(finished())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("q")
    assert app.return_value == 0


async def test_q_while_training_asks_with_stop_and_save_focused() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("q")
        assert isinstance(app.screen, LeaveScreen)
        assert isinstance(app.focused, Button)
        assert str(app.focused.label) == "Stop and save"
        await pilot.press("escape")
        assert isinstance(app.screen, TrainScreen)
        assert "stop" not in runner.calls
        await pilot.press("q", "enter")
        assert runner.calls[-1] == "stop"
        assert app.return_value is None
        runner.say(RunFinished("stopped", 1250, 1, 17.0))
        app.tick()
    assert app.return_value == 0


async def test_the_question_names_the_run_and_whether_it_is_paused() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        for event, words in ((Paused(1250), ("is paused", "Stay paused")), (Resumed(1250), ("is under way", "Go on"))):
            runner.say(event)
            app.tick()
            await pilot.press("q")
            question = app.screen.query_one(Static).render_line(0).text
            assert question.startswith(f"{app.session.progress.name} {words[0]}. Stop it and save everything?")
            assert words[1] in str(app.screen.query_one("#go-on", Button).label)
            await pilot.press("escape")


async def test_where_there_is_no_room_the_question_alone_is_asked() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(20, 5)) as pilot:
        await shown(pilot, app)
        await pilot.press("q")
        await pilot.pause()
        lines = ["".join(segment.text for segment in line) for line in app.screen._compositor.render_strips()]
        words = " ".join(" ".join(line.strip("╭╮╰╯│─▁▔▎▊█ ") for line in lines).split())
        assert "stop and save? enter: yes, esc: no" in words, lines
        await pilot.resize_terminal(*SIZE)
        await pilot.pause()
        assert len(app.screen.query(Button)) == 2
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        assert not app.screen.query(Button)
        await pilot.press("escape")
        assert isinstance(app.screen, TrainScreen)
        await pilot.press("q", "enter")
        assert runner.calls[-1] == "stop"


async def test_where_there_is_no_room_no_toast_covers_what_is_said() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(20, 5), notifications=True) as pilot:
        screen = await shown(pilot, app)
        app.say("A sentence that would cover everything.", "and a title")
        await pilot.pause()
        await pilot.pause()
        assert not any(region.height for widget, (region, _) in _visible(screen) if isinstance(widget, Toast))
        app.tick()
        app.show()
        words = " ".join(text_of(screen.query_one(TooSmall)).split())
        assert words.startswith("A sentence that would cover")
        await pilot.resize_terminal(*SIZE)
        await pilot.pause()
        assert any(region.height for widget, (region, _) in _visible(screen) if isinstance(widget, Toast))


def _visible(screen: TrainScreen) -> list[tuple[Widget, tuple[Region, Region]]]:
    return list(screen._compositor.visible_widgets.items())


async def test_a_second_ctrl_c_saves_and_a_third_leaves_at_once() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("ctrl+c")
        assert isinstance(app.screen, LeaveScreen)
        await pilot.press("ctrl+c")
        assert runner.calls[-1] == "stop"
        assert app.return_value is None
        await pilot.press("ctrl+c")
    assert app.return_value == 130
    assert app.impatient


async def test_a_signal_stops_the_run_and_leaves_when_it_is_saved() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        app.departure.number = 15
        app.departure.asked.set()
        app.tick()
        assert runner.calls[-1] == "stop"
        runner.say(RunFinished("stopped", 1250, 1, 17.0))
        app.tick()
    assert app.return_value == 143


async def test_a_failure_is_shown_literally_brackets_and_all() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await shown(pilot, app)
        runner.say(RunFailed("ValueError: [/x] [bold] {odd}", "trace"))
        app.tick()
        await pilot.pause()
        app.show()
        assert "failed" in text_of(screen.status)
        assert "[/x] [bold] {odd}" in text_of(screen.status)
        await pilot.press("right")


async def test_a_failure_to_load_is_told_again_when_somebody_starts() -> None:
    app, runner = make_app([RunFailed("there is no cuda device here: use cpu", exit_code=2)])
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        assert "there is no cuda device here" in text_of(screen.charts[0])
        await pilot.press("space")
        assert "start" not in runner.calls
        assert app.session.progress.exit_code == 2


async def test_dark_and_light_draw_the_same_words_in_other_colours() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        before = [screen.digits.render_line(y) for y in range(14)]
        await pilot.press("t")
        await pilot.pause()
        after = [screen.digits.render_line(y) for y in range(14)]
        assert [strip.text for strip in after] == [strip.text for strip in before]
        assert after != before


@pytest.mark.parametrize(
    "size", [(1, 1), (20, 5), (39, 9), (40, 10), (60, 20), (80, 24), (100, 30), (200, 60), (300, 20)]
)
async def test_every_size_works_on_both_screens(size: tuple[int, int]) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=size) as pilot:
        await shown(pilot, app)
        await pilot.press("i", "m", "right", "escape", "tab", "right")
        runner.say(*batches(1251, 80))
        app.tick()
        await pilot.pause()


async def test_a_resize_while_training_goes_through_every_layout() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        for width, height in ((80, 24), (20, 5), (1, 1), (60, 40), (120, 36)):
            await pilot.resize_terminal(width, height)
            runner.say(*batches(app.session.progress.step + 1, 16))
            app.tick()
            await pilot.pause()
        assert "lr 0.001→0.0005" in text_of(screen.charts[0])


async def test_a_window_without_room_says_whether_training_goes_on() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(20, 5)) as pilot:
        screen = await shown(pilot, app)
        notice = screen.query_one(TooSmall)
        for event, words in ((Paused(1250), "training is paused"), (Resumed(1250), "training goes on")):
            runner.say(event)
            app.tick()
            await pilot.pause()
            assert words in text_of(notice)


async def test_start_flag_starts_without_a_key() -> None:
    app, runner = make_app(loaded(), ScreenSettings(start=True))
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        assert runner.calls[:2] == ["load", "start"]
        assert [order.hyperparameters for order in runner.orders] == [Hyperparameters()]


def test_the_scripted_runner_keeps_the_protocol() -> None:
    from mnist_tui.runner.local import LocalRunner

    wanted = {name for name in vars(ScriptedRunner) if not name.startswith("_")} - {"say"}
    assert wanted <= set(dir(LocalRunner))


async def test_every_key_in_the_bottom_line_can_be_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[object, bool]] = []
    really_run = MnistApp.run_action

    async def run_action(self: MnistApp, action: Any, *more: Any, **others: Any) -> bool:
        found = await really_run(self, action, *more, **others)
        ran.append((action, found))
        return found

    monkeypatch.setattr(MnistApp, "run_action", run_action)
    app, _ = make_app(mid_run())
    async with app.run_test(size=(420, 40)) as pilot:
        train = await shown(pilot, app)
        entries = train.query_one(KeyBar).entries(420)
        assert len(entries) == len([key for key in KEYS if key.show])
        x = 1
        for key, words, action in entries:
            place = 418 if action == entries[-1][2] else x
            x += len(key) + len(words) + 3
            ran.clear()
            await pilot.click(KeyBar, offset=(place, 0))
            await pilot.pause()
            assert ran == [(action, True)]
            while app.screen is not train:
                app.pop_screen()
                await pilot.pause()
            app.clear_notifications()


async def test_the_palette_is_in_the_bottom_line_however_narrow() -> None:
    app, _ = make_app(loaded())
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, app)
        bar = app.screen.query_one(KeyBar)
        assert bar.render_line(0).text.endswith("^p all commands ")
        assert all(words in bar.render_line(0).text for words in ("space train/pause", "? help", "q quit"))
        await pilot.click(KeyBar, offset=(75, 0))
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)


async def test_notices_about_data_and_device_are_shown() -> None:
    source, test = real_digits()
    notice = "training on the CPU: [the driver] is too old"
    app, _ = make_app(
        [
            DataLoaded(attrs.evolve(source, notice="DIR holds no MNIST files"), test),
            EngineLoaded("cpu", "", 2, "2.15.0", 60000, notice),
        ]
    )
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        said = [notification.message for notification in app._notifications]
        assert said == ["DIR holds no MNIST files", notice]


async def test_a_next_run_that_cannot_begin_leaves_the_finished_one_as_it_was() -> None:
    app, runner = make_app(finished())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        await pilot.press("space", "space")
        runner.say(RunFailed("cannot make the run folder"))
        app.tick()
        assert app.session.progress.phase == "done"
        assert "done" in text_of(screen.status)
        await pilot.press("space", "space")
        assert runner.calls.count("start") == 2


async def test_a_first_run_that_cannot_begin_may_be_tried_again() -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("space")
        runner.say(RunFailed("cannot make the run folder"))
        app.tick()
        await pilot.press("space")
        assert runner.calls.count("start") == 2


async def test_ctrl_c_after_stop_and_save_still_saves() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("q", "enter")
        await pilot.press("ctrl+c")
        assert app.return_value is None
        assert not app.impatient
        runner.say(RunFinished("stopped", 1250, 1, 17.0))
        app.tick()
    assert app.return_value == 130


async def test_two_evaluations_in_one_tick_leave_the_last_ones_captions() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("i", "m")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, InspectScreen)
        for wrong_every in (31, 47, 61):
            runner.say(evaluation(1000, 2, wrong_every=17), evaluation(1100, 2, wrong_every=wrong_every))
            app.tick()
            await pilot.pause()
            predictions = app.session.browser.predictions
            assert predictions is not None
            rows = text_of(screen.confusion).replace("•", " ").splitlines()[1:11]
            assert [
                [0 if cell == "·" else int(cell) for cell in row.split()[1:]] for row in rows
            ] == predictions.confusion()
            first = app.session.browser.order[0]
            label = predictions.labels[first]
            assert f"{label}→{predictions.predicted[first]}" in screen.gallery.render_line(7).text


async def test_the_question_shows_its_answers_in_the_smallest_window() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(40, 10)) as pilot:
        await shown(pilot, app)
        await pilot.press("q")
        await pilot.pause()
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "enter stops, esc goes on" in text


async def test_the_legend_follows_the_theme() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        before = screen.charts[0].border_title
        await pilot.press("t")
        await pilot.pause()
        after = screen.charts[0].border_title
        assert before != after


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_predictions_that_are_no_numbers_are_shown_and_break_nothing(size: tuple[int, int]) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.tick()
        test = app.session.browser.digits
        assert test is not None
        broken = array.array("f", [math.nan] * 10 * len(test)).tobytes()
        runner.say(Evaluated(1250, 2, "test", math.nan, 0.1, broken, 0.5))
        app.tick()
        app.show()
        await pilot.press("i", "m", "right", "end")
        app.show()
        await pilot.pause()
        assert app.session.browser.wrong_count


async def test_keys_typed_in_one_breath_go_where_they_belong() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.tick()
        for key in ("q", "enter"):
            app.post_message(Key(key, None))
        await pilot.pause()
        assert runner.calls[-1] == "stop"


async def test_a_row_is_reached_and_typed_into_in_one_breath() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.tick()
        for key in ("tab", "down", "down", "enter", "3", "2", "enter", "m"):
            app.post_message(Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        assert runner.edits == [{"batch_size": 32}]
        assert isinstance(app.screen, TrainScreen)
