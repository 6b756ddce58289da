"""The machine's load below the settings, and the panel that says why it is slow."""

from __future__ import annotations

import attrs
import pytest

from mnist_tui.core.events import Answered, BatchTimed, Event, Observed, Paused, Rewound
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.monitor import Monitor
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.core.speed import CROWDED_READINGS, MachineLoad
from mnist_tui.tui.screens import speed
from mnist_tui.tui.screens.speed import SpeedScreen
from tests.tui.scripted import make_app, mid_run, said
from tests.tui.test_app import text_of

LOAD = MachineLoad(2, 1.87, 0.0, 1_234_000_000)


@pytest.fixture(autouse=True)
def no_second_between_two_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "ASK_SECONDS", 0.0)


class Idle(Monitor):
    """Knows one reading and reads nothing."""

    def __init__(self, load: MachineLoad | None) -> None:
        super().__init__()
        self.load = load
        self.watched: list[tuple[str, bool]] = []

    def watch(self, device: str, wanted: bool) -> None:
        self.watched.append((device, wanted))


def timed(step: int, backward: float = 6.0) -> BatchTimed:
    return BatchTimed(step, 64, 0.5, 3.0, backward, 1.0, 0.25)


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_the_panel_says_where_a_batch_goes_and_what_bounds_it(ascii_only: bool) -> None:
    app, runner = make_app(mid_run(), ScreenSettings(ascii=ascii_only))
    app.session._monitor = Idle(LOAD)
    async with app.run_test(size=(80, 24)) as pilot:
        app.tick()
        await pilot.press("W")
        await pilot.pause()
        assert isinstance(app.screen, SpeedScreen)
        assert "The first batch is being timed." in text_of(app.screen.table)
        assert "request_timing" in runner.calls
        for step in (1300, 1310, 1320):
            runner.say(timed(step, backward=6.0 if step != 1310 else 600.0))
            app.tick()
        await pilot.pause()
        text = text_of(app.screen.table)
        assert "backward    6.00 ms  56%  " + ("####" if ascii_only else "████") in text  # the median
        assert "a batch    10.75 ms of 64 images, medians of 3 batches" in text
        assert "The network's own arithmetic takes 84% of a batch" in text
        assert "1.9 of 2 cores busy with this, 0.0 with other programs, 1.2 GB" in text
        assert not ascii_only or text.isascii()


async def test_nothing_is_timed_while_the_panel_is_closed_or_training_waits() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        app.tick()
        assert "request_timing" not in runner.calls
        await pilot.press("W", "escape")
        asked = runner.calls.count("request_timing")
        app.tick()
        runner.say(Paused(1250))
        app.tick()
        await pilot.press("W")
        app.tick()
        assert runner.calls.count("request_timing") == asked
        assert isinstance(app.screen, SpeedScreen)
        assert "Nothing is trained now" in text_of(app.screen.table)


async def test_of_a_run_that_is_watched_nothing_is_measured_here() -> None:
    app, runner = make_app([*mid_run(), Observed("live", "alice@node7")], watching=True)
    app.session.measuring = True
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.press("W")
        await pilot.pause()
        assert isinstance(app.screen, SpeedScreen)
        assert "Trained by alice@node7" in text_of(app.screen.table)
        assert "request_timing" not in runner.calls
        assert app.session.monitor is None
        assert not app.dashboard.load.display


async def test_the_load_is_shown_below_the_settings_once_there_is_one() -> None:
    app, runner = make_app(mid_run())
    monitor = app.session._monitor = Idle(None)
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        app.show()
        await pilot.pause()
        assert not app.dashboard.load.display
        assert monitor.watched[-1] == ("cpu", True)
        monitor.load = LOAD
        app.show()
        await pilot.pause()
        app.show()
        await pilot.pause()
        assert app.dashboard.load.display
        assert "5 120 img/s  cpu 187 %  1.2 GB" in text_of(app.dashboard.load)
        runner.say(Paused(1250))
        app.tick()
        assert monitor.watched[-1] == ("cpu", False)


async def test_other_programs_that_slow_the_training_down_are_named_once() -> None:
    app, _ = make_app(mid_run())
    monitor = app.session._monitor = Idle(None)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        app.tick()
        threads = app.session.progress.threads
        assert threads > 1
        for _ in range(3 * CROWDED_READINGS):
            monitor.load = attrs.evolve(LOAD, cores=threads, own=1.0, others=1.0)
            app._figures_shown = 0.0
            app.tick()
        await pilot.pause()
        words = [text for text in said(app) if "other programs keep" in text.lower()]
        assert len(words) == 1
        assert words[0].startswith(f"Other programs keep 1.0 of {threads} cores busy")
        assert f"--threads {threads - 1}" in words[0]


REWOUND = Rewound(1250, 600, 1, 1, Hyperparameters(), 1, 0, 38400, 7.5)


@pytest.mark.parametrize(
    ("key", "words", "answer", "phase"),
    [
        ("space", "pauses after this batch", Paused(1250), "paused"),
        ("u", "goes back after this batch", Answered(1250, "there is no edit to take back"), "training"),
        ("u", "goes back after this batch", REWOUND, "training"),
    ],
    ids=["pause", "refused undo", "undo"],
)
async def test_what_waits_for_its_batch_is_seen_to_wait(key: str, words: str, answer: Event, phase: str) -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        app.tick()
        await pilot.press(key)
        app.show()
        assert words in text_of(app.dashboard.status)
        runner.say(answer)
        app.tick()
        app.show()
        assert words not in text_of(app.dashboard.status)
        assert phase in text_of(app.dashboard.status)
