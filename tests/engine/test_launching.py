"""The logic of batches that are replayed, on the CPU.

What was recorded is done again with all of Python's values as they were then, so that only what lies in tensors can
make a difference; as with a CUDA graph.
"""

import copy
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch

from mnist_tui.core.control import Control
from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    BatchInspected,
    Event,
    HealthWarned,
    HyperparametersApplied,
    LayersProbed,
    Paused,
    Rewound,
)
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters, with_changes
from mnist_tui.core.settings import Precision
from mnist_tui.engine import launching
from mnist_tui.engine import stepper as module
from mnist_tui.engine.graphs import CannotRecord, why_no_graphs
from mnist_tui.engine.keeper import Destination
from mnist_tui.engine.launching import NOT_BAKED, Launcher, baked, make_launcher, why_waiting
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.restoring import read_state
from mnist_tui.engine.trainer import OutOfMemory, Trainer
from tests.engine.small import CPU, SMALL, splits

DATA = splits(140, 20)
START = attrs.evolve(SMALL, batch_size=16)  # eight whole batches and a short one an epoch
LIVELY = attrs.evolve(START, epochs=3, dropout=0.3, shift=2.0, rotate=10.0, schedule="one-cycle", gradient_clip=0.5)


class OutOfMemoryError(RuntimeError):
    """Told by its name, as torch's is."""


class Frozen:
    """A recording: the work is done with the hyperparameters and the optimizer's settings it was recorded with.

    Its gradients are always the same tensors, and a replay does not put them in place of others.
    """

    def __init__(self, work: Callable[[], None], learner: Learner) -> None:
        self._work = work
        self._learner = learner
        self._hyperparameters = learner.hyperparameters
        self._group = {**self._settings(), "lr": float("nan")}  # the rate is in no graph
        self._gradients = [torch.zeros_like(weight) for weight in learner.model.parameters()]
        learner.gradients = list(self._gradients)
        self.released = False
        self.replays = 0
        self.broken: BaseException | None = None

    def _settings(self) -> dict[str, Any]:
        return {name: value for name, value in self._learner.optimizer.param_groups[0].items() if name != "params"}

    def replay(self) -> None:
        assert not self.released
        if self.broken is not None:
            raise self.broken
        self.replays += 1
        learner, now, group = self._learner, self._learner.hyperparameters, self._settings()
        gradients = learner.gradients
        learner.hyperparameters = self._hyperparameters
        learner.optimizer.param_groups[0].update(self._group)
        try:
            self._work()
            for kept, new in zip(self._gradients, learner.gradients, strict=True):
                assert new is not None
                kept.copy_(new)
        finally:
            learner.gradients = gradients
            learner.hyperparameters = now
            learner.optimizer.param_groups[0].update(group)

    def release(self) -> None:
        self.released = True


class Recorder:
    def __init__(self, learner: Learner, error: BaseException | None = None) -> None:
        self.learner = learner
        self.error = error
        self.warmed = 0
        self.recordings: list[Frozen] = []

    def warm_up(self, work: Callable[[], None]) -> None:
        self.warmed += 1
        work()

    def record(self, work: Callable[[], None]) -> Frozen:
        if self.error is not None:
            raise self.error
        assert all(gradient is None for gradient in self.learner.gradients)
        self.recordings.append(Frozen(work, self.learner))
        return self.recordings[-1]


@pytest.fixture(autouse=True)
def no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of eight batches, whatever the time."""
    monkeypatch.setattr(module, "DRAIN_SECONDS", 1e9)
    monkeypatch.setattr(launching, "CHUNK_SECONDS", 1e9)
    monkeypatch.setattr(launching, "GROWTH", 1)


def plain(hyperparameters: Hyperparameters, folder: Path | None = None, precision: Precision = "fp32") -> Trainer:
    """A run that a loss that is no number ends."""
    destination = None
    if folder is not None:
        (folder / "checkpoints").mkdir(parents=True)
        destination = Destination(folder, 1e9, {"run": folder.name})
    return Trainer(hyperparameters, DATA, CPU, destination, attended=False, precision=precision)


def launched(trainer: Trainer, error: BaseException | None = None) -> tuple[Trainer, Recorder, Launcher]:
    """`trainer`, whose batches are recorded and replayed from now on."""
    recorder = Recorder(trainer.learner, error)
    launcher = Launcher(trainer.learner, DATA.train, recorder)
    trainer.stepper.launcher = launcher
    return trainer, recorder, launcher


def batches(events: list[Event]) -> list[tuple[int, int, int, float, int]]:
    """Step, epoch, size, loss and hits of every batch."""
    return [
        (event.first_step + number, event.epoch, event.batch_size, loss, hits)
        for event in events
        if isinstance(event, BatchesTrained)
        for number, (loss, hits) in enumerate(zip(event.losses, event.correct, strict=True))
    ]


def norms(events: list[Event]) -> dict[int, float]:
    """The gradient's norm after each batch that is the last of an event."""
    return {event.last_step: event.gradient_norm for event in events if isinstance(event, BatchesTrained)}


