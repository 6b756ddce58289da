import math
from collections.abc import Iterator

import attrs
import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.events import MouseScrollDown, MouseScrollUp

from mnist_tui.core.events import BatchesTrained, Evaluated, RunFinished, RunStarted
from mnist_tui.core.history import SMOOTHINGS, UNITS, History
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.progress import Progress
from mnist_tui.render.cells import CURSOR
from mnist_tui.tui.widgets.chart_pair import ChartPair, planned_x
from mnist_tui.tui.widgets.metric_chart import MetricChart
from tests.render.test_chart import long_run

SIZE = (100, 40)


class Charts(App[None]):
    """Two charts and an escape of the app's own."""

    CSS = """
    .only-loss #accuracy, .only-accuracy #loss { display: none; }
    MetricChart { border: round white; }
    """
    BINDINGS = [Binding("escape", "leave_layer", "back")]

    def __init__(self, steps: int = 1000, ascii_only: bool = False) -> None:
        super().__init__()
        self.history = long_run(steps) if steps else History()
        self.pair = ChartPair(self.history, Progress(), lambda: "press space", ascii_only=ascii_only)
        self.backs = 0

    def compose(self) -> ComposeResult:
        yield self.pair

    def on_mount(self) -> None:
        self.loss.focus()

    def action_leave_layer(self) -> None:
        self.backs += 1

    @property
    def loss(self) -> MetricChart:
        return self.pair.charts[0]

    @property
    def accuracy(self) -> MetricChart:
        return self.pair.charts[1]

    def agree(self) -> bool:
        """Whether both charts are looked at in one way."""
        one, other = (attrs.evolve(chart.view, metric="loss", x_labels=True) for chart in self.pair.charts)
        return one == other


def subtitle(chart: MetricChart) -> str:
    return str(chart.border_subtitle)


def cursor_columns(chart: MetricChart) -> set[int]:
    assert chart._drawing is not None
    rows = chart._drawing.cells.styles
    return {column for row in rows for column, style in enumerate(row) if style == CURSOR}


async def test_left_puts_the_cursor_on_the_newest_batch_of_both_charts_and_then_moves_it() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left")
        assert app.loss.view.cursor == 1000
        assert "step 1 000" in subtitle(app.loss)
        assert "batch" in subtitle(app.accuracy)
        [at] = cursor_columns(app.loss)
        await pilot.press("left", "left", "right", "left")
        assert cursor_columns(app.loss) == cursor_columns(app.accuracy) == {at - 2}
        assert app.agree()


async def test_home_and_end_are_the_first_and_the_newest_batch() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home")
        assert app.loss.view.cursor == 1
        await pilot.press("end")
        assert app.loss.view.cursor == 1000


async def test_keys_that_come_faster_than_messages_all_count() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        app.loss.action_zoom(0.5)
        app.loss.action_zoom(0.5)
        app.loss.action_pan(-0.25)
        await pilot.pause()
        assert app.loss.view.zoom is not None
        low, high = app.loss.view.zoom
        assert high - low == pytest.approx(1500 / 4)
        assert app.agree()


async def test_zoom_pan_and_back() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("plus")
        assert app.loss.view.zoom == (375, 1125)
        await pilot.press("equals_sign", "shift+left")
        assert app.loss.view.zoom == (468.75, 843.75)
        assert "zoomed" in subtitle(app.accuracy)
        await pilot.press("shift+right", "minus")
        assert app.loss.view.zoom == (375, 1125)
        await pilot.press("minus")
        assert app.loss.view.zoom is None
        await pilot.press("plus", "0")
        assert app.loss.view.zoom is None
        app.pair.look(recent=True)
        await pilot.press("0")
        assert not app.accuracy.view.recent


async def test_escape_takes_cursor_and_zoom_away_then_the_full_screen_then_is_the_apps() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter", "left", "plus", "escape")
        assert (app.loss.view.cursor, app.loss.view.zoom, app.backs) == (None, None, 0)
        assert app.screen.has_class("only-loss")
        await pilot.press("escape")
        assert (app.screen.has_class("only-loss"), app.backs) == (False, 0)
        await pilot.press("escape")
        assert app.backs == 1
        assert app.agree()


async def test_enter_gives_one_chart_the_screen_and_back() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        assert (app.loss.size.height, app.accuracy.display) == (SIZE[1] - 2, False)
        assert app.loss.view.x_labels
        await pilot.press("enter")
        assert app.accuracy.display
        assert not app.loss.view.x_labels
        app.pair.maximise("accuracy")
        await pilot.pause()
        assert (app.loss.display, app.accuracy.has_focus, app.accuracy.view.x_labels) == (False, True, True)
        app.pair.maximise(None)
        await pilot.pause()
        assert app.loss.display


async def test_a_click_places_the_cursor_and_does_not_pan() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(MetricChart, offset=(40, 5))
        assert app.loss._drawing is not None
        assert cursor_columns(app.accuracy) == {40 - 1 - app.loss._drawing.frame.left}
        assert app.loss.view.zoom is None
        await pilot.click(MetricChart, offset=(3, 5))
        assert cursor_columns(app.accuracy) == {40 - 1 - app.loss._drawing.frame.left}


