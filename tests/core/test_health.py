"""Each ailment is told once, with its figures, and taken back when it is over; a healthy run raises none."""

import math
from collections.abc import Iterable

import pytest
import torch
import torch.nn.functional as F

from mnist_tui.core.events import (
    Ailment,
    BatchesTrained,
    Evaluated,
    Event,
    HealthRecovered,
    HealthWarned,
    Layer,
    LayersProbed,
    Rewound,
)
from mnist_tui.core.health import (
    DEAD_SHARE,
    EXPLODING_NORM,
    GAP,
    LIMITS,
    PLATEAU_IMAGES,
    SPIKE_BATCHES,
    HealthMonitor,
    least_loss,
)
from mnist_tui.core.hyperparameters import Hyperparameters


def told(monitor: HealthMonitor, events: Iterable[Event]) -> list[tuple[str, int, Ailment]]:
    return [
        (type(finding).__name__, finding.step, finding.ailment) for event in events for finding in monitor.heed(event)
    ]


def batches(
    losses: list[float], first: int = 1, size: int = 64, correct: int = 60, norm: float = 1.0
) -> list[BatchesTrained]:
    return [
        BatchesTrained(step, 1, size, (loss,), (correct,), step * size, 0.01, 0.001, norm)
        for step, loss in enumerate(losses, first)
    ]


def falling(count: int) -> list[float]:
    return [2.3 * math.exp(-step / 100) + 0.05 + 0.03 * math.sin(step) for step in range(count)]


def layers(gradient: float = 0.1, dead: float = 0.0, weakest: float = 0.1) -> tuple[Layer, ...]:
    return (
        Layer("conv1", 1.0, weakest, None, 0.0),
        Layer("conv2", 1.0, gradient, None, 0.0),
        Layer("fc1", 1.0, gradient, None, dead),
        Layer("fc2", 1.0, gradient),
    )


def test_a_healthy_run_raises_nothing() -> None:
    monitor = HealthMonitor()
    events: list[Event] = [*batches(falling(2000)), LayersProbed(200, layers()), evaluation(0.93)]
    assert told(monitor, events) == []


def evaluation(accuracy: float, step: int = 938) -> Evaluated:
    return Evaluated(step, 1, "test", 0.1, accuracy, b"", 0.1)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_told_at_its_step(loss: float) -> None:
    monitor = HealthMonitor()
    event = BatchesTrained(10, 1, 64, (0.5, loss, 0.5), (60, 6, 60), 768, 0.1, 0.01)
    assert told(monitor, [event]) == [("HealthWarned", 11, "not finite")]
    assert "learning rate of 0.01" in monitor.active["not finite"]
    assert told(monitor, batches([0.5], 13)) == [("HealthRecovered", 13, "not finite")]


def test_a_spike_is_told_once_and_is_over_after_a_while() -> None:
    monitor = HealthMonitor()
    assert told(monitor, batches(falling(500))) == []
    assert told(monitor, batches([6.0, 6.0, 6.0], 501)) == [("HealthWarned", 501, "spike")]
    over = told(monitor, batches([0.1] * SPIKE_BATCHES, 504))
    assert over == [("HealthRecovered", 503 + SPIKE_BATCHES, "spike")]


def test_what_is_a_spike_depends_on_the_batch_size() -> None:
    for size, expected in ((64, 1), (1, 0)):
        monitor = HealthMonitor()
        told(monitor, batches([0.1] * 300, size=size))
        assert len(told(monitor, batches([5.0], 301, size=size))) == expected


def test_the_first_batches_are_no_spike() -> None:
    assert told(HealthMonitor(), batches([2.3, 9.0, 30.0, 2.3])) == []


def test_dead_units_are_told_with_their_layer() -> None:
    monitor = HealthMonitor()
    told(monitor, batches(falling(100)))
    assert told(monitor, [LayersProbed(200, layers(dead=DEAD_SHARE - 0.01))]) == []
    assert told(monitor, [LayersProbed(400, layers(dead=DEAD_SHARE))]) == [("HealthWarned", 400, "dead")]
    assert "fc1" in monitor.active["dead"]
    assert told(monitor, [LayersProbed(600, layers())]) == [("HealthRecovered", 600, "dead")]


