"""Training on a real CUDA device; skipped where there is none.

Most of it is said twice: batches replayed from a graph against the same kernels launched one by one, bit for bit.
"""

import copy
import gc
import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
import torch.nn.functional as F

from mnist_tui.core.control import Control
from mnist_tui.core.events import Answered, BatchesTrained, BatchInspected, BatchTimed, Event, HealthWarned, Paused
from mnist_tui.core.hyperparameters import PRESETS, Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.engine import device as devices
from mnist_tui.engine.architectures import kernels_for, loss_kernels
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.cuda import adam, program
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.graphs import why_no_graphs
from mnist_tui.engine.keeper import Destination
from mnist_tui.engine.launching import Launcher
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.engine.restoring import read_state
from mnist_tui.engine.trainer import OutOfMemory, Splits, Trainer
from tests.datafiles import cut

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")

TRAIN, TEST = 1500, 400
START = Hyperparameters(batch_size=64, epochs=2)
LIVELY = attrs.evolve(
    START, epochs=3, dropout=0.3, shift=2.0, rotate=10.0, scale=0.1, schedule="one-cycle", gradient_clip=0.5
)


@pytest.fixture(scope="module")
def gpu() -> torch.device:
    devices.prepare(1)
    return torch.device("cuda", 0)


@pytest.fixture(scope="module")
def data(gpu: torch.device) -> Splits:
    everything = cut(TRAIN + TEST)
    return Splits(train=Batches(everything, gpu, 0, TRAIN), test=Batches(everything, gpu, TRAIN))


def trainer(
    hyperparameters: Hyperparameters,
    data: Splits,
    *,
    replay: bool = True,
    folder: Path | None = None,
    precision: Precision = "fp32",
    attended: bool = False,
) -> Trainer:
    """A run; without `replay` the same kernels are launched one by one."""
    destination = None
    if folder is not None:
        (folder / "checkpoints").mkdir(parents=True)
        destination = Destination(folder, 1e9, {"run": folder.name})
    device = data.train.device
    made = Trainer(hyperparameters, data, device, destination, attended=attended, precision=precision)
    if not replay:
        made.stepper.launcher = Launcher(made.learner, data.train, None)
    return made


def batches(events: list[Event]) -> list[tuple[int, float, int]]:
    """Step, loss and hits of every batch."""
    return [
        (event.first_step + number, loss, hits)
        for event in events
        if isinstance(event, BatchesTrained)
        for number, (loss, hits) in enumerate(zip(event.losses, event.correct, strict=True))
    ]


def assert_same(ours: Trainer, theirs: Trainer) -> None:
    for (name, weight), other in zip(ours.model.state_dict().items(), theirs.model.state_dict().values(), strict=True):
        assert torch.equal(weight, other), name
    mine, wanted = ours.learner.optimizer.state_dict(), theirs.learner.optimizer.state_dict()
    torch.testing.assert_close(mine["state"], wanted["state"], rtol=0, atol=0)


RECIPES: list[dict[str, Any]] = [
    {},
    {"optimizer": "adamw", "weight_decay": 0.1, "label_smoothing": 0.1, "schedule": "one-cycle"},
    {"optimizer": "sgd", "learning_rate": 0.05},
    {"optimizer": "sgd", "momentum": 0.0, "schedule": "cosine"},
    {"optimizer": "rmsprop", "weight_decay": 0.01},
    {"optimizer": "rmsprop", "momentum": 0.0},
    {"gradient_clip": 0.1},
    {"dropout": 0.5},
    {"shift": 2.0, "rotate": 15.0, "scale": 0.1},
    {"width": 7, "hidden_units": 33, "batch_size": 50},
    {"network": "deep", "weight_average": 0.99},
]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("values", RECIPES, ids=str)
def test_replays_are_the_single_launches_bit_for_bit(
    data: Splits, values: dict[str, Any], precision: Precision
) -> None:
    hyperparameters = attrs.evolve(START, **values)
    single = trainer(hyperparameters, data, replay=False, precision=precision)
    wanted = list(single.run(Control()))
    replayed = trainer(hyperparameters, data, precision=precision)
    events = list(replayed.run(Control()))
    assert replayed.stepper.launcher is not None
    assert replayed.stepper.launcher.captures == 1, [event for event in events if isinstance(event, Answered)]
    assert batches(events) == batches(wanted)
    assert_same(replayed, single)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("preset", ["classic", "fast", "accurate"])