async def test_a_drag_moves_the_window_and_places_no_cursor() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        app.pair.look(zoom=(500.0, 600.0))
        await pilot.mouse_down(MetricChart, offset=(40, 5))
        await pilot.hover(MetricChart, offset=(50, 5))
        await pilot.hover(MetricChart, offset=(60, 5))
        await pilot.mouse_up(MetricChart, offset=(60, 5))
        assert app.loss._drawing is not None
        low = 500 - 20 / app.loss._drawing.frame.columns * 100
        assert app.loss.view.zoom == pytest.approx((low, low + 100))
        assert app.loss.view.cursor is None
        await pilot.hover(MetricChart, offset=(20, 5))
        assert app.loss.view.zoom == pytest.approx((low, low + 100))
        assert app.agree()


async def test_the_wheel_zooms_about_the_pointer() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        await pilot._post_mouse_events([MouseScrollUp], MetricChart, offset=(7, 5))
        assert app.accuracy.view.zoom is not None
        assert app.accuracy.view.zoom == pytest.approx((0, 1200), abs=5)
        await pilot._post_mouse_events([MouseScrollDown], MetricChart, offset=(7, 5))
        assert app.accuracy.view.zoom is None
        await pilot._post_mouse_events([MouseScrollDown], MetricChart, offset=(7, 5))
        assert app.accuracy.view.zoom is None


async def test_units_and_strengths_cycle_for_both_and_are_named() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        assert subtitle(app.loss) == " whole run "
        seen = []
        for _ in UNITS:
            app.pair.cycle_unit()
            seen.append(app.loss.view.unit)
        assert seen == ["epoch", "time", "step"]
        app.pair.cycle_unit()
        app.pair.look(log=True)
        app.pair.cycle_smoothing(1)
        assert subtitle(app.accuracy) == " whole run, by epoch, log y, smoothing 0.99 "
        app.pair.cycle_smoothing(1)
        assert subtitle(app.accuracy) == " whole run, by epoch, log y, no smoothing "
        app.pair.cycle_smoothing(-1)
        app.pair.cycle_smoothing(-1)
        assert SMOOTHINGS[app.loss.view.smoothing] == 0.95
        await pilot.press("left")
        app.pair.cycle_unit()
        assert app.loss.view.cursor == pytest.approx(10.0)
        assert app.agree()


async def test_the_reading_follows_the_training_and_fits_the_border() -> None:
    app = Charts()
    async with app.run_test(size=(50, 20)) as pilot:
        await pilot.press("left")
        assert subtitle(app.loss).isprintable()
        assert len(subtitle(app.loss)) <= app.loss.size.width
        app.history.apply(Evaluated(1000, 10, "test", 0.07, 0.98, b"", 0.1))
        app.pair.show()
        assert "test 98.00 %" in subtitle(app.accuracy)


async def test_ascii_is_ascii() -> None:
    app = Charts(ascii_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left", "left")
        for chart in app.pair.charts:
            assert subtitle(chart).isascii()
            lines = [chart.render_line(y).text for y in range(chart.size.height)]
            assert all(line.isascii() for line in lines)


async def test_before_the_first_batch_keys_and_mouse_do_nothing() -> None:
    app = Charts(steps=0)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left", "home", "plus", "minus", "shift+left", "escape")
        await pilot.click(MetricChart, offset=(40, 5))
        assert (app.loss.view.cursor, app.loss.view.zoom, app.backs) == (None, None, 1)


async def test_repainted_cells_add_up_to_a_chart_drawn_at_once() -> None:
    app = Charts()
    async with app.run_test(size=SIZE) as pilot:
        for key in ("left", "left", "plus", "shift+left", "home", "escape", "right"):
            await pilot.press(key)
            app.history.apply(
                BatchesTrained(app.history.last_step + 1, 1, 64, (1.0, math.nan), (60, 0), 64 * 2000, 0.02)
            )
            app.pair.show()
        for chart in app.pair.charts:
            piecemeal = [chart.render_line(y) for y in range(chart.size.height)]
            chart._lines = None
            assert [chart.render_line(y) for y in range(chart.size.height)] == piecemeal


def test_every_key_says_what_it_does() -> None:
    for binding in MetricChart.BINDINGS:
        assert isinstance(binding, Binding)
        assert binding.tooltip
        assert binding.description
        assert not binding.show


def progress_after(steps: int) -> Iterator[Progress]:
    progress = Progress()
    progress.apply(RunStarted("run", "runs/run", Hyperparameters(epochs=4), "cpu", 6400, 1000))
    for step in range(1, steps + 1):
        epoch = (step - 1) // 100 + 1
        progress.apply(BatchesTrained(step, epoch, 64, (1.0,), (32,), 64 * step, 0.1 + 0.001 * (step % 3)))
        yield progress


def test_the_end_of_the_run_in_every_unit() -> None:
    assert [planned_x(Progress(), unit) for unit in UNITS] == [None] * 3
    started = Progress()
    started.apply(RunStarted("run", "runs/run", Hyperparameters(epochs=4), "cpu", 6400, 1000))
    assert [planned_x(started, unit) for unit in UNITS] == [400, 4, None]
    ends = {planned_x(progress, "time") for progress in progress_after(300)}
    assert ends == {50.0}
    *_, progress = progress_after(300)
    progress.apply(RunFinished("done", 300, 3, 31.0))
    assert planned_x(progress, "time") == pytest.approx(progress.train_seconds)
