"""Edits, undo and recovery, as the trainer does them between two batches."""

from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch

from mnist_tui.core.control import Control
from mnist_tui.core.events import (
    Answered,
    CheckpointSaved,
    Evaluated,
    Event,
    HealthWarned,
    HyperparametersApplied,
    Paused,
    Resumed,
    Rewound,
    RunFinished,
    SaveFailed,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import editor as module
from mnist_tui.engine.editor import KEPT
from mnist_tui.engine.trainer import Diverged, Splits, Trainer
from tests.engine.small import CPU, SMALL
from tests.engine.test_trainer import (  # noqa: F401
    SPLITS,
    assert_same_weights,
    every_batch_an_event,
    losses,
    make,
    until_step,
    weights,
    whole_run,
    words,
)

START = attrs.evolve(SMALL, dropout=0.3, epochs=4)


def state(trainer: Trainer) -> list[Any]:
    """All that an undo has to bring back: weights, optimizer state, random state, position, hyperparameters."""
    optimizer = trainer.learner.optimizer.state_dict()
    flat = [tensor.clone() for entry in optimizer["state"].values() for tensor in entry.values()]
    place = attrs.asdict(trainer.place)
    del place["branch"]
    return [list(weights(trainer).values()), flat, optimizer["param_groups"], torch.get_rng_state(), place]


def assert_same_state(a: list[Any], b: list[Any]) -> None:
    for one, other in zip(a, b, strict=True):
        if isinstance(one, list) and one and isinstance(one[0], torch.Tensor):
            assert all(torch.equal(x, y) for x, y in zip(one, other, strict=True))
        elif isinstance(one, torch.Tensor):
            assert torch.equal(one, other)
        else:
            assert one == other


def checkpoints(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").glob("edit-*.pt"))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize(
    "changes",
    [{"learning_rate": 0.02}, {"batch_size": 7, "dropout": 0.0}, {"optimizer": "sgd"}, {"schedule": "cosine"}],
)
def test_an_undo_brings_everything_back_bit_for_bit(tmp_path: Path, optimizer: str, changes: dict[str, Any]) -> None:
    start = attrs.evolve(START, optimizer=optimizer)
    expected = losses(whole_run(make(start)))
    trainer = make(start, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    kept = losses(until_step(running, 5))
    before = state(trainer)
    control.edit({**changes, "weight_decay": 0.01})
    until_step(running, 7)
    control.undo()
    rewound = next(running)
    assert isinstance(rewound, Rewound)
    assert (rewound.from_step, rewound.to_step, rewound.branch, rewound.edit) == (7, 5, 1, 1)
    assert (rewound.hyperparameters, rewound.epoch, rewound.samples) == (start, 2, 132)
    assert trainer.hyperparameters == start
    assert_same_state(state(trainer), before)
    rest = list(running)
    assert kept + losses(rest) == expected
    assert [event.branch for event in rest if isinstance(event, Evaluated)] == [1] * 3


def test_several_edits_are_taken_back_one_by_one(tmp_path: Path) -> None:
    trainer = make(START, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    states = []
    for step, rate in ((1, 0.002), (5, 0.003), (9, 0.004)):
        until_step(running, step)
        states.append(state(trainer))
        control.edit({"learning_rate": rate})
        if rate != 0.004:  # other fields in between, so that no edit goes on with the one before
            until_step(running, step + 1)
            states.append(state(trainer))
            control.edit({"momentum": rate})
    until_step(running, 11)
    assert len(checkpoints(tmp_path / "run")) == 5
    for number, expected in enumerate(reversed(states)):
        control.undo()
        rewound = next(event for event in running if isinstance(event, Rewound))
        assert (rewound.branch, rewound.edit) == (number + 1, 5 - number)
        assert_same_state(state(trainer), expected)
    control.undo()
    answer = next(event for event in running if isinstance(event, Answered))
    assert answer.message == "no earlier edit is kept"


def test_without_an_edit_there_is_nothing_to_take_back(tmp_path: Path) -> None:
    control = Control()
    running = make(folder=tmp_path / "run").run(control)
    until_step(running, 2)
    control.undo()
    assert next(running) == Answered(2, "there is no edit to take back")
    assert len(losses(list(running))) == 6


def test_each_edit_is_preceded_by_a_checkpoint_of_how_it_was(tmp_path: Path) -> None:
    trainer = make(folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 2)
    control.edit({"learning_rate": 0.02})
    applied = next(running)
    assert applied == HyperparametersApplied(3, SMALL, attrs.evolve(SMALL, learning_rate=0.02), edit=1, undoable=True)
    content = torch.load(tmp_path / "run" / "checkpoints" / "edit-0001.pt", weights_only=True)
    assert content["hyperparameters"] == attrs.asdict(SMALL)
    assert (content["step"], content["position"], content["samples"]) == (2, 64, 64)
    assert_same_weights(content["model"], weights(trainer))


def test_a_key_that_is_held_is_one_edit(tmp_path: Path) -> None:
    trainer = make(START, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 1)
    before = state(trainer)
    applied = []
    for step in range(2, 6):
        control.edit({"learning_rate": step / 100})
        applied += [event for event in until_step(running, step) if isinstance(event, HyperparametersApplied)]
    assert [event.edit for event in applied] == [1, 1, 1, 1]
    assert [event.new.learning_rate for event in applied] == [0.02, 0.03, 0.04, 0.05]
    assert checkpoints(tmp_path / "run") == ["edit-0001.pt"]
    control.undo()
    assert isinstance(next(running), Rewound)
    assert_same_state(state(trainer), before)


def test_another_field_or_a_pause_between_begins_another_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    running = make(START, folder=tmp_path / "run").run(control)
    until_step(running, 1)
    numbers = []
    for step, changes in ((2, {"learning_rate": 0.02}), (3, {"momentum": 0.1}), (4, {"learning_rate": 0.03})):
        control.edit(changes)
        numbers += [event.edit for event in until_step(running, step) if isinstance(event, HyperparametersApplied)]
    monkeypatch.setattr(module, "HOLD_SECONDS", -1.0)
    control.edit({"learning_rate": 0.04})
    numbers += [event.edit for event in until_step(running, 5) if isinstance(event, HyperparametersApplied)]
    assert numbers == [1, 2, 3, 4]


def test_the_newest_ten_checkpoints_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOLD_SECONDS", -1.0)
    control = Control()
    running = make(attrs.evolve(START, epochs=5), folder=tmp_path / "run").run(control)
    for step in range(1, KEPT + 4):
        until_step(running, step)
        control.edit({"learning_rate": step / 100})
    until_step(running, KEPT + 4)
    assert checkpoints(tmp_path / "run") == [f"edit-{number:04d}.pt" for number in range(4, KEPT + 4)]
    for _ in range(KEPT + 1):
        control.undo()
    answers = [event for event in islice(running, 2 * KEPT + 1) if isinstance(event, (Rewound, Answered))]
    assert isinstance(answers[KEPT - 1], Rewound)
    assert isinstance(answers[KEPT], Answered)


def test_checkpoints_of_edits_that_were_taken_back_count_among_the_ten(tmp_path: Path) -> None:
    control = Control()
    running = make(attrs.evolve(START, epochs=9), folder=tmp_path / "run").run(control)
    until_step(running, 1)
    for _ in range(KEPT + 5):
        control.edit({"learning_rate": 0.002})
        control.undo()
        next(event for event in running if isinstance(event, Rewound))
    assert len(checkpoints(tmp_path / "run")) == KEPT
    control.edit({"learning_rate": 0.002})
    control.undo()
    assert isinstance(next(event for event in running if isinstance(event, (Rewound, Answered))), Rewound)


def test_fields_edited_one_after_the_other_are_undone_one_by_one(tmp_path: Path) -> None:
    control = Control()
    trainer = make(START, folder=tmp_path / "run")
    running = trainer.run(control)
    until_step(running, 2)
    control.edit({"learning_rate": 0.002})
    control.edit({"dropout": 0.1})
    control.undo()
    next(event for event in running if isinstance(event, Rewound))
    assert (trainer.hyperparameters.learning_rate, trainer.hyperparameters.dropout) == (0.002, 0.3)


def test_after_a_recovery_the_halved_rate_and_the_edits_before_can_be_undone(tmp_path: Path) -> None:
    trainer = make(START, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 2)
    control.edit({"momentum": 0.5})
    until_step(running, 6)  # the end of the epoch has written `last.pt`
    poison(trainer)
    next(event for event in running if isinstance(event, Paused))
    control.edit({"learning_rate": 0.0001})  # no checkpoint of broken weights
    next(event for event in running if isinstance(event, HyperparametersApplied))
    control.recover()
    applied = next(event for event in running if isinstance(event, HyperparametersApplied))
    assert (applied.new.learning_rate, applied.undoable) == (0.0005, True)
    for step in (4, 2):
        control.undo()
        rewound = next(event for event in running if isinstance(event, (Rewound, Answered)))
        assert isinstance(rewound, Rewound)
        assert rewound.to_step == step
    assert trainer.hyperparameters == START


def test_an_undo_of_added_epochs_ends_the_run_where_it_would_have(tmp_path: Path) -> None:
    control = Control()
    trainer = make(folder=tmp_path / "run")
    seen: list[Event] = []
    for event in trainer.run(control):
        seen.append(event)
        if isinstance(event, Evaluated) and event.epoch == 2:
            control.edit({"epochs": 4})
        if trainer.place.step == 10 and trainer.place.branch == 0:
            control.undo()
    assert isinstance(seen[-1], RunFinished)
    assert (seen[-1].status, seen[-1].step, seen[-1].epochs) == ("done", 8, 2)


def test_wishes_during_the_last_evaluation_of_a_run_that_stops_early_are_heard(tmp_path: Path) -> None:
    control = Control()
    start = attrs.evolve(SMALL, epochs=9, patience=1, learning_rate=1e-8)
    seen: list[Event] = []
    for event in make(start, folder=tmp_path / "run").run(control):
        seen.append(event)
        if isinstance(event, Evaluated) and event.epoch == 2:
            control.edit({"patience": 3})
    finished = seen[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.epochs, finished.reason) == (4, "stopped early: 3 epochs without a better evaluation")


def test_going_on_after_a_step_says_so() -> None:
    control = Control()
    running = make().run(control)
    until_step(running, 1)
    control.pause()
    assert next(running) == Paused(1)
    control.step_once()
    until_step(running, 2)
    control.resume()
    assert isinstance(next(event for event in running if isinstance(event, (Resumed, Paused))), Resumed)


def test_an_edit_and_its_undo_before_the_next_batch_leave_the_run_as_it_was(tmp_path: Path) -> None:
    expected = losses(whole_run(make(START)))
    control = Control()
    running = make(START, folder=tmp_path / "run").run(control)
    seen = until_step(running, 3)
    control.edit({"learning_rate": 0.02})
    control.undo()
    assert losses(seen + list(running)) == expected


def test_an_undo_across_the_end_of_an_epoch(tmp_path: Path) -> None:
    expected = losses(whole_run(make(START)))
    trainer = make(START, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    seen = until_step(running, 3)
    control.edit({"learning_rate": 0.02})
    until_step(running, 6)
    control.undo()
    assert losses(seen + list(running)) == expected
    assert trainer.place.epochs_finished == 4


def test_an_undo_while_paused_stays_paused(tmp_path: Path) -> None:
    control = Control()
    running = make(START, folder=tmp_path / "run").run(control)
    until_step(running, 2)
    control.edit({"learning_rate": 0.02})
    until_step(running, 3)
    control.pause()
    assert next(running) == Paused(3)
    control.undo()
    assert isinstance(next(running), Rewound)
    assert isinstance(next(running), CheckpointSaved)  # so that a killed process goes on from this branch
    control.resume()
    assert next(running) == Resumed(2)


def test_the_last_epoch_can_be_taken_back_before_the_run_ends(tmp_path: Path) -> None:
    control = Control()
    trainer = make(folder=tmp_path / "run")
    running = trainer.run(control)
    until_step(running, 6)
    control.edit({"learning_rate": 0.02})
    seen: list[Event] = []
    for event in running:
        seen.append(event)
        if isinstance(event, Evaluated) and trainer.place.branch == 0:
            control.undo()
    assert [event.to_step for event in seen if isinstance(event, Rewound)] == [6]
    assert isinstance(seen[-1], RunFinished)
    assert (seen[-1].status, seen[-1].step, seen[-1].epochs) == ("done", 8, 2)


def test_an_edit_whose_checkpoint_fails_is_applied_and_cannot_be_taken_back(tmp_path: Path) -> None:
    control = Control()
    running = make(folder=tmp_path / "run").run(control)
    until_step(running, 2)
    (tmp_path / "run" / "checkpoints").rmdir()
    control.edit({"learning_rate": 0.02})
    failed, applied = islice(running, 2)
    assert isinstance(failed, SaveFailed)
    assert isinstance(applied, HyperparametersApplied)
    assert not applied.undoable
    control.undo()
    (answer,) = [event for event in islice(running, 2) if isinstance(event, Answered)]
    assert "could not be written" in answer.message


def test_a_checkpoint_that_is_damaged_takes_nothing_back(tmp_path: Path) -> None:
    trainer = make(folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 2)
    control.edit({"learning_rate": 0.02})
    until_step(running, 3)
    (tmp_path / "run" / "checkpoints" / "edit-0001.pt").write_bytes(b"damaged")
    before = state(trainer)
    control.undo()
    answer = next(running)
    assert isinstance(answer, Answered)
    assert "cannot be taken back" in answer.message
    assert_same_state(state(trainer), before)


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd", "rmsprop"])
def test_another_kind_of_optimizer_begins_with_fresh_state(kind: str) -> None:
    other = "sgd" if kind != "sgd" else "adam"
    control = Control()
    trainer = make(attrs.evolve(SMALL, optimizer=other))
    running = trainer.run(control)
    until_step(running, 2)
    control.edit({"optimizer": kind})
    assert isinstance(next(running), HyperparametersApplied)
    assert type(trainer.learner.optimizer).__name__.lower() == kind
    assert not trainer.learner.optimizer.state
    assert len(losses(list(running))) == 6


# --- a loss that is not finite


def poison(trainer: Trainer) -> None:
    with torch.no_grad():
        trainer.model.fc2.bias[0] = torch.nan


def test_a_loss_that_is_not_finite_pauses_and_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    trainer = make(START, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 6)
    last = (tmp_path / "run" / "checkpoints" / "last.pt").read_bytes()
    poison(trainer)
    _, warned, paused = islice(running, 3)
    assert isinstance(warned, HealthWarned)
    assert (warned.step, warned.ailment) == (7, "not finite")
    assert warned.message == "the loss is NaN since step 7, at a learning rate of 0.001"
    assert paused == Paused(7)
    control.request_save()
    failed = next(running)
    assert isinstance(failed, SaveFailed)
    assert "not finite" in failed.message
    assert (tmp_path / "run" / "checkpoints" / "last.pt").read_bytes() == last


def test_going_back_takes_the_last_checkpoint_halves_the_rate_and_trains_on(tmp_path: Path) -> None:
    trainer = make(START, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 6)
    poison(trainer)
    until_paused = [event for event in islice(running, 3) if isinstance(event, Paused)]
    assert until_paused
    control.recover()
    rewound, recovered, applied, saved, resumed = islice(running, 5)
    assert isinstance(rewound, Rewound)
    assert (rewound.from_step, rewound.to_step, rewound.edit) == (7, 4, 0)
    assert words([recovered]) == ["HealthRecovered"]
    assert isinstance(applied, HyperparametersApplied)
    assert applied.new.learning_rate == 0.0005
    assert isinstance(saved, CheckpointSaved)
    assert isinstance(resumed, Resumed)
    rest = list(running)
    assert all(loss == loss for loss in losses(rest))
    assert isinstance(rest[-1], RunFinished)
    assert rest[-1].step == 16


def test_before_the_first_checkpoint_going_back_is_to_the_start(tmp_path: Path) -> None:
    expected = losses(whole_run(make(attrs.evolve(START, learning_rate=0.0005))))
    trainer = make(START, folder=tmp_path / "run")
    fresh = weights(trainer)
    control = Control()
    running = trainer.run(control)
    until_step(running, 2)
    poison(trainer)
    list(islice(running, 3))
    control.recover()
    rewound = next(running)
    assert isinstance(rewound, Rewound)
    assert rewound.to_step == 0
    assert_same_weights(weights(trainer), fresh)
    assert losses(list(running)) == expected


def test_going_back_after_an_edit_takes_the_edit_back(tmp_path: Path) -> None:
    trainer = make(START, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    until_step(running, 2)
    control.edit({"learning_rate": 10.0})
    until_step(running, 3)
    poison(trainer)
    next(event for event in running if isinstance(event, Paused))
    control.recover()
    applied = next(event for event in running if isinstance(event, HyperparametersApplied))
    assert (applied.step, applied.old.learning_rate, applied.new.learning_rate) == (3, 0.001, 0.0005)
    control.undo()
    rewound = next(event for event in running if isinstance(event, Rewound))
    assert rewound.to_step == 2
    control.undo()
    assert isinstance(next(event for event in running if isinstance(event, Answered)), Answered)


def test_where_nobody_watches_the_run_ends_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    trainer = Trainer(SMALL, Splits(SPLITS.train, SPLITS.test), CPU, attended=False)
    running = trainer.run(Control())
    until_step(running, 2)
    poison(trainer)
    with pytest.raises(Diverged, match=r"the loss is NaN since step 3.*--learning-rate 0\.0001"):
        list(running)


# --- ending early


def test_a_run_without_a_better_evaluation_stops_early(monkeypatch: pytest.MonkeyPatch) -> None:
    from mnist_tui.engine import examiner
    from tests.engine.test_trainer import Script

    monkeypatch.setattr(examiner, "evaluate", Script([0.5, 0.6, 0.6, 0.5, 0.9], [], SPLITS))
    finished = whole_run(make(attrs.evolve(SMALL, epochs=9, patience=2)))[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.status, finished.epochs) == ("done", 4)
    assert finished.reason == "stopped early: 2 epochs without a better evaluation"


def test_an_evaluation_on_request_does_not_use_up_patience() -> None:
    control = Control()
    running = make(attrs.evolve(SMALL, epochs=6, patience=1, learning_rate=1e-8)).run(control)
    until_step(running, 5)  # in the second epoch, after the first one's evaluation
    control.request_evaluation()
    finished = list(running)[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.epochs, finished.reason) == (2, "stopped early: 1 epochs without a better evaluation")


def test_a_stop_after_the_epoch_can_be_asked_for_and_called_off() -> None:
    control = Control()
    running = make(attrs.evolve(SMALL, epochs=9)).run(control)
    until_step(running, 2)
    control.stop_after_epoch(True)
    scheduled = next(running)
    assert words([scheduled]) == ["StopScheduled"]
    control.stop_after_epoch(False)
    until_step(running, 6)
    control.stop_after_epoch(True)
    finished = list(running)[-1]
    assert isinstance(finished, RunFinished)
    assert (finished.status, finished.step, finished.epochs) == ("stopped", 8, 2)


def test_hyperparameters_of_a_checkpoint_are_read_back_whole(tmp_path: Path) -> None:
    full = attrs.evolve(START, schedule="one-cycle", shift=2.0, rotate=10.0, scale=0.1, label_smoothing=0.1)
    full = attrs.evolve(full, gradient_clip=1.0, patience=3, beta2=0.99)
    expected = losses(whole_run(make(full)))
    trainer = make(full, folder=tmp_path / "run")
    control = Control()
    running = trainer.run(control)
    seen = until_step(running, 3)
    control.edit({"gradient_clip": 0.0})
    until_step(running, 6)
    control.undo()
    rewound = next(running)
    assert isinstance(rewound, Rewound)
    assert rewound.hyperparameters == full
    assert Hyperparameters(**attrs.asdict(full)) == full
    assert not any(isinstance(event, CheckpointSaved) and event.kind == "edit" for event in seen)
    assert losses(seen + list(running)) == expected