def test_a_gpu_learns_what_a_cpu_learns(data: Splits, preset: str, precision: Precision) -> None:
    hyperparameters = attrs.evolve(PRESETS[preset], epochs=2, dropout=0.0, batch_size=64, width=16)
    everything = cut(TRAIN + TEST)
    cpu = torch.device("cpu")
    there = Splits(train=Batches(everything, cpu, 0, TRAIN), test=Batches(everything, cpu, TRAIN))
    on_cpu = batches(list(islice(Trainer(hyperparameters, there, cpu).run(Control()), 40)))
    on_gpu = batches(list(trainer(hyperparameters, data, precision=precision).run(Control())))
    for (step, ours, _), (other, theirs, _) in list(zip(on_gpu, on_cpu, strict=False))[:4]:
        assert step == other
        assert ours == pytest.approx(theirs, rel=0.01 if precision == "fp32" else 0.05), step


@pytest.mark.parametrize("sizes", [(32, 64, 128), (8, 16, 33), (48, 96, 200), (128, 256, 64)])
@pytest.mark.parametrize("count", [1, 33, 64, 300])
def test_kernels_give_the_gradients_of_torch(gpu: torch.device, sizes: tuple[int, int, int], count: int) -> None:
    torch.manual_seed(0)
    model = CNN(Architecture(*sizes)).settle(gpu)
    for part in (model.conv1.weight, model.conv1.bias, model.conv2.weight, model.conv2.bias):
        assert part is not None
        part.data.mul_(32).round_().div_(32)  # a forward pass that TF32 holds exactly: no maximum becomes another
    kernels = loss_kernels(model)
    assert kernels is not None
    images, labels = Batches(cut(count), gpu).slice(0, count)
    images = images.mul(4).round().div(4)
    loss, logits, hits = kernels(images, labels, 0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    exact = copy.deepcopy(model).double()
    exact.zero_grad()
    wanted = exact.fc2(exact.activations(images.double())[2])
    cross_entropy = F.cross_entropy(wanted, labels, label_smoothing=0.1)
    cross_entropy.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(loss.double(), cross_entropy, rtol=1e-5, atol=0)
    torch.testing.assert_close(logits.double(), wanted, rtol=1e-4, atol=1e-5)
    assert int(hits) == int((wanted.argmax(1) == labels).sum())
    for (name, weight), other in zip(model.named_parameters(), exact.parameters(), strict=True):
        assert weight.grad is not None
        assert other.grad is not None
        assert float((weight.grad.double() - other.grad).norm() / other.grad.norm()) < 2e-3, name


def test_kernels_can_be_done_without(data: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = batches(list(trainer(START, data).run(Control())))
    monkeypatch.setattr(program, "_attempt", lambda *_: (None, "they are not wanted"))
    without = batches(list(trainer(START, data).run(Control())))
    for (_, loss, _), (_, wanted, _) in list(zip(ours, without, strict=True))[:8]:
        assert loss == pytest.approx(wanted, rel=0.01)


def test_the_classic_recipe_learns(data: Splits) -> None:
    run = trainer(attrs.evolve(START, epochs=8), data)
    list(run.run(Control()))
    result = evaluate(run.model, data.test)
    assert result is not None
    assert result.accuracy > 0.93


@pytest.mark.parametrize("stop_at", [6, 14, 30])
def test_a_run_that_is_continued_is_the_one_that_was_not_interrupted(
    data: Splits, tmp_path: Path, stop_at: int
) -> None:
    whole = trainer(LIVELY, data)
    wanted = batches(list(whole.run(Control())))
    control = Control()
    first = trainer(LIVELY, data, folder=tmp_path / "run")
    seen: list[Event] = []
    for event in first.run(control):
        seen.append(event)
        if isinstance(event, BatchesTrained) and event.last_step >= stop_at:
            control.stop()
    second = trainer(LIVELY, data)
    second.continue_from(read_state(tmp_path / "run" / "checkpoints" / "last.pt", TRAIN))
    seen += second.run(Control())
    assert batches(seen) == wanted
    assert_same(second, whole)


EDITS: list[dict[int, dict[str, Any] | str]] = [
    {6: {"learning_rate": 0.01}, 9: {"rotate": 3.0}, 17: {"shift": 0.5}},
    {6: {"batch_size": 32}, 30: {"batch_size": 64}},
    {6: {"dropout": 0.0}, 12: {"gradient_clip": 0.0}, 18: {"label_smoothing": 0.2}},
    {8: {"optimizer": "sgd", "learning_rate": 0.05}, 20: {"momentum": 0.0}},
    {26: {"weight_decay": 0.5}, 30: "undo"},
]


def edited(run: Trainer, edits: dict[int, dict[str, Any] | str]) -> list[Event]:
    """A whole run in which edits are asked for after the batches of those numbers."""
    control, left = Control(), dict(edits)
    launcher = run.stepper.launcher
    assert launcher is not None
    launch = launcher.launch

    def launch_and_ask(*words: Any) -> None:
        launch(*words)
        wish = left.pop(run.place.step + 1, None)
        if isinstance(wish, str):
            control.undo()
        elif wish:
            control.edit(wish)

    launcher.launch = launch_and_ask  # type: ignore
    events = list(run.run(control))
    assert not left
    return events


@pytest.mark.parametrize("edits", EDITS, ids=str)
def test_edits_land_at_the_same_batch(data: Splits, tmp_path: Path, edits: dict[int, dict[str, Any] | str]) -> None:
    single = trainer(LIVELY, data, replay=False, folder=tmp_path / "a")
    wanted = edited(single, edits)
    replayed = trainer(LIVELY, data, folder=tmp_path / "b")
    events = edited(replayed, edits)
    assert batches(events) == batches(wanted)
    assert_same(replayed, single)


def test_batches_may_be_looked_into_and_timed(data: Splits) -> None:
    def look(run: Trainer) -> list[Event]:
        control, events = Control(), []
        for event in run.run(control):
            events.append(event)
            if isinstance(event, BatchesTrained) and event.last_step == 8:
                run.stepper.timing = True
            if isinstance(event, BatchTimed):
                control.step_once()
            if isinstance(event, Paused):
                control.resume()
        return events

    events = look(trainer(LIVELY, data))
    assert sum(isinstance(event, BatchInspected) for event in events) == 1
    (timed,) = [event for event in events if isinstance(event, BatchTimed)]
    assert timed.forward > 0
    assert len(batches(events)) == 3 * 24


def test_a_capture_bears_another_thread_that_uses_the_device(data: Splits) -> None:
    over = threading.Event()
    passes: list[float] = []

    def look_on() -> None:
        model = copy.deepcopy(trainer(START, data).model)
        while not over.is_set():
            found = evaluate(model, data.test)
            assert found is not None
            passes.append(found.loss)

    beside = threading.Thread(target=look_on)
    beside.start()
    try:
        for seed in range(5):
            run = trainer(attrs.evolve(START, seed=seed, epochs=1), data)
            events = list(run.run(Control()))
            assert run.stepper.launcher is not None
            assert run.stepper.launcher.captures == 1, [event for event in events if isinstance(event, Answered)]
    finally:
        over.set()
        beside.join()
    assert len(set(passes)) == 1


@pytest.fixture
def little_memory(gpu: torch.device) -> Iterator[None]:
    """Room for a batch of 64, and for none of 16384."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(gpu).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(gpu) + 800e6) / total, gpu)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0, gpu)


def test_a_batch_that_does_not_fit_pauses_and_a_smaller_one_goes_on(
    gpu: torch.device, little_memory: None, tmp_path: Path
) -> None:
    everything = cut(9900)
    large = Splits(train=Batches(everything, gpu, 0, 9800), test=Batches(everything, gpu, 9800))
    run = trainer(attrs.evolve(START, epochs=1, width=64), large, folder=tmp_path / "run", attended=True)
    control, events = Control(), []
    running = run.run(control)
    for event in running:
        events.append(event)
        if isinstance(event, BatchesTrained) and event.last_step < 30 and event.batch_size == 64:
            control.edit({"batch_size": 8192})
        if isinstance(event, Paused):
            break
    assert [event.ailment for event in events if isinstance(event, HealthWarned)] == ["out of memory"]
    control.edit({"batch_size": 64})
    rest = list(running)
    assert batches(rest)
    steps = [step for step, *_ in batches([*events, *rest])]
    assert steps == list(range(1, run.place.step + 1))
    alone = trainer(attrs.evolve(START, epochs=1, width=64, batch_size=8192), large, folder=tmp_path / "alone")
    with pytest.raises(OutOfMemory, match="try 4096"):
        list(alone.run(Control()))


def test_a_graph_and_kernels_can_be_made(gpu: torch.device) -> None:
    assert why_no_graphs(gpu) == ""
    assert kernels_for(START, gpu) == "CUDA"
    assert adam.adam_program([torch.zeros(1, device=gpu)]) is not None


def test_memory_does_not_grow_with_captures(data: Splits, gpu: torch.device) -> None:
    def peak() -> int:
        list(trainer(START, data).run(Control()))
        gc.collect()
        torch.cuda.synchronize(gpu)
        return torch.cuda.memory_allocated(gpu)

    first = peak()
    assert max(peak() for _ in range(4)) <= first + 2**20
