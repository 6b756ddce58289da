"""What can go wrong with a training, seen from its events alone.

The limits are wide on purpose: a line that cries wolf is not read. Ten seeds of the classic preset raise none of them
(`python -m benchmarks.health`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

from mnist_tui.core.events import (
    Ailment,
    BatchesTrained,
    Evaluated,
    Event,
    HealthRecovered,
    HealthWarned,
    LayersProbed,
    Rewound,
)
from mnist_tui.core.history import Ema
from mnist_tui.core.idx import CLASSES

SPIKE_FACTOR = 3.0
SPIKE_NATS = 2.0  # of a batch of 64; a smaller one scatters more, by the square root
SPIKE_BATCHES = 200  # without another one, and it is over
WARM_UP_BATCHES = 20
DEAD_SHARE = 0.8  # the classic preset reaches 0.55
EXPLODING_NORM = 30.0  # of a batch of 64, as above; the classic preset stays under 3
VANISHING_NORM = 1e-6
LEARNT_NATS = 0.5  # a training loss, above what smoothed labels leave, below which a standstill is what one wants
PLATEAU_IMAGES = 32_000
PLATEAU_SHARE = 0.01
GAP = 0.03
GAP_IMAGES = 2_000  # training images a gap needs to be more than noise

LIMITS: tuple[tuple[Ailment, str], ...] = (
    ("not finite", "a batch's loss is NaN or infinite; the run pauses, and no checkpoint is overwritten"),
    (
        "spike",
        f"a batch's loss is {SPIKE_FACTOR:g} times the average and {SPIKE_NATS:g} nats above it "
        f"(more for batches under 64); over after {SPIKE_BATCHES} batches without one",
    ),
    ("dead", f"{DEAD_SHARE:.0%} of a layer's ReLUs are zero for every one of 128 images"),
    ("exploding", f"the gradient's norm is above {EXPLODING_NORM:g} (more for batches under 64)"),
    ("vanishing", f"a layer's gradient is below {VANISHING_NORM:g} while the loss is above {LEARNT_NATS:g}"),
    (
        "plateau",
        f"over {PLATEAU_IMAGES // 1000} 000 images the average loss fell by less than {PLATEAU_SHARE:.0%}, "
        f"and is above {LEARNT_NATS:g}",
    ),
    ("out of memory", "a batch does not fit; the run pauses, and goes on with a smaller batch size"),
    ("overfitting", f"training accuracy is more than {GAP * 100:g} points above that of the evaluation"),
)
"""Each ailment and when it is told, for the help."""


Finding: TypeAlias = HealthWarned | HealthRecovered


def least_loss(label_smoothing: float) -> float:
    """The mean cross-entropy, in nats, below which labels smoothed so let nothing fall: the entropy of their own."""
    others = label_smoothing / CLASSES
    shares = [1 - label_smoothing + others, *[others] * (CLASSES - 1)]
    return -sum(share * math.log(share) for share in shares if share > 0)


class HealthMonitor:
    """Told every event of a run in order; says what is wrong, once, and when it is over.

    Args:
        floor: the loss, in nats, that nothing can be below as the run is set now.
    """

    def __init__(self, floor: Callable[[], float] = lambda: 0.0) -> None:
        self._floor = floor
        self.active: dict[Ailment, str] = {}
        self._reset()

    def _reset(self) -> None:
        self._average = Ema(0.98)
        self._batches = 0
        self._last_spike = 0
        self._exploded = 0
        self._samples = 0
        self._mark: tuple[int, float] | None = None
        self._hits = self._images = 0

    def heed(self, event: Event) -> Iterator[Finding]:
        """What `event` shows to be wrong, or to be well again."""
        match event:
            case BatchesTrained():
                yield from self._look_at_losses(event)
                yield from self._look_for_plateau(event)
                yield from self._look_at_gradient(event)
                self._hits += sum(event.correct)
                self._images += event.batch_size * len(event.correct)
            case LayersProbed():
                yield from self._look_at_layers(event)
            case Evaluated():
                yield from self._look_at_gap(event)
            case Rewound():
                yield from [HealthRecovered(event.to_step, ailment) for ailment in self.active]
                self.active.clear()
                self._reset()
            case _:
                pass

    def _judge(self, step: int, ailment: Ailment, wrong: bool, message: str) -> Iterator[Finding]:
        if wrong and ailment not in self.active:
            self.active[ailment] = message
            yield HealthWarned(step, ailment, message)
        elif not wrong and ailment in self.active:
            del self.active[ailment]
            yield HealthRecovered(step, ailment)

    def _look_at_losses(self, event: BatchesTrained) -> Iterator[Finding]:
        scatter = SPIKE_NATS * math.sqrt(64 / min(event.batch_size, 64))
        finite = True
        for step, loss in enumerate(event.losses, event.first_step):
            if not math.isfinite(loss):
                finite = False
                word = "NaN" if math.isnan(loss) else "infinite"
                message = f"the loss is {word} since step {step}, at a learning rate of {event.learning_rate:g}"
                yield from self._judge(step, "not finite", True, message)
                continue
            average = self._average.value
            self._batches += 1
            if self._batches > WARM_UP_BATCHES and loss > SPIKE_FACTOR * average and loss > average + scatter:
                self._last_spike = self._batches
                yield from self._judge(step, "spike", True, f"loss {loss:.3g} at step {step}, average {average:.3g}")
            elif self._batches - self._last_spike >= SPIKE_BATCHES:
                yield from self._judge(step, "spike", False, "")
            self._average.add(loss)
        if finite:
            yield from self._judge(event.last_step, "not finite", False, "")

    def _look_for_plateau(self, event: BatchesTrained) -> Iterator[Finding]:
        average = self._average.value
        if not math.isfinite(average) or self._batches <= WARM_UP_BATCHES:
            return
        if self._mark is None or average < self._mark[1] * (1 - PLATEAU_SHARE):
            self._mark = (event.samples, average)
        stands = event.samples - self._mark[0] >= PLATEAU_IMAGES and average - self._floor() > LEARNT_NATS
        message = f"the average loss stands at {average:.3g} for {event.samples - self._mark[0]} images"
        yield from self._judge(event.last_step, "plateau", stands, message)

    def _look_at_gradient(self, event: BatchesTrained) -> Iterator[Finding]:
        norm, limit = event.gradient_norm, EXPLODING_NORM * math.sqrt(64 / min(event.batch_size, 64))
        if norm > limit:  # never for NaN, which has an ailment of its own
            self._exploded = event.last_step
        exploding = self._exploded > 0 and event.last_step - self._exploded < SPIKE_BATCHES
        yield from self._judge(event.last_step, "exploding", exploding, f"the gradient's norm is {norm:.3g}")

    def _look_at_layers(self, event: LayersProbed) -> Iterator[Finding]:
        unlearnt = self._average.value - self._floor() > LEARNT_NATS
        small = next((layer for layer in event.layers if layer.gradient_norm < VANISHING_NORM), None)
        message = "" if small is None else f"the gradient of {small.name} is {small.gradient_norm:.1g}"
        yield from self._judge(event.step, "vanishing", small is not None and unlearnt, message)
        shares = [layer for layer in event.layers if layer.dead is not None and layer.dead >= DEAD_SHARE]
        message = f"{shares[0].dead:.0%} of the ReLUs of {shares[0].name} are dead" if shares else ""
        yield from self._judge(event.step, "dead", bool(shares), message)

    def _look_at_gap(self, event: Evaluated) -> Iterator[Finding]:
        if self._images < GAP_IMAGES:
            return
        training = self._hits / self._images
        gap = training - event.accuracy
        message = f"training accuracy {training:.1%}, {event.split} accuracy {event.accuracy:.1%}"
        yield from self._judge(event.step, "overfitting", gap > GAP, message)
        self._hits = self._images = 0