def assert_same(ours: Trainer, theirs: Trainer) -> None:
    for (name, weight), other in zip(ours.model.state_dict().items(), theirs.model.state_dict().values(), strict=True):
        assert torch.equal(weight, other), name
    mine, wanted = ours.learner.optimizer.state_dict(), theirs.learner.optimizer.state_dict()
    assert mine["param_groups"] == wanted["param_groups"]
    torch.testing.assert_close(mine["state"], wanted["state"], rtol=0, atol=0)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"optimizer": "adamw", "weight_decay": 0.1, "label_smoothing": 0.1},
        {"optimizer": "sgd", "learning_rate": 0.1},
        {"optimizer": "sgd", "momentum": 0.0, "schedule": "cosine"},
        {"optimizer": "rmsprop", "weight_decay": 0.01},
        {"optimizer": "rmsprop", "momentum": 0.0, "schedule": "step"},
        {"schedule": "one-cycle", "learning_rate": 0.01, "gradient_clip": 0.1},
        {"dropout": 0.5, "shift": 2.0, "rotate": 15.0, "scale": 0.1},
        {"batch_size": 512},
    ],
    ids=str,
)
def test_replayed_batches_are_those_of_a_run_that_waits_for_each(values: dict[str, Any]) -> None:
    hyperparameters = attrs.evolve(START, **values)
    waits = plain(hyperparameters)
    wanted = list(waits.run(Control()))
    runs_ahead, recorder, launcher = launched(plain(hyperparameters))
    events = list(runs_ahead.run(Control()))
    assert batches(events) == batches(wanted)
    assert_same(runs_ahead, waits)
    whole = 0 if hyperparameters.batch_size > 140 else 16
    assert launcher.captures == (whole > 0)
    assert sum(recording.replays for recording in recorder.recordings) == max(0, whole - launching.WARM_UP)
    ends = {event.last_step: event for event in wanted if isinstance(event, BatchesTrained)}
    for event in events:
        if isinstance(event, BatchesTrained) and event.last_step in ends:
            other = ends[event.last_step]
            assert event.learning_rate == other.learning_rate
            assert event.gradient_norm == other.gradient_norm > 0
            assert event.samples == other.samples


def test_bfloat16_is_replayed_as_well() -> None:
    wanted = list(plain(START, precision="bf16").run(Control()))
    ahead, _, _ = launched(plain(START, precision="bf16"))
    assert batches(list(ahead.run(Control()))) == batches(wanted)


def edited(trainer: Trainer, edits: dict[int, object]) -> list[Event]:
    """A whole run in which, after the batch of that number, an edit or an undo is asked for."""
    control = Control()
    left = dict(edits)

    def look(step: int) -> None:
        wish = left.pop(step, None)
        if wish == "undo":
            control.undo()
        elif isinstance(wish, dict):
            control.edit(wish)

    step_of = trainer.stepper._train_batch
    launcher = trainer.stepper.launcher
    if launcher is None:

        def train(*batch: Any) -> Any:
            logits = step_of(*batch)
            look(trainer.place.step + 1)
            return logits

        trainer.stepper._train_batch = train  # type: ignore
    else:
        launch = launcher.launch

        def launch_and_look(*words: Any) -> None:
            launch(*words)
            look(trainer.place.step + 1)

        launcher.launch = launch_and_look  # type: ignore
    events = list(trainer.run(control))
    assert not left
    return events


