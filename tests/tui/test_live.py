"""Knobs turned while it learns: undo, single steps, the finder, health, previews, over a scripted runner."""

from __future__ import annotations

import math
from pathlib import Path

import attrs
import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot

from mnist_tui.core.events import (
    Answered,
    BatchInspected,
    HealthRecovered,
    HealthWarned,
    HyperparametersApplied,
    Layer,
    Paused,
    Previewed,
    RateFound,
    RatesTried,
    Recalled,
    Resumed,
    Rewound,
    RunContinued,
    RunFailed,
    RunFinished,
    StopScheduled,
)
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.core.resuming import Resumption
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.keys import KEYS
from mnist_tui.tui.screens.finder import FinderScreen
from mnist_tui.tui.widgets.knob_list import KnobList
from mnist_tui.tui.widgets.metric_chart import MetricChart
from tests.tui.scripted import (
    ScriptedRunner,
    batches,
    current_line,
    evaluation,
    finished,
    loaded,
    make_app,
    mid_run,
    real_digits,
    said,
    started,
)
from tests.tui.test_app import SIZE, shown, text_of

START = Hyperparameters()
LAYERS = tuple(Layer(name, 10.0, 0.5, 1.25e-3) for name in ("conv1", "conv2", "fc1", "fc2"))


def stepped(step: int = 1251, count: int = 64) -> BatchInspected:
    test = real_digits()[1]
    order = sorted(range(count), key=lambda number: -((number * 37) % count))
    labels = tuple(test.labels[number] for number in order)
    predicted = tuple((label + (place < 3)) % 10 for place, label in enumerate(labels))
    losses = tuple(4.0 * math.exp(-place / 4) for place in range(count))
    images = b"".join(bytes(test.digit(number)) for number in order)
    return BatchInspected(step, count, 0.25, count - 3, labels, predicted, losses, LAYERS, images)


async def tell(pilot: Pilot[int], app: MnistApp, runner: ScriptedRunner, *events: object) -> None:
    runner.say(*events)  # type: ignore[arg-type]
    app.tick()
    await pilot.pause()
    app.show()
    await pilot.pause()


# --- a run that goes on


async def test_a_run_that_goes_on_shows_its_curves_before_torch_is_there() -> None:
    data, engine, *past = mid_run()
    app, runner = make_app([data, Recalled(tuple(past), ahead=True)])
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        chart = app.screen.query_one("#loss", MetricChart)
        assert app.session.progress.phase == "loading torch"
        assert "lr 0.001→0.0005" in text_of(chart)
        assert not app.session.progress.active
        buckets = list(app.session.history.loss.whole())
        continued = RunContinued("20260101-120000-classic", "runs/x", 1250, Hyperparameters(), "cpu", 60000, 421642)
        await tell(pilot, app, runner, engine, Recalled(tuple(past)), continued)
        assert app.session.progress.phase == "training"
        assert [bucket.last for bucket in app.session.history.loss.whole()] == [bucket.last for bucket in buckets]
        assert len(app.session.history.tests) == len(app.session.history.marks) == 1


async def test_a_run_that_cannot_go_on_leaves_neither_curves_nor_settings(tmp_path: Path) -> None:
    data, engine, *past = mid_run()
    app, runner = make_app([data])
    mine = attrs.evolve(START, dropout=0.25)
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        app.session.edit("dropout", 0.25)
        app.session.start(resumption=Resumption(tmp_path, facts={"hyperparameters": {"momentum": 0.5}}))
        assert app.session.wanted == attrs.evolve(START, momentum=0.5)
        await tell(pilot, app, runner, Recalled(tuple(past), ahead=True))
        await tell(pilot, app, runner, engine, RunFailed("last.pt is damaged"))
        assert app.session.wanted == mine
        app.session.progress.expected = "20260101-120000-classic"
        await pilot.press("space")
        assert runner.calls.count("start") == 1
        assert any("begin a new run with the settings on the rows" in words for words in said(app))
        await pilot.press("space")
        assert runner.calls.count("start") == 2
        assert "last.pt is damaged" in text_of(app.screen.query_one("#loss", MetricChart))


async def test_an_edit_just_before_a_run_goes_on_is_on_its_row() -> None:
    data, engine, *past = mid_run()
    app, runner = make_app([data])
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        app.session.edit("dropout", 0.25)
        continued = RunContinued("20260101-120000-classic", "runs/x", 1250, START, "cpu", 60000, 421642)
        edited = HyperparametersApplied(1251, START, attrs.evolve(START, dropout=0.25))
        await tell(pilot, app, runner, engine, Recalled(tuple(past)), continued, edited)
        assert app.session.wanted.dropout == 0.25


# --- undo