@pytest.mark.parametrize("norm", [EXPLODING_NORM * 1.01, math.inf])
def test_an_exploding_gradient_is_told(norm: float) -> None:
    monitor = HealthMonitor()
    assert told(monitor, batches([2.0], 7, norm=norm)) == [("HealthWarned", 7, "exploding")]
    assert told(monitor, batches([2.0] * (SPIKE_BATCHES - 1), 8)) == []
    assert told(monitor, batches([2.0], 7 + SPIKE_BATCHES)) == [("HealthRecovered", 7 + SPIKE_BATCHES, "exploding")]


def test_a_small_batch_may_have_a_larger_gradient() -> None:
    assert told(HealthMonitor(), batches([2.0], size=1, norm=EXPLODING_NORM * 7)) == []


def test_a_vanishing_gradient_is_told_while_there_is_something_to_learn() -> None:
    monitor = HealthMonitor()
    told(monitor, batches([2.3] * 100))
    assert told(monitor, [LayersProbed(200, layers(weakest=1e-8))]) == [("HealthWarned", 200, "vanishing")]
    learnt = HealthMonitor()
    told(learnt, batches([0.01] * 100))
    assert told(learnt, [LayersProbed(200, layers(weakest=1e-8))]) == []


def test_a_loss_that_stands_still_is_a_plateau_until_it_falls() -> None:
    monitor = HealthMonitor()
    steps = PLATEAU_IMAGES // 64
    findings = told(monitor, batches([2.3] * (steps + 100)))
    assert [finding[::2] for finding in findings] == [("HealthWarned", "plateau")]
    assert findings[0][1] > steps
    assert told(monitor, batches([1.0] * 50, steps + 101))[0][::2] == ("HealthRecovered", "plateau")


def test_a_loss_that_is_low_already_may_stand_still() -> None:
    assert told(HealthMonitor(), batches([0.02] * 3000)) == []


def test_what_smoothed_labels_leave_of_a_loss_is_no_plateau() -> None:
    floor = least_loss(0.2)
    wanted = torch.full((1, 10), 0.02)
    wanted[0, 3] = 0.82
    assert floor == pytest.approx(float(F.cross_entropy(wanted.log(), torch.tensor([3]), label_smoothing=0.2)))
    assert least_loss(0.0) == 0.0
    assert least_loss(1.0) == pytest.approx(math.log(10))
    standing = batches([floor + 0.1] * 3000)
    assert told(HealthMonitor(lambda: floor), standing) == []
    assert [finding[2] for finding in told(HealthMonitor(), standing)] == ["plateau"]
    assert [finding[2] for finding in told(HealthMonitor(lambda: floor), batches([2.3] * 3000))] == ["plateau"]


def test_a_gap_between_training_and_test_is_told() -> None:
    monitor = HealthMonitor()
    told(monitor, batches(falling(200), correct=64))
    assert told(monitor, [evaluation(1 - GAP - 0.01)]) == [("HealthWarned", 938, "overfitting")]
    assert "training accuracy 100.0%, test accuracy 96.0%" in monitor.active["overfitting"]
    told(monitor, batches(falling(200), 939, correct=62))
    assert told(monitor, [evaluation(0.97, 1876)]) == [("HealthRecovered", 1876, "overfitting")]


def test_a_handful_of_images_make_no_gap() -> None:
    monitor = HealthMonitor()
    told(monitor, batches(falling(20), correct=64))
    assert told(monitor, [evaluation(0.5)]) == []


def test_going_back_leaves_every_ailment_behind() -> None:
    monitor = HealthMonitor()
    told(monitor, batches([2.3] * 100))
    told(monitor, [LayersProbed(100, layers(dead=1.0)), *batches([2.3], 101, norm=1e6)])
    rewound = Rewound(100, 50, 1, 1, Hyperparameters(), 1, 0, 3200, 0.5)
    findings = list(monitor.heed(rewound))
    assert {finding.ailment for finding in findings} == {"exploding", "dead"}
    assert all(isinstance(finding, HealthRecovered) for finding in findings)
    assert monitor.active == {}


def test_every_ailment_has_its_limit_in_the_help() -> None:
    from typing import get_args

    assert {ailment for ailment, _ in LIMITS} == set(get_args(Ailment))
    assert all(words for _, words in LIMITS)
    assert isinstance(HealthWarned(1, "spike", "x").ailment, str)