@pytest.mark.parametrize(
    ("edits", "captures"),
    [
        ({6: {"learning_rate": 0.05}, 9: {"rotate": 3.0}, 17: {"shift": 0.5}, 18: {"epochs": 4}}, 1),
        ({6: {"schedule": "constant"}, 15: {"schedule": "cosine"}}, 1),
        ({6: {"batch_size": 8}, 21: {"batch_size": 16}}, 3),
        ({6: {"dropout": 0.0}}, 2),
        ({6: {"gradient_clip": 0.0}}, 2),
        ({6: {"label_smoothing": 0.2}}, 2),
        ({5: {"weight_decay": 0.5}, 6: {"weight_decay": 0.25}, 7: {"weight_decay": 0.0}}, 2),
        ({6: {"shift": 0.0, "rotate": 0.0}, 14: {"scale": 0.2}}, 3),
        ({6: {"optimizer": "sgd", "learning_rate": 0.1}, 15: {"momentum": 0.0}}, 3),
        ({14: {"learning_rate": 0.05}, 17: "undo"}, 2),
        ({14: {"batch_size": 10}, 20: "undo"}, 3),
    ],
    ids=str,
)
def test_edits_and_undos_land_at_the_next_launch(tmp_path: Path, edits: dict[int, object], captures: int) -> None:
    waits = plain(LIVELY, tmp_path / "a")
    wanted = edited(waits, edits)
    ahead, _, launcher = launched(plain(LIVELY, tmp_path / "b"))
    events = edited(ahead, edits)
    assert batches(events) == batches(wanted)
    assert_same(ahead, waits)
    assert launcher.captures == captures

    def told(events: list[Event]) -> list[int]:
        return [
            event.step if isinstance(event, HyperparametersApplied) else event.to_step
            for event in events
            if isinstance(event, (HyperparametersApplied, Rewound))
        ]

    assert told(events) == told(wanted)


def test_whatever_may_be_edited_live_is_in_the_graph_or_read_from_a_tensor() -> None:
    augmenting = attrs.evolve(START, shift=1.0)
    for name, knob in KNOBS.items():
        now = getattr(augmenting, name)
        other = next(value for value in knob.choices or (knob.low, knob.high) if value != now)
        differs = baked(with_changes(augmenting, {name: other})) != baked(augmenting)
        assert differs == (name not in NOT_BAKED or name == "shift"), name  # without a shift nothing is moved any more


def test_a_run_that_is_continued_warms_up_again_and_is_the_one_that_was_not_interrupted(tmp_path: Path) -> None:
    whole, _, _ = launched(plain(LIVELY))
    wanted = batches(list(whole.run(Control())))
    first, _, _ = launched(plain(LIVELY, tmp_path / "run"))
    control = Control()
    seen: list[Event] = []
    for event in first.run(control):
        seen.append(event)
        if isinstance(event, BatchesTrained) and event.last_step >= 14:
            control.stop()
    second, recorder, _ = launched(plain(LIVELY))
    second.continue_from(read_state(tmp_path / "run" / "checkpoints" / "last.pt", 140))
    seen += second.run(Control())
    assert recorder.warmed == launching.WARM_UP
    assert batches(seen) == wanted
    assert_same(second, whole)


def test_the_newest_chunk_stays_under_way_while_the_one_before_comes_down() -> None:
    trainer, _, launcher = launched(plain(attrs.evolve(START, batch_size=4, epochs=1)))
    running = trainer.run(Control())
    first = next(running)
    assert isinstance(first, BatchesTrained)
    assert (first.first_step, first.last_step, trainer.place.step) == (1, 8, 16)
    assert len(launcher._underway) == 1
    told = [first, *(event for event in running if isinstance(event, BatchesTrained))]
    assert [event.first_step for event in told] == [1, 9, 17, 25, 33]
    assert [event.samples for event in told] == [32, 64, 96, 128, 140]
    assert sum(event.seconds for event in told) == pytest.approx(trainer.place.seconds)


def test_a_batch_may_be_looked_into_and_replays_go_on_with_the_graphs_gradients() -> None:
    def inspect_the_ninth(trainer: Trainer) -> list[Event]:
        control = Control()
        events = []
        for event in trainer.run(control):
            events.append(event)
            if isinstance(event, BatchesTrained) and event.last_step == 8:
                control.step_once()
            if event == Paused(9):
                control.resume()
        return events

    wanted = inspect_the_ninth(plain(LIVELY))
    ahead, recorder, _ = launched(plain(LIVELY))
    events = inspect_the_ninth(ahead)
    assert batches(events) == batches(wanted)
    (look,) = [event for event in events if isinstance(event, BatchInspected)]
    assert look in wanted
    assert recorder.recordings[0].replays > 4
    assert norms(events).items() >= norms(wanted).items()
    assert norms(wanted).keys() >= {8, 9, 17, 26}


def test_what_is_probed_is_the_batch_of_that_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROBE_BATCHES", 6)
    wanted = [event for event in plain(LIVELY).run(Control()) if isinstance(event, LayersProbed)]
    ahead, _, _ = launched(plain(LIVELY))
    assert [event for event in ahead.run(Control()) if isinstance(event, LayersProbed)] == wanted != []