async def test_u_asks_and_the_rows_and_charts_follow_what_the_engine_says() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        await pilot.press("u")
        assert runner.calls[-1] == "undo"
        app.session.wanted = attrs.evolve(app.session.wanted, learning_rate=0.0005, width=64)
        await tell(pilot, app, runner, Rewound(1250, 600, 1, 1, START, 1, 0, 38400, 7.5))
        assert app.session.wanted == attrs.evolve(START, width=64)  # what waits for the next run stays
        assert app.session.progress.step == 600
        assert "the edit is taken back: step 600 is in force again" in said(app)
        assert "step 600/9 380" in text_of(screen.status)
        assert "undone lr 0.001→0.0005" in text_of(screen.charts[0])
        await tell(pilot, app, runner, *batches(601, 40))
        assert app.session.history.last_step == 640


async def test_an_edit_moves_the_charts_at_once() -> None:
    app, runner = make_app(mid_run(), ScreenSettings(fps=0.2))
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        new = attrs.evolve(app.session.wanted, dropout=0.5)
        runner.say(HyperparametersApplied(1251, app.session.wanted, new, edit=2))
        app.tick()
        await pilot.pause()
        assert "drop 0→0.5" in text_of(screen.charts[0])


async def test_what_the_engine_answers_is_said() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await tell(pilot, app, runner, Answered(1250, "there is no edit to take back [/x]"))
        assert "there is no edit to take back [/x]" in said(app)


async def test_the_rows_take_over_what_the_engine_put_in_force_by_itself() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        before = app.session.wanted
        halved = attrs.evolve(before, learning_rate=0.00025)
        await tell(pilot, app, runner, Rewound(1250, 938, 1, 0, before, 2, 1, 60000, 11.7))
        await tell(pilot, app, runner, HyperparametersApplied(939, before, halved, edit=2))
        rows = screen.query_one(KnobList)
        rows.choose("learning_rate")
        row = rows.current
        assert (row.value, row.pending) == (0.00025, False)
        await pilot.press("left_square_bracket")
        assert runner.edits == [{"learning_rate": 0.000125}]


async def test_a_row_that_is_ahead_of_the_engine_is_not_pulled_back() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        before = app.session.wanted
        await pilot.press("right_square_bracket", "right_square_bracket")
        runner.say(HyperparametersApplied(1251, before, attrs.evolve(before, learning_rate=0.001), edit=2))
        app.tick()
        assert app.session.wanted.learning_rate == 0.002


async def test_cursor_and_zoom_do_not_outlive_the_run_they_looked_at() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        screen.charts[0].focus()
        await pilot.press("left", "plus")
        assert screen.charts[0].view.cursor is not None
        assert screen.charts[1].view.zoom is not None
        await tell(pilot, app, runner, *started()[2:])
        assert all((chart.view.cursor, chart.view.zoom) == (None, None) for chart in screen.charts)


# --- the run


async def test_space_twice_before_the_engine_answers_pauses_and_resumes() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("space", "space")
        assert runner.calls[-2:] == ["pause", "resume"]


async def test_a_restart_that_is_under_way_is_not_ordered_again() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("r", "r", "r", "r")
        assert runner.calls.count("restart") == 1


@pytest.mark.parametrize(("key", "call"), [("x", "stop"), ("g", "recover")])
async def test_what_cannot_be_taken_back_wants_a_second_press(key: str, call: str) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press(key)
        assert call not in runner.calls
        await pilot.press(key)
        assert runner.calls[-1] == call


async def test_a_second_press_of_another_key_confirms_nothing() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("x", "g", "x")
        assert not {"stop", "recover"} & set(runner.calls)


async def test_stopping_after_the_epoch_is_asked_for_and_called_off() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("X")
        assert runner.calls[-1] == "stop_after_epoch True"
        await tell(pilot, app, runner, StopScheduled(1250, 2))
        assert any("after epoch 2" in words for words in said(app))
        await pilot.press("X")
        assert runner.calls[-1] == "stop_after_epoch False"


async def test_a_restart_orders_the_values_on_the_rows_and_stops_the_run() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        app.session.edit("width", 64)
        app.session.edit("dataset", "fashion")
        await pilot.press("r", "r")
        assert runner.calls[-1] == "restart"
        assert (runner.orders[-1].hyperparameters.width, runner.orders[-1].dataset) == (64, "fashion")


@pytest.mark.parametrize("key", ["u", "g", "x", "X", "e", "full_stop"])
async def test_without_a_run_a_key_says_so_and_asks_nobody(key: str) -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        before = list(runner.calls)
        await pilot.press(key)
        assert runner.calls == before
        assert said(app) == ["There is no run yet: space begins one."]


async def test_a_run_that_ended_early_says_why() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await tell(pilot, app, runner, RunFinished("done", 1250, 2, 17.0, "stopped early: 2 evaluations"))
        assert any("stopped early" in notification.title for notification in app._notifications)


