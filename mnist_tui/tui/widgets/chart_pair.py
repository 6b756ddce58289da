"""Loss above accuracy: two charts looked at in one way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

from textual.app import ComposeResult
from textual.containers import Vertical

from mnist_tui.core.history import SMOOTHINGS, UNITS, History, Unit
from mnist_tui.core.progress import Progress
from mnist_tui.render.view import View
from mnist_tui.tui.widgets.metric_chart import MetricChart

Metric: TypeAlias = Literal["loss", "accuracy"]

_METRICS: tuple[Metric, ...] = ("loss", "accuracy")
_RUNGS = (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10)


class ChartPair(Vertical):
    """Both charts; unit, window, cursor and strength are the same for both.

    Attributes:
        charts: loss, then accuracy.
        maximised: the metric that has the screen for itself, or None.
    """

    DEFAULT_CSS = """
    ChartPair { height: 1fr; width: 1fr; }
    """

    def __init__(
        self, history: History, progress: Progress, hint: Callable[[], str], *, ascii_only: bool = False
    ) -> None:
        super().__init__(id="charts")
        self._history = history
        self.maximised: Metric | None = None
        self.charts = [
            MetricChart(
                View(metric, x_labels=metric == "accuracy", ascii_only=ascii_only),
                history,
                progress,
                hint,
                partial(planned_x, progress),
            )
            for metric in _METRICS
        ]

    def compose(self) -> ComposeResult:
        """Loss above accuracy."""
        yield from self.charts

    def show(self) -> None:
        """Draw the history as it is now."""
        for chart in self.charts:
            chart.show()

    def look(self, **changes: object) -> None:
        """Change how both charts are looked at, e.g. `log=True`."""
        for chart in self.charts:
            chart.look(**changes)

    def cycle_unit(self) -> None:
        """Batches, epochs, seconds; cursor and zoom stay on their batches."""
        from mnist_tui.render.navigation import in_unit

        view = self.charts[0].view
        self.look(**in_unit(self._history, view, UNITS[(UNITS.index(view.unit) + 1) % len(UNITS)]))

    def cycle_smoothing(self, direction: int) -> None:
        """A stronger (`direction` > 0) or weaker average; after the last, the first."""
        self.look(smoothing=(self.charts[0].view.smoothing + direction) % len(SMOOTHINGS))

    def maximise(self, metric: Metric | None) -> None:
        """Give one chart the screen, by the class `only-loss` or `only-accuracy`; None shows all panels again."""
        self.maximised = metric
        for chart, name in zip(self.charts, _METRICS, strict=True):
            self.screen.set_class(name == metric, f"only-{name}")
            chart.look(x_labels=name == "accuracy" or metric == "loss")
            if name == metric:
                chart.focus()

    def on_metric_chart_looked(self, message: MetricChart.Looked) -> None:
        """Look at the other one in the same way."""
        message.stop()
        for chart in self.charts:
            if chart is not message.chart:
                chart.look(**message.changes)

    def on_metric_chart_maximised(self, message: MetricChart.Maximised) -> None:
        """Give the chart the screen, or take it back."""
        message.stop()
        self.maximise(None if self.maximised else "loss" if message.metric == "loss" else "accuracy")


def planned_x(progress: Progress, unit: Unit) -> float | None:
    """Where the run will end, in `unit`; None while it is unknown.

    Seconds are rounded up to a number that seldom changes, for each change costs a new frame.
    """
    if progress.hyperparameters is None:
        return None
    epochs = max(progress.hyperparameters.epochs, progress.epoch)
    if unit == "step":
        return progress.planned_steps
    if unit == "epoch":
        return epochs
    if progress.over:
        return progress.train_seconds or None
    rate = progress.images_per_second
    if not rate:
        return None
    images = max(0, progress.samples_per_epoch * epochs - progress.samples)
    return _round_up(progress.train_seconds + images / rate)


def _round_up(seconds: float) -> float:
    scale = 1.0
    while seconds > 10 * scale:
        scale *= 10
    return next(rung * scale for rung in _RUNGS if rung * scale >= seconds)
