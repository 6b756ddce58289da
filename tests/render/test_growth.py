"""A chart that keeps what cannot change any more shows what one shows that is drawn from nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from mnist_tui.core.events import BatchesTrained, Evaluated, HyperparametersApplied, Rewound, RunStarted
from mnist_tui.core.history import Bucket, History
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.positions import UNITS, Unit
from mnist_tui.render.axes import Axis
from mnist_tui.render.chart import draw_chart
from mnist_tui.render.growth import Growth
from mnist_tui.render.layers import Layer
from mnist_tui.render.view import View

SIZES = ((86, 9), (86, 9), (86, 9), (61, 12), (20, 6))


class Training:
    """A run of random batches, now and then a loss that is no number, now and then a way back."""

    def __init__(self, seed: int) -> None:
        self.history = History()
        self._random = random.Random(seed)
        self.begin()

    def begin(self) -> None:
        self.history.apply(RunStarted("run", "runs/run", Hyperparameters(), "cpu", 6400, 1000))
        self.step = 0

    def train(self, batches: int) -> None:
        rng = self._random
        losses = tuple(math.nan if rng.random() < 0.02 else rng.random() * 3 for _ in range(batches))
        correct = tuple(rng.randint(0, 64) for _ in range(batches))
        self.step += batches
        first = self.step - batches + 1
        self.history.apply(BatchesTrained(first, 1, 64, losses, correct, self.step * 64, rng.random()))

    def evaluate(self) -> None:
        rng = self._random
        self.history.apply(Evaluated(self.step, 1, "test", rng.random(), rng.random(), b"", 0.1))

    def edit(self) -> None:
        old, new = Hyperparameters(), Hyperparameters(learning_rate=self._random.choice((0.01, 0.02, 0.5)))
        self.history.apply(HyperparametersApplied(self.step, old, new))

    def go_back(self) -> None:
        target = self._random.randint(0, self.step)
        seconds = self.history.x_at(target, "time") if target else 0.0
        self.history.apply(Rewound(self.step, target, 1, 0, Hyperparameters(), 1, 0, target * 64, seconds))
        self.step = target


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
def test_a_chart_that_grew_is_the_chart_drawn_from_nothing(seed: int) -> None:
    training, rng, growth = Training(seed), random.Random(seed), {"loss": Growth(), "accuracy": Growth()}
    views = {"loss": View("loss"), "accuracy": View("accuracy", x_labels=True)}
    for turn in range(150):
        training.train(rng.choice((1, 2, 9, 40, 300)))
        if rng.random() < 0.03:
            training.go_back()
        if rng.random() < 0.05:
            training.evaluate()
        if rng.random() < 0.03:
            training.edit()
        if turn == 100:
            training.begin()
            training.train(5)
        if rng.random() < 0.1:
            changes: dict[str, Any] = {
                "log": rng.random() < 0.5,
                "unit": rng.choice(UNITS),
                "smoothing": rng.randrange(4),
                "recent": rng.random() < 0.3,
                "ascii_only": rng.random() < 0.3,
                "cursor": rng.choice((None, 0, training.step, training.step // 2)),
            }
            views = {name: attrs.evolve(view, **changes) for name, view in views.items()}
        width, height = rng.choice(SIZES)
        for name, view in views.items():
            kept = draw_chart(training.history, view, width, height, 20_000, growth[name])
            fresh = draw_chart(training.history, view, width, height, 20_000)
            assert kept.cells.characters == fresh.cells.characters
            assert kept.cells.styles == fresh.cells.styles


def test_only_what_is_behind_the_first_change_is_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    real = Layer.line

    def line(self: Layer, column: int, a: int, b: int) -> None:
        drawn.append(column)
        real(self, column, a, b)

    monkeypatch.setattr(Layer, "line", line)
    training, growth = Training(0), Growth()
    for batches, columns in ((500, range(134)), (9, range(132, 136)), (1, range(134, 136)), (70, range(134, 155))):
        training.train(batches)
        draw_chart(training.history, View("loss"), 86, 9, 900, growth)
        assert set(drawn) == {*columns}, f"{batches} batches more"
        drawn.clear()


def watch(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many buckets are looked at, each time that some are."""
    looked: list[int] = []
    real = History.positions

    def positions(self: History, buckets: Sequence[Bucket], unit: Unit) -> list[float]:
        looked.append(len(buckets))
        return real(self, buckets, unit)

    monkeypatch.setattr(History, "positions", positions)
    return looked


def test_settled_buckets_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    training, growth = Training(0), Growth()
    looked = watch(monkeypatch)
    for batches in (500, 9, 9):
        training.train(batches)
        draw_chart(training.history, View("loss"), 86, 9, 900, growth)
    assert looked == [499, 1, 9, 1, 9, 1]


def test_a_frame_narrower_than_was_guessed_costs_no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    training, growth = Training(0), Growth()
    training.train(500)
    history, x = training.history, Axis(0, 900)
    looked = watch(monkeypatch)
    for columns in (160, 156, 160, 156):
        growth.reduce(history, history.loss, View("loss"), x, columns)
    assert looked == [499, 1, 499, 1, 0, 1, 0, 1]