# --- single steps


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)])
async def test_a_single_step_shows_its_batch_until_training_goes_on(size: tuple[int, int]) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=size) as pilot:
        screen = await shown(pilot, app)
        await tell(pilot, app, runner, Paused(1250))
        await pilot.press("full_stop")
        await tell(pilot, app, runner, *batches(1251, 1), stepped(), Paused(1251))
        assert not screen.digits.display
        text = text_of(screen.stepped)
        for words in ("conv1", "fc2", "0.5", "1.25e-03", "61 of 64 right"):
            assert words in text
        first = stepped()
        assert f"{first.labels[0]}>{first.predicted[0]} 4" in text
        await pilot.press("right")
        assert f"{first.labels[0]}>{first.predicted[0]} 4" not in text_of(screen.stepped)
        await tell(pilot, app, runner, Resumed(1251), *batches(1252, 8))
        assert screen.digits.display
        assert not screen.stepped.display


async def test_esc_goes_back_to_the_test_digits() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        await tell(pilot, app, runner, stepped(), Paused(1251))
        assert screen.stepped.has_focus
        await pilot.press("escape")
        await pilot.pause()
        assert screen.digits.display
        assert screen.digits.has_focus


async def test_the_charts_follow_what_is_trained_and_nothing_is_looked_at_while_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        before = [text_of(chart) for chart in screen.charts]
        runner.say(*batches(1251, 300))
        app._charts_shown = 0.0
        app.tick()
        await pilot.pause()
        assert all(text_of(chart) != text for chart, text in zip(screen.charts, before, strict=True))
        looks: list[tuple[bool, bool]] = []
        monkeypatch.setattr(app, "show", lambda *, charts, figures: looks.append((charts, figures)))
        app._charts_shown, app._figures_shown = 0.0, math.inf
        app.tick()
        assert looks == []
        runner.say(*batches(1551, 1))
        app.tick()
        assert looks == [(True, False)]
        app._figures_shown = 0.0
        app.tick()
        assert looks[1:] == [(False, True)]


# --- augmentation preview


async def test_a_focused_strength_shows_originals_beside_what_is_fed() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        screen.knobs.list.choose("shift")
        screen.knobs.list.focus()
        await pilot.pause()
        app.show()
        await pilot.press("right")
        app.show()
        assert [preview.shift for preview in runner.previews] == [0.0, 0.5]
        images = b"".join(bytes(real_digits()[1].digit(number)) for number in range(24))
        await tell(pilot, app, runner, Previewed(app.session.wanted, images, images))
        assert not screen.digits.display
        assert "stored" in text_of(screen.preview)
        assert "fed" in text_of(screen.preview)
        screen.knobs.list.choose("dropout")
        await pilot.pause()
        app.show()
        await pilot.pause()
        assert screen.digits.display


# --- the finder

RATES = tuple(10 ** (-7 + number / 10) for number in range(70))
LOSSES = tuple(2.3 - 2 / (1 + math.exp(-8 * (math.log10(rate) + 3))) for rate in RATES)


async def test_the_rate_that_is_suggested_is_applied_as_it_is_told() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("f")
        await tell(pilot, app, runner, RateFound(1250, RATES, LOSSES, 0.0008082822192522724, "where it falls"))
        assert isinstance(app.screen, FinderScreen)
        assert "suggested: 0.000808, " in app.screen.describe()
        await pilot.press("enter")
        assert runner.edits == [{"learning_rate": 0.000808}]


async def test_the_finder_suggests_and_enter_applies() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("f")
        assert runner.calls[-1] == "request_rate"
        assert isinstance(app.screen, FinderScreen)
        await tell(pilot, app, runner, RatesTried(1250, RATES[:30], LOSSES[:30]))
        assert "trying: 25%" in app.screen.describe()
        await pilot.press("enter")  # nothing to apply yet
        assert runner.edits == []
        found = RateFound(1250, RATES, LOSSES, RATES[40], "where the loss falls fastest")
        await tell(pilot, app, runner, found)
        assert "suggested: 0.001, where the loss falls fastest" in app.screen.describe()
        chart = text_of(app.screen.chart)
        assert "◆" in chart
        assert "1e-05" in chart
        await pilot.press("right", "right", "left", "left", "enter")
        assert runner.edits == [{"learning_rate": pytest.approx(0.001, rel=0.02)}]
        assert not isinstance(app.screen, FinderScreen)


async def test_the_finder_can_be_left_and_changes_nothing() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, app)
        await pilot.press("f")
        await tell(pilot, app, runner, RatesTried(1250, RATES[:30], LOSSES[:30]))
        await pilot.press("escape")
        assert runner.calls[-1] == "cancel_rate"
        assert runner.edits == []
        assert not isinstance(app.screen, FinderScreen)