def test_where_nothing_can_be_recorded_the_reason_is_told_and_the_numbers_are_the_same() -> None:
    waits = plain(LIVELY)
    wanted = list(waits.run(Control()))
    trainer, recorder, launcher = launched(plain(LIVELY), CannotRecord("operation not permitted when capturing"))
    events = list(trainer.run(Control()))
    assert batches(events) == batches(wanted)
    (answer,) = [event for event in events if isinstance(event, Answered)]
    assert answer.message.endswith("a CUDA graph cannot be made here: operation not permitted when capturing")
    assert (launcher.captures, recorder.warmed) == (0, launching.WARM_UP)


def test_no_recorder_is_told_with_its_reason() -> None:
    trainer = plain(START)
    trainer.stepper.launcher = Launcher(trainer.learner, DATA.train, None, "MNIST_TUI_GRAPHS=0 turns it off")
    answers = [event for event in trainer.run(Control()) if isinstance(event, Answered)]
    assert [event.message for event in answers] == [
        "every kernel is launched by itself, not in a CUDA graph: MNIST_TUI_GRAPHS=0 turns it off"
    ]


@pytest.mark.parametrize("where", ["record", "replay"])
def test_a_full_memory_pauses_the_run_and_gives_the_graph_back(where: str) -> None:
    full = OutOfMemoryError("CUDA out of memory")
    trainer, recorder, launcher = launched(Trainer(START, DATA, CPU), full if where == "record" else None)
    control = Control()
    running = trainer.run(control)
    events: list[Event] = []
    for event in running:
        events.append(event)
        if isinstance(event, BatchesTrained) and recorder.recordings and not recorder.recordings[-1].broken:
            recorder.recordings[-1].broken = full
        if isinstance(event, Paused):
            break
    warned = next(event for event in events if isinstance(event, HealthWarned))
    assert (warned.ailment, warned.message) == (
        "out of memory",
        "a batch of 16 does not fit into the memory of cpu: try 8",
    )
    steps = [step for step, *_ in batches(events)]
    assert steps == list(range(1, trainer.place.step + 1))
    assert all(recording.released for recording in recorder.recordings)
    assert launcher._recording is None
    recorder.error = None
    control.edit({"batch_size": 8})
    rest = batches(list(running))
    assert rest[0][0] == trainer.place.step - len(rest) + 1 == steps[-1] + 1
    assert rest[0][2] == 8
    assert recorder.recordings[-1].replays > 0


def test_a_full_memory_that_nobody_sees_ends_the_run_with_a_smaller_batch_to_try() -> None:
    trainer, _, _ = launched(plain(START), OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(OutOfMemory, match=r"try 8, e\.g\. go on with --resume and --batch-size 8"):
        list(trainer.run(Control()))


def test_any_other_failure_is_not_swallowed() -> None:
    trainer, _, _ = launched(plain(START), RuntimeError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        list(trainer.run(Control()))


def test_the_rate_finder_leaves_a_run_that_is_replayed_as_it_was() -> None:
    undisturbed = batches(list(plain(LIVELY).run(Control())))
    trainer, _, _ = launched(plain(LIVELY))
    control = Control()
    running = trainer.run(control)
    events = list(islice(running, 1))
    control.request_rate()
    assert batches(events + list(running)) == undisturbed


def test_a_copy_of_a_learner_keeps_its_own_rate() -> None:
    trainer, _, _ = launched(plain(START))
    twin = trainer.learner.copy()
    twin.learning_rate = 5.0
    assert trainer.learner.learning_rate == START.learning_rate
    assert float(trainer.stepper.launcher._rate) == START.learning_rate  # type: ignore[union-attr]


def test_a_cpu_is_waited_for() -> None:
    assert make_launcher(copy.copy(plain(START).learner), DATA.train) is None
    assert why_no_graphs(CPU) == "only CUDA devices have them"


def test_the_reason_for_waiting_is_told_on_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_waiting(DATA.train, alone=True) == why_waiting(DATA.train, alone=False) == ""
    on_gpu = copy.copy(DATA.train)
    on_gpu.device = torch.device("cuda", 0)
    assert why_waiting(on_gpu, alone=True) == ""
    assert "train together" in why_waiting(on_gpu, alone=False)
    trainer = plain(START)
    trainer._notice = "as it is"
    first = next(trainer.run(Control()))
    assert isinstance(first, Answered)
    assert first.message == "as it is"
