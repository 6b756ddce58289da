import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.core.control import Control
from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    BatchInspected,
    BatchTimed,
    CheckpointSaved,
    EpochFinished,
    Evaluated,
    EvaluationBegan,
    Event,
    HyperparametersApplied,
    Paused,
    Resumed,
    RunFinished,
    SaveFailed,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import examiner
from mnist_tui.engine import stepper as module
from mnist_tui.engine.batches import Batches, normalise, permutation
from mnist_tui.engine.checkpoint import load_model
from mnist_tui.engine.evaluate import Evaluation
from mnist_tui.engine.keeper import Destination
from mnist_tui.engine.stepper import Stepper
from mnist_tui.engine.trainer import Splits, Trainer
from tests.engine.small import CPU, SMALL, splits
from tests.engine.test_model import Classic

SPLITS = splits(100, 40, 0)


@pytest.fixture(autouse=True)
def every_batch_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses come down after each batch, so that what a test sees does not depend on the clock."""
    monkeypatch.setattr(module, "DRAIN_SECONDS", 0.0)


def make(
    hyperparameters: Hyperparameters = SMALL, data: Splits = SPLITS, folder: Path | None = None, autosave: float = 1e9
) -> Trainer:
    destination = None
    if folder is not None:
        (folder / "checkpoints").mkdir(parents=True)
        destination = Destination(folder, autosave, {"run": folder.name})
    return Trainer(hyperparameters, data, CPU, destination)


def whole_run(trainer: Trainer, control: Control | None = None) -> list[Event]:
    return list(trainer.run(control or Control()))


def words(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def untimed(event: Event) -> Event:
    """A `RunFinished` without its seconds, to be compared."""
    assert isinstance(event, RunFinished)
    assert event.seconds > 0
    return attrs.evolve(event, seconds=0.0)


def until_step(running: Iterator[Event], step: int) -> list[Event]:
    """The events up to and including the training of batch `step`."""
    seen = []
    for event in running:
        seen.append(event)
        if isinstance(event, BatchesTrained) and event.last_step == step:
            return seen
    raise AssertionError(f"the run ended before batch {step}")


def losses(events: list[Event]) -> list[float]:
    return [loss for event in events if isinstance(event, BatchesTrained) for loss in event.losses]


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


def assert_same_weights(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert list(a) == list(b)
    for name in a:
        assert torch.equal(a[name], b[name]), name


# --- the order of things


def test_the_events_of_a_run_in_order(tmp_path: Path) -> None:
    events = whole_run(make(folder=tmp_path / "run"))
    epoch = ["BatchesTrained"] * 4 + ["EpochFinished", "EvaluationBegan", "Evaluated"]
    names = [name for name in words(events) if name != "CheckpointSaved"]
    assert names == epoch + epoch + ["RunFinished"]
    assert untimed(events[-1]) == RunFinished("done", 8, 2, 0.0)
    finished = [event for event in events if isinstance(event, EpochFinished)]
    assert [(event.epoch, event.step) for event in finished] == [(1, 4), (2, 8)]
    evaluated = [event for event in events if isinstance(event, Evaluated)]
    assert [(event.epoch, event.step, event.split, len(event.logits)) for event in evaluated] == [
        (1, 4, "test", 40 * 10 * 4),
        (2, 8, "test", 40 * 10 * 4),
    ]
    saved = [(event.step, event.kind) for event in events if isinstance(event, CheckpointSaved)]
    assert saved[0] == (4, "best")
    assert (4, "last") in saved
    assert saved[-1] == (8, "last")


def test_steps_and_samples_count_on_over_epochs_and_the_last_batch_is_short() -> None:
    trained = [event for event in whole_run(make()) if isinstance(event, BatchesTrained)]
    assert [event.first_step for event in trained] == list(range(1, 9))
    assert [event.epoch for event in trained] == [1] * 4 + [2] * 4
    assert [event.batch_size for event in trained] == [32, 32, 32, 4] * 2
    assert [event.samples for event in trained] == [32, 64, 96, 100, 132, 164, 196, 200]
    assert all(0 <= hits <= event.batch_size for event in trained for hits in event.correct)


def test_losses_kept_on_the_device_come_down_together_in_batches_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = losses(whole_run(make()))
    monkeypatch.setattr(module, "DRAIN_SECONDS", 1e9)
    events = whole_run(make())
    trained = [event for event in events if isinstance(event, BatchesTrained)]
    assert [(event.first_step, len(event.losses), event.batch_size) for event in trained] == [
        (1, 3, 32),
        (4, 1, 4),
        (5, 3, 32),
        (8, 1, 4),
    ]
    assert losses(events) == expected
    monkeypatch.setattr(module, "DRAIN_BATCHES", 2)
    trained = [event for event in whole_run(make()) if isinstance(event, BatchesTrained)]
    assert [len(event.losses) for event in trained] == [2, 1, 1, 2, 1, 1]


def test_every_image_is_trained_on_once_an_epoch_in_the_order_of_seed_and_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Tensor] = []
    real = Stepper._train_batch

    def spy(self: Stepper, images: Tensor, labels: Tensor) -> Tensor:
        seen.append(images)
        return real(self, images, labels)

    monkeypatch.setattr(Stepper, "_train_batch", spy)
    whole_run(make(attrs.evolve(SMALL, seed=5)))
    for epoch, trained in ((1, seen[:4]), (2, seen[4:])):
        order = permutation(5, epoch, 100, CPU)
        assert torch.equal(torch.cat(trained), normalise(SPLITS.train.images[order]))


# --- what is learnt


def test_it_trains_as_the_classic_script_does() -> None:
    data = Splits(train=splits(64, 1).train, test=SPLITS.test)
    start = Hyperparameters(batch_size=16, epochs=1)
    events = whole_run(Trainer(start, data, CPU))
    torch.manual_seed(start.seed)
    net = Classic()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    expected = []
    for indices in torch.split(permutation(start.seed, 1, 64, CPU), 16):
        images, labels = data.train.gather(indices)
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        expected.append(loss.item())
    assert losses(events) == pytest.approx(expected, rel=1e-4)


def test_the_same_seed_gives_the_same_numbers_and_another_does_not() -> None:
    start = attrs.evolve(SMALL, dropout=0.5)
    runs = []
    for settings in (start, start, attrs.evolve(start, seed=1)):
        trainer = make(settings)
        runs.append((losses(whole_run(trainer)), weights(trainer)))
    assert runs[0][0] == runs[1][0]
    assert_same_weights(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]


def test_a_small_set_is_learnt() -> None:
    start = Hyperparameters(width=4, hidden_units=32, batch_size=20, epochs=12, learning_rate=0.01)
    events = whole_run(make(start))
    trained = losses(events)
    assert sum(trained[-5:]) / 5 < 0.2 * sum(trained[:5]) / 5
    last = [event for event in events if isinstance(event, BatchesTrained)][-1]
    assert last.accuracies == (1.0,)


@pytest.mark.parametrize("size", [1, 7, 100, 16384])
def test_any_batch_size_sees_every_image(size: int) -> None:
    events = whole_run(make(attrs.evolve(SMALL, batch_size=size, epochs=1)))
    trained = [event for event in events if isinstance(event, BatchesTrained)]
    assert sum(event.batch_size * len(event.losses) for event in trained) == 100
    assert trained[-1].last_step == math.ceil(100 / size)


# --- live edits


def group(trainer: Trainer) -> dict[str, Any]:
    found: dict[str, Any] = trainer.learner.optimizer.param_groups[0]
    return found


@pytest.mark.parametrize(
    ("changes", "look", "expected"),
    [
        ({"learning_rate": 0.5}, lambda t: group(t)["lr"], 0.5),
        ({"weight_decay": 0.25}, lambda t: group(t)["weight_decay"], 0.25),
        ({"momentum": 0.25}, lambda t: group(t)["betas"][0], 0.25),
        ({"optimizer": "sgd", "momentum": 0.25}, lambda t: group(t)["momentum"], 0.25),
        ({"beta2": 0.25}, lambda t: group(t)["betas"][1], 0.25),
        ({"dropout": 0.25}, lambda t: t.model.dropout, 0.25),
    ],
)
def test_an_edit_takes_effect_at_the_next_batch(changes: dict[str, Any], look: Any, expected: float) -> None:
    start = attrs.evolve(SMALL, optimizer=changes.pop("optimizer", "adam"))
    trainer = make(start)
    control = Control()
    running = trainer.run(control)
    until_step(running, 2)
    assert look(trainer) != expected
    edited = attrs.evolve(start, **changes)
    control.edit(changes)
    applied, trained = islice(running, 2)
    assert applied == HyperparametersApplied(3, start, edited, edit=1, undoable=False)
    assert isinstance(trained, BatchesTrained)
    assert trained.first_step == 3
    assert look(trainer) == expected
    assert trainer.hyperparameters == edited
    unedited = losses(whole_run(make(start)))
    rest = losses([trained, *running])
    assert len(rest) == 6
    assert rest[1:] != unedited[3:]


def test_a_live_batch_size_begins_with_the_next_batch_and_loses_no_image() -> None:
    control = Control()
    running = make().run(control)
    until_step(running, 1)
    control.edit({"batch_size": 16})
    events = list(running)
    assert isinstance(events[0], HyperparametersApplied)
    trained = [event for event in events if isinstance(event, BatchesTrained)]
    assert [event.batch_size for event in trained if event.epoch == 1] == [16, 16, 16, 16, 4]
    assert [event.batch_size for event in trained if event.epoch == 2] == [16] * 6 + [4]
    assert trained[-1].samples == 200


def test_pending_losses_come_down_under_the_batch_size_they_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAIN_SECONDS", 1e9)
    control = Control()
    real = Stepper._train_batch

    def edit_during_the_second(self: Stepper, images: Tensor, labels: Tensor) -> Tensor:
        logits = real(self, images, labels)
        if len(self._losses) == 2:
            control.edit({"batch_size": 10})
        return logits

    monkeypatch.setattr(Stepper, "_train_batch", edit_during_the_second)
    first, applied, second, *_ = whole_run(make(), control)
    assert isinstance(first, BatchesTrained)
    assert (first.first_step, len(first.losses), first.batch_size, first.samples) == (1, 2, 32, 64)
    assert isinstance(applied, HyperparametersApplied)
    assert applied.step == 3
    assert isinstance(second, BatchesTrained)
    assert (second.first_step, second.batch_size) == (3, 10)


def test_what_has_to_wait_for_the_next_run_changes_nothing_now() -> None:
    control = Control()
    trainer = make()
    running = trainer.run(control)
    until_step(running, 1)
    control.edit({"width": 64, "hidden_units": 99, "seed": 9})
    rest = list(running)
    assert not any(isinstance(event, HyperparametersApplied) for event in rest)
    assert trainer.hyperparameters == SMALL
    assert losses(rest) == losses(whole_run(make()))[1:]


def test_an_edit_back_to_what_is_in_force_says_nothing() -> None:
    control = Control()
    running = make().run(control)
    until_step(running, 1)
    control.edit({"learning_rate": 0.5})
    control.edit({"learning_rate": SMALL.learning_rate})
    assert not any(isinstance(event, HyperparametersApplied) for event in running)


def test_epochs_can_be_added_during_the_last_evaluation() -> None:
    control = Control()
    trainer = make()
    running = trainer.run(control)
    seen: list[Event] = []
    for event in running:
        seen.append(event)
        if isinstance(event, Evaluated) and event.epoch == 2:
            control.edit({"epochs": 3})
    assert [event.epoch for event in seen if isinstance(event, EpochFinished)] == [1, 2, 3]
    assert untimed(seen[-1]) == RunFinished("done", 12, 3, 0.0)


def test_fewer_epochs_end_the_run_after_the_one_under_way() -> None:
    start = attrs.evolve(SMALL, epochs=5)
    control = Control()
    running = make(start).run(control)
    until_step(running, 6)
    control.edit({"epochs": 1})
    last = list(running)[-1]
    assert untimed(last) == RunFinished("done", 8, 2, 0.0)


# --- pausing, stepping, wishes


def test_a_pause_waits_after_the_batch_and_resumes() -> None:
    control = Control()
    running = make().run(control)
    until_step(running, 2)
    control.pause()
    assert next(running) == Paused(2)
    control.resume()
    assert next(running) == Resumed(2)
    rest = list(running)
    assert isinstance(rest[0], BatchesTrained)
    assert rest[0].first_step == 3


def test_a_single_step_trains_exactly_one_batch() -> None:
    control = Control()
    running = make().run(control)
    until_step(running, 1)
    control.pause()
    assert next(running) == Paused(1)
    for step in (2, 3):
        control.step_once()
        trained, inspected, paused = islice(running, 3)
        assert isinstance(trained, BatchesTrained)
        assert (trained.first_step, trained.last_step) == (step, step)
        assert isinstance(inspected, BatchInspected)
        assert inspected.step == step
        assert paused == Paused(step)


def test_single_steps_asked_for_together_are_all_trained() -> None:
    control = Control()
    for _ in range(3):
        control.step_once()
    events = list(islice(make().run(control), 7))
    assert [event.first_step for event in events if isinstance(event, BatchesTrained)] == [1, 2, 3]
    assert events[-1] == Paused(3)


def test_a_step_into_the_next_epoch_passes_the_evaluation_and_pauses_again() -> None:
    control = Control()
    running = make().run(control)
    until_step(running, 3)
    control.step_once()
    assert words(list(islice(running, 6))) == [
        "BatchesTrained",
        "BatchInspected",
        "EpochFinished",
        "EvaluationBegan",
        "Evaluated",
        "Paused",
    ]


def test_an_edit_while_paused_takes_effect_before_training_goes_on() -> None:
    control = Control()
    trainer = make()
    running = trainer.run(control)
    until_step(running, 1)
    control.pause()
    assert next(running) == Paused(1)
    control.edit({"learning_rate": 0.5})
    applied = next(running)
    assert isinstance(applied, HyperparametersApplied)
    assert applied.step == 2
    assert group(trainer)["lr"] == 0.5
    control.resume()
    assert next(running) == Resumed(1)


def test_an_evaluation_on_request_comes_between_two_batches_and_changes_no_number(tmp_path: Path) -> None:
    start = attrs.evolve(SMALL, dropout=0.5)
    expected = losses(whole_run(make(start)))
    control = Control()
    running = make(start, folder=tmp_path / "run").run(control)
    seen = until_step(running, 2)
    control.request_evaluation()
    control.request_save()
    wished = list(islice(running, 4))
    assert wished[0] == EvaluationBegan(2)
    assert isinstance(wished[1], Evaluated)
    assert (wished[1].step, wished[1].epoch) == (2, 1)
    assert [event.kind for event in wished if isinstance(event, CheckpointSaved)] == ["best", "last"]
    assert losses(seen + list(running)) == expected


def test_wishes_while_paused_are_fulfilled_and_the_pause_goes_on(tmp_path: Path) -> None:
    control = Control()
    running = make(folder=tmp_path / "run").run(control)
    until_step(running, 2)
    control.pause()
    assert next(running) == Paused(2)
    control.request_evaluation()
    assert words(list(islice(running, 4))) == ["EvaluationBegan", "Evaluated", "CheckpointSaved", "Paused"]
    control.request_save()
    assert words(list(islice(running, 2))) == ["CheckpointSaved", "Paused"]
    control.request_evaluation()
    answered = Answered(2, "the weights after step 2 are evaluated already")
    assert list(islice(running, 2)) == [answered, Paused(2)]


# --- stopping and saving


def test_a_stop_saves_what_was_trained(tmp_path: Path) -> None:
    trainer = make(folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 3)
    control.stop()
    saved, finished = running
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    assert saved == CheckpointSaved(3, "last", str(last))
    assert untimed(finished) == RunFinished("stopped", 3, 0, 0.0)
    model, facts = load_model(last)
    assert_same_weights(dict(model.state_dict()), weights(trainer))
    assert (facts["step"], facts["epoch"], facts["position"], facts["samples"]) == (3, 1, 96, 96)
    assert facts["run"] == "run"
    assert facts["hyperparameters"] == attrs.asdict(SMALL)
    plain = torch.load(tmp_path / "run" / "cnn_model.pth", weights_only=True)
    assert_same_weights(dict(plain), weights(trainer))


def test_a_stop_tells_the_batches_still_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAIN_SECONDS", 1e9)
    control = Control()
    real = Stepper._train_batch

    def stop_during_the_second(self: Stepper, images: Tensor, labels: Tensor) -> Tensor:
        logits = real(self, images, labels)
        if len(self._losses) == 2:
            control.stop()
        return logits

    monkeypatch.setattr(Stepper, "_train_batch", stop_during_the_second)
    trained, finished = whole_run(make(), control)
    assert isinstance(trained, BatchesTrained)
    assert trained.last_step == 2
    assert isinstance(finished, RunFinished)
    assert (finished.status, finished.step) == ("stopped", 2)


@pytest.mark.parametrize("paused", [False, True])
def test_a_stop_before_the_first_batch_ends_at_once(tmp_path: Path, paused: bool) -> None:
    control = Control()
    if paused:
        control.pause()
    control.stop()
    events = whole_run(make(folder=tmp_path / "run"), control)
    assert words(events) == ["CheckpointSaved", "RunFinished"]
    assert untimed(events[-1]) == RunFinished("stopped", 0, 0, 0.0)


def test_a_stop_ends_a_pause() -> None:
    control = Control()
    running = make().run(control)
    until_step(running, 1)
    control.pause()
    assert next(running) == Paused(1)
    control.stop()
    assert words(list(running)) == ["RunFinished"]


def test_a_stop_during_an_evaluation_leaves_it_out(tmp_path: Path) -> None:
    control = Control()
    running = make(folder=tmp_path / "run").run(control)
    seen: list[Event] = []
    for event in running:
        seen.append(event)
        if isinstance(event, EvaluationBegan):
            control.stop()
    assert words(seen)[-4:] == ["EpochFinished", "EvaluationBegan", "CheckpointSaved", "RunFinished"]
    assert untimed(seen[-1]) == RunFinished("stopped", 4, 1, 0.0)


def test_without_a_destination_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    control = Control()
    control.request_save()
    events = whole_run(make(), control)
    assert not any(isinstance(event, (CheckpointSaved, SaveFailed)) for event in events)
    assert list(tmp_path.iterdir()) == []


def test_autosave_writes_between_batches(tmp_path: Path) -> None:
    events = whole_run(make(attrs.evolve(SMALL, epochs=1), folder=tmp_path / "run", autosave=0.0))
    assert words(events)[:4] == ["BatchesTrained", "CheckpointSaved", "BatchesTrained", "CheckpointSaved"]


def test_a_failing_save_is_told_and_training_goes_on(tmp_path: Path) -> None:
    trainer = make(folder=tmp_path / "run")
    (tmp_path / "run" / "checkpoints").rmdir()
    events = whole_run(trainer)
    failed = [event for event in events if isinstance(event, SaveFailed)]
    assert failed
    last = tmp_path / "run" / "checkpoints" / "last.pt"
    assert failed[-1] == SaveFailed(
        8, f"cannot save {last}: No such file or directory; there is no earlier one, and training goes on"
    )
    assert not any(isinstance(event, CheckpointSaved) for event in events)
    assert untimed(events[-1]) == RunFinished("done", 8, 2, 0.0)


# --- the best checkpoint


class Script:
    """Stands for `evaluate`: accuracies by split, in turn."""

    def __init__(self, test: list[float], validation: list[float], data: Splits) -> None:
        self.data = data
        self.answers = {"test": iter(test), "validation": iter(validation)}

    def __call__(self, model: object, batches: Batches, interrupted: object) -> Evaluation:
        split = "test" if batches is self.data.test else "validation"
        accuracy = next(self.answers[split])
        return Evaluation(torch.zeros(len(batches), 10), 1 - accuracy, accuracy, 0.1)


def bests(events: list[Event]) -> list[int]:
    return [event.step for event in events if isinstance(event, CheckpointSaved) and event.kind == "best"]


def test_the_best_is_kept_only_when_it_is_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examiner, "evaluate", Script([0.5, 0.4, 0.6, 0.6], [], SPLITS))
    events = whole_run(make(attrs.evolve(SMALL, epochs=4), folder=tmp_path / "run"))
    assert bests(events) == [4, 12]
    _, facts = load_model(tmp_path / "run" / "checkpoints" / "best.pt")
    assert (facts["step"], facts["accuracy"], facts["chosen_by"]) == (12, 0.6, "test")


def test_a_validation_split_chooses_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = splits(100, 40, 30)
    monkeypatch.setattr(examiner, "evaluate", Script([0.9, 0.5, 0.6], [0.5, 0.9, 0.7], data))
    events = whole_run(make(attrs.evolve(SMALL, epochs=3), data, tmp_path / "run"))
    assert bests(events) == [4, 8]
    evaluated = [(event.split, event.accuracy) for event in events if isinstance(event, Evaluated)]
    assert evaluated[:2] == [("validation", 0.5), ("test", 0.9)]
    _, facts = load_model(tmp_path / "run" / "checkpoints" / "best.pt")
    assert (facts["step"], facts["accuracy"], facts["chosen_by"]) == (8, 0.9, "validation")


def test_validation_images_are_evaluated_for_real() -> None:
    data = splits(60, 20, 30)
    events = whole_run(make(attrs.evolve(SMALL, epochs=1), data))
    sizes = [(event.split, len(event.logits) // 40) for event in events if isinstance(event, Evaluated)]
    assert sizes == [("validation", 30), ("test", 20)]


def test_a_batch_that_is_timed_is_told_once_and_trains_as_any_other() -> None:
    hyperparameters = attrs.evolve(SMALL, dropout=0.3, shift=1.0)
    plain = make(hyperparameters)
    whole_run(plain)
    timed = make(hyperparameters)
    control = Control()
    control.request_timing()
    events = whole_run(timed, control)
    (told,) = [event for event in events if isinstance(event, BatchTimed)]
    assert (told.step, told.batch_size) == (1, hyperparameters.batch_size)
    assert min(told.data, told.forward, told.backward, told.optimizer, told.recording) > 0
    assert all(torch.equal(weights(plain)[name], tensor) for name, tensor in weights(timed).items())


def test_where_nobody_asks_no_batch_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module, "time_batch")
    assert isinstance(whole_run(make())[-1], RunFinished)