async def test_the_finder_works_by_mouse_alone() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("f")
        await tell(pilot, app, runner, RateFound(1250, RATES, LOSSES, RATES[40], "where the loss falls fastest"))
        await pilot.click("#rates", offset=(60, 5))
        await pilot.pause()
        assert isinstance(app.screen, FinderScreen)
        clicked = app.screen.chart.rate
        assert clicked is not None
        assert clicked != RATES[40]
        await pilot.click("#apply")
        await pilot.pause()
        assert runner.edits == [{"learning_rate": clicked}]


async def test_before_a_run_the_finder_begins_one_that_waits() -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("f")
        assert isinstance(app.screen, FinderScreen)
        (order,) = runner.orders
        assert (order.paused, order.find_rate) == (True, True)


async def test_a_finder_without_a_finding_is_no_trouble() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("f")
        await tell(
            pilot, app, runner, RateFound(1250, (), (), None, "the loss was not finite from the first batches on")
        )
        assert "not finite" in text_of(app.screen.query_one("#rates"))  # type: ignore[arg-type]
        await pilot.press("left", "enter", "escape")
        assert runner.edits == []


# --- health


async def test_an_ailment_is_a_line_while_it_lasts() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        assert not screen.health.display
        await tell(pilot, app, runner, HealthWarned(1250, "spike", "loss 6 at step 1250, average 0.1"))
        assert screen.health.display
        assert "spike: loss 6 at step 1250" in text_of(screen.health)
        await tell(pilot, app, runner, HealthRecovered(1300, "spike"))
        assert not screen.health.display


async def test_a_network_that_died_is_offered_the_way_back_whatever_else_it_suffers_from() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        for ailment in ("dead", "vanishing"):
            await tell(pilot, app, runner, HealthWarned(1250, ailment, "so it is"))
            assert "g: back to the last checkpoint, half the rate; dead: so it is" in text_of(screen.health)


async def test_a_loss_that_is_not_finite_offers_the_way_back() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        await tell(
            pilot, app, runner, HealthWarned(1251, "not finite", "the loss is NaN since step 1251"), Paused(1251)
        )
        assert "g: back to the last checkpoint, half the rate; not finite: " in text_of(screen.health)
        await pilot.press("g")  # offered: no second question
        assert runner.calls[-1] == "recover"


# --- everything by every way


async def test_the_palette_has_every_key_and_every_setting() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        titles = {command.title for command in app.get_system_commands(app.screen)}
        for binding in KEYS:
            if binding.show and binding.action != "command_palette":
                assert any(title.lower() == (binding.tooltip or "").lower() for title in titles), binding
        for knob in KNOBS.values():
            assert f"Set {knob.label}" in titles
        assert "Set data set" in titles


async def test_setting_a_value_from_the_palette() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("ctrl+p")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        for character in "set dropout":
            await pilot.press("space" if character == " " else character)
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.focused, KnobList)
        assert (app.focused.current.knob.name, app.focused.current.typed) == ("dropout", "")
        await pilot.press("0", "full_stop", "5", "enter")
        assert runner.edits == [{"dropout": 0.5}]


async def test_the_data_set_is_a_row_that_waits_for_the_next_run() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        rows = screen.query_one(KnobList)
        rows.choose("dataset")
        rows.focus()
        await pilot.press("right")
        app.show()
        assert rows.current.waits
        assert "fashion" in current_line(rows)
        assert runner.edits == []


async def test_one_chart_alone_and_back_again() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await shown(pilot, app)
        for expected in ((True, False), (False, True), (True, True)):
            await pilot.press("z")
            await pilot.pause()
            assert tuple(chart.display for chart in screen.charts) == expected
        assert screen.digits.display


# --- the bell


@pytest.mark.parametrize(("seconds", "bell", "rings"), [(90.0, True, True), (90.0, False, False), (9.0, True, False)])
async def test_a_long_run_rings_at_its_end(
    seconds: float, bell: bool, rings: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    events = [*mid_run(), *batches(1251, 8, seconds / 8), evaluation(1258), RunFinished("done", 1258, 2, seconds)]
    app, runner = make_app(loaded(), ScreenSettings(bell=bell))
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        written: list[str] = []
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        runner.say(*events[2:])
        app.tick()
        text = "".join(written)
        assert ("\x1b]9;classic: done" in text) == rings
        assert ("\a" in text) == rings


async def test_finished_runs_can_be_searched_for_a_rate_after_a_question() -> None:
    app, runner = make_app(finished())
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, app)
        await pilot.press("f")
        assert runner.orders == []
        await pilot.press("f")
        assert runner.orders[-1].find_rate
