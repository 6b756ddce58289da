"""The dashboard over a run that another process trains."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from mnist_tui.core.events import (
    Answered,
    Event,
    HealthWarned,
    HyperparametersApplied,
    Observed,
    Paused,
    Rewound,
    RunFinished,
    StopScheduled,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.progress import Progress
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.screens.inspect import InspectScreen
from tests.tui.scripted import ScriptedRunner, batches, finished, loaded, make_app, mid_run, said
from tests.tui.test_app import SIZE, text_of
from tests.tui.test_live import tell

LIVE = Observed("live", "process 12 on node7")
HALVED = Hyperparameters(learning_rate=0.0005)


async def watch(*events: Event) -> tuple[MnistApp, ScriptedRunner]:
    return make_app(events, watching=True)


async def settled(pilot: Pilot[int], app: MnistApp) -> None:
    await pilot.pause()
    app.tick()
    app.show()
    await pilot.pause()


async def test_what_happened_before_is_shown_and_not_announced() -> None:
    before: list[Event] = [
        HealthWarned(900, "spike", "loss 6"),
        Answered(900, "old"),
        StopScheduled(900, 3),
        Paused(1250),
    ]
    app, runner = await watch(*mid_run(), *before, LIVE, Answered(0, "new"))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        assert said(app) == ["new"]
        status = text_of(app.dashboard.status)
        assert "paused" in status
        assert "watching, live" in status
        assert "process 12 on node7" in text_of(app.dashboard.facts)
        assert app.session.history.last_step == 1250
        assert app.session.wanted == HALVED
        await pilot.press("i")
        assert isinstance(app.screen, InspectScreen)
        assert app.session.browser.predictions is not None
        await pilot.press("escape")
        await tell(pilot, app, runner, Rewound(1250, 600, 1, 1, Hyperparameters(), 1, 0, 38400, 7.5))
        assert said(app)[1:] == ["the edit is taken back: step 600 is in force again"]
        assert app.session.wanted == Hyperparameters()


async def test_keys_are_wishes_and_rows_follow_what_is_confirmed() -> None:
    app, runner = await watch(*mid_run(), LIVE)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        await pilot.press("space", ".", "u", "e", "s", "x", "x", "X", "]")
        assert runner.calls[1:] == [
            "pause",
            "step_once",
            "undo",
            "request_evaluation",
            "request_save",
            "stop",
            "stop_after_epoch True",
        ]
        assert runner.edits == [{"learning_rate": 0.001}]
        other = Hyperparameters(learning_rate=0.0005, dropout=0.25)
        await tell(pilot, app, runner, HyperparametersApplied(1251, HALVED, other))
        assert app.session.wanted.dropout == 0.25


async def test_the_charts_of_what_happened_before_are_drawn_though_nothing_comes_after_it() -> None:
    app, runner = await watch()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.tick()
        runner.say(*mid_run(), LIVE)
        app._charts_shown = 0.0
        app.tick()
        await pilot.pause()
        assert all("⣿" in text_of(chart) or "⠤" in text_of(chart) for chart in app.dashboard.charts)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_leaving_asks_nothing_and_stops_nothing(key: str) -> None:
    app, runner = await watch(*mid_run(), LIVE)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        await pilot.press(key)
        await pilot.pause()
        assert app.return_value == 0
    assert "stop" not in runner.calls


async def test_a_signal_leaves_and_stops_nothing() -> None:
    app, runner = await watch(*mid_run(), LIVE)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        app.departure.number = 15
        app.departure.asked.set()
        app.tick()
        assert app.return_value == 143
    assert "stop" not in runner.calls


async def test_where_nobody_trains_the_runner_is_asked_and_answers() -> None:
    app, runner = await watch(*finished(), Observed("finished"))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        assert said(app) == []
        assert "watching, finished" in text_of(app.dashboard.status)
        await pilot.press("space", ".", "u", "x", "g", "f", "[")
        assert runner.calls[1:] == ["resume", "step_once", "undo", "stop", "recover", "request_rate"]
        assert runner.edits == [{"learning_rate": 0.00025}]
        assert app.session.wanted == HALVED  # what cannot be had is not shown as wanted
        assert app.screen is app.dashboard


async def test_what_waits_for_a_next_run_cannot_be_had() -> None:
    app, runner = await watch(*mid_run(), LIVE)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        for name, value in (("width", 64), ("dataset", "fashion"), ("seed", 3)):
            app.edit(name, value)
        await pilot.pause()
        assert said(app) == ["that takes effect in the next run, and here one is only watched"]  # once
        assert runner.edits == []
        assert app.session.dataset == "mnist"


async def test_no_preview_is_asked_for() -> None:
    app, runner = await watch(*mid_run(), LIVE)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        app.action_set("rotate")
        await settled(pilot, app)
        assert runner.previews == []
        assert app.dashboard.digits.display


async def test_a_crash_is_said_and_a_life_after_it_seen() -> None:
    app, runner = await watch(*mid_run(), LIVE)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        await tell(pilot, app, runner, Observed("stalled", "process 12 on node7"))
        await tell(pilot, app, runner, Observed("crashed"))
        assert said(app) == [
            "process 12 on node7 has shown no sign of life for five seconds.",
            "The process that trained it is gone without a word.",
        ]
        assert "✗ crashed" in text_of(app.dashboard.status)
        await tell(pilot, app, runner, LIVE, *batches(1251, 8))
        assert "● training" in text_of(app.dashboard.status)


async def test_a_run_without_a_batch_says_so() -> None:
    app, runner = await watch(*loaded())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot, app)
        assert app.session.hint() == "the run is being read"
        await tell(pilot, app, runner, LIVE)
        assert app.session.hint() == "no batch of it is recorded yet"


@pytest.mark.parametrize(("state", "phase"), [("finished", "done"), ("stopped", "stopped"), ("failed", "failed")])
def test_a_last_event_that_is_lost_leaves_no_run_under_way(state: str, phase: str) -> None:
    progress = Progress()
    for event in (*mid_run(), Observed(state)):  # type: ignore[arg-type]
        progress.apply(event)
    assert progress.phase == phase
    assert progress.over


def test_a_pause_outlives_a_death_that_was_none() -> None:
    progress = Progress()
    for event in (*mid_run(), Paused(1250), LIVE, Observed("crashed")):
        progress.apply(event)
    assert progress.phase == "crashed"
    progress.apply(LIVE)
    assert progress.phase == "paused"
    progress.apply(RunFinished("done", 1250, 2, 17.0))
    assert progress.phase == "done"
