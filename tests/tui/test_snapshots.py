"""Pictures of the screens at three sizes.

A difference is to be looked at, and then mended, or accepted: `pytest tests/tui/test_snapshots.py --snapshot-update`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from textual.pilot import Pilot

from mnist_tui.core.events import HealthWarned, Observed, Paused, RateFound, Rewound
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.tui.app import MnistApp
from tests.tui.scripted import batches, finished, loaded, make_app, mid_run
from tests.tui.test_live import LOSSES, RATES, stepped

SIZES = [(80, 24), (120, 36), (200, 60)]


def keys_after_a_tick(app: MnistApp, keys: Sequence[str]) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def run(pilot: Pilot[int]) -> None:
        await pilot.pause()
        app.tick()
        app.show()
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        app.show()
        await pilot.pause()

    return run


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("keys", [(), ("i", "m", "right")], ids=["train", "inspect"])
def test_a_run_under_way(snap_compare: Any, size: tuple[int, int], keys: Sequence[str]) -> None:
    app, _ = make_app(mid_run())
    assert snap_compare(app, terminal_size=size, run_before=keys_after_a_tick(app, keys))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_first_frame(snap_compare: Any, size: tuple[int, int]) -> None:
    app, _ = make_app(loaded())
    assert snap_compare(app, terminal_size=size, run_before=keys_after_a_tick(app, ()))


@pytest.mark.parametrize(
    ("keys", "screen"),
    [
        (("question_mark",), ScreenSettings()),
        (("q",), ScreenSettings()),
        (("tab", "enter", "x"), ScreenSettings()),
        (("l", "w"), ScreenSettings()),
        ((), ScreenSettings(theme="light")),
        (("i",), ScreenSettings(ascii=True)),
    ],
    ids=["help", "leave", "refused", "log-recent", "light", "ascii"],
)
def test_other_states(snap_compare: Any, keys: Sequence[str], screen: ScreenSettings) -> None:
    app, _ = make_app(mid_run(), screen)
    assert snap_compare(app, terminal_size=(120, 36), run_before=keys_after_a_tick(app, keys))


def test_a_finished_run(snap_compare: Any) -> None:
    app, _ = make_app(finished())
    assert snap_compare(app, terminal_size=(80, 24), run_before=keys_after_a_tick(app, ()))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_batch_after_a_single_step(snap_compare: Any, size: tuple[int, int]) -> None:
    app, _ = make_app([*mid_run(), *batches(1251, 1), stepped(), Paused(1251)])
    assert snap_compare(app, terminal_size=size, run_before=keys_after_a_tick(app, ()))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
def test_an_undone_edit_and_an_ailment(snap_compare: Any, size: tuple[int, int]) -> None:
    rewound = Rewound(1250, 600, 1, 1, Hyperparameters(), 1, 0, 38400, 7.5)
    warned = HealthWarned(900, "spike", "loss 6.1 at step 900, average 0.21")
    app, _ = make_app([*mid_run(), rewound, *batches(601, 400), warned])
    assert snap_compare(app, terminal_size=size, run_before=keys_after_a_tick(app, ("z", "z", "z", "right", "left")))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
def test_the_finder(snap_compare: Any, size: tuple[int, int]) -> None:
    app, runner = make_app(mid_run())

    async def run(pilot: Pilot[int]) -> None:
        await keys_after_a_tick(app, ("f",))(pilot)
        runner.say(RateFound(1250, RATES, LOSSES, RATES[40], "where the loss falls fastest"))
        app.tick()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=run)


def test_one_chart_with_a_cursor(snap_compare: Any) -> None:
    app, _ = make_app(mid_run())
    keys = ("z", "left", "left", "left", "left")
    assert snap_compare(app, terminal_size=(120, 36), run_before=keys_after_a_tick(app, keys))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
def test_a_run_that_another_process_trains(snap_compare: Any, size: tuple[int, int]) -> None:
    app, _ = make_app([*mid_run(), Observed("stalled", "process 12 on node7")], watching=True)
    assert snap_compare(app, terminal_size=size, run_before=keys_after_a_tick(app, ("space",)))
