"""A runner that does nothing but say what it is told to; the app above it is the real one, on real digits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np

from mnist_tui.core.dataset import Source, Split, find
from mnist_tui.core.events import (
    BatchesTrained,
    DataLoaded,
    EngineLoaded,
    EpochFinished,
    Evaluated,
    Event,
    HyperparametersApplied,
    RunFinished,
    RunStarted,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.knob import Value
from mnist_tui.core.settings import RunSettings, ScreenSettings
from mnist_tui.runner import Order
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.looks import choose_look
from mnist_tui.tui.session import Session
from mnist_tui.tui.widgets.knob_list import KnobList


class ScriptedRunner:
    """Hands out events when drained, and keeps what it was asked for in `calls`."""

    def __init__(self, events: Iterable[Event] = (), *, watching: bool = False) -> None:
        self.watching = watching
        self.settings = RunSettings()
        self.calls: list[str] = []
        self.edits: list[dict[str, Value]] = []
        self.orders: list[Order] = []
        self.previews: list[Hyperparameters] = []
        self._events = list(events)

    def say(self, *events: Event) -> None:
        self._events += events

    def drain(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    def load(self) -> None:
        self.calls.append("load")

    def start(self, order: Order) -> None:
        self.calls.append("start")
        self.orders.append(order)

    def restart(self, order: Order) -> None:
        self.calls.append("restart")
        self.orders.append(order)

    def edit(self, changes: Mapping[str, Value]) -> None:
        self.edits.append(dict(changes))

    def undo(self) -> None:
        self.calls.append("undo")

    def recover(self) -> None:
        self.calls.append("recover")

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def step_once(self) -> None:
        self.calls.append("step_once")

    def request_evaluation(self) -> None:
        self.calls.append("request_evaluation")

    def request_save(self) -> None:
        self.calls.append("request_save")

    def request_rate(self) -> None:
        self.calls.append("request_rate")

    def cancel_rate(self) -> None:
        self.calls.append("cancel_rate")

    def request_preview(self, hyperparameters: Hyperparameters) -> None:
        self.previews.append(hyperparameters)

    def request_timing(self) -> None:
        self.calls.append("request_timing")

    def stop_after_epoch(self, wanted: bool) -> None:
        self.calls.append(f"stop_after_epoch {wanted}")

    def stop(self, reason: str = "") -> None:
        self.calls.append("stop")

    def close(self) -> bool:
        self.calls.append("close")
        return True


@cache
def real_digits() -> tuple[Source, Split]:
    source = find("mnist")
    return source, source.load_test()


def loaded() -> list[Event]:
    source, test = real_digits()
    return [DataLoaded(source, test), EngineLoaded("cpu", "", 2, "2.15.0", 60000)]


def started(hyperparameters: Hyperparameters | None = None) -> list[Event]:
    h = hyperparameters or Hyperparameters()
    return [*loaded(), RunStarted("20260101-120000-classic", "runs/x", h, "cpu", 60000, 421642)]


def batches(first: int, count: int, seconds: float = 0.0125) -> list[Event]:
    """Batches of 64, `seconds` each, whose loss falls and whose accuracy rises, the same on every machine."""
    events: list[Event] = []
    for start in range(first, first + count, 8):
        steps = range(start, min(start + 8, first + count))
        losses = tuple(2.3 * math.exp(-step / 150) + 0.05 + 0.04 * math.sin(step * 1.7) for step in steps)
        correct = tuple(round(64 * (1 - 0.9 * math.exp(-step / 120))) - step % 2 for step in steps)
        epoch = (start - 1) // 938 + 1
        done, left = divmod(steps[-1], 938)
        samples = 60000 * done + 64 * left
        events.append(BatchesTrained(start, epoch, 64, losses, correct, samples, seconds * len(steps)))
    return events


def evaluation(step: int, epoch: int = 1, wrong_every: int = 80) -> Evaluated:
    """An evaluation of the real test labels that is wrong about every `wrong_every`th digit, more or less surely."""
    labels = np.frombuffer(real_digits()[1].labels, dtype=np.uint8).astype(int)
    indices = np.arange(len(labels))
    logits = np.zeros((len(labels), 10), dtype=np.float32)
    logits[indices, labels] = 4 + (indices % 7)
    wrong = indices % wrong_every == 0
    logits[indices[wrong], (labels[wrong] + 1 + indices[wrong] % 9) % 10] = 6 + (indices[wrong] % 13) / 2 + 6
    predicted = logits.argmax(1)
    accuracy = float((predicted == labels).mean())
    return Evaluated(step, epoch, "test", 0.05, accuracy, logits.tobytes(), 0.5)


def mid_run() -> list[Event]:
    """A run in its second epoch, with one edit and one evaluation."""
    old = Hyperparameters()
    new = Hyperparameters(learning_rate=0.0005)
    return [
        *started(),
        *batches(1, 600),
        HyperparametersApplied(601, old, new),
        *batches(601, 338),
        EpochFinished(1, 938, 11.7),
        evaluation(938),
        *batches(939, 312),
    ]


def finished() -> list[Event]:
    return [*mid_run(), RunFinished("done", 1250, 2, 17.0)]


def make_app(
    events: Iterable[Event] = (), screen: ScreenSettings | None = None, *, watching: bool = False
) -> tuple[MnistApp, ScriptedRunner]:
    runner = ScriptedRunner(events, watching=watching)
    settings = screen or ScreenSettings()
    look = choose_look(settings, {"COLORTERM": "truecolor"})
    session = Session(runner, Hyperparameters(), ascii_only=settings.ascii, look=look)
    return MnistApp(session, settings), runner


def said(app: MnistApp) -> list[str]:
    """The words of every toast so far."""
    return [notification.message for notification in app._notifications]


def current_line(rows: KnobList) -> str:
    """What the row of the hyperparameter that has the keys shows."""
    return rows.render_line(rows.rows.index(rows.current) - rows.scroll_offset.y).text
