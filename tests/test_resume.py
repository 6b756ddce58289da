"""Runs that are stopped, killed, damaged, and go on."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch

from mnist_tui import loading
from mnist_tui.core.digest import Digest
from mnist_tui.core.errors import ModelFileError, UsageError
from mnist_tui.core.events import (
    BatchesTrained,
    CheckpointSaved,
    EngineLoaded,
    Evaluated,
    Event,
    HyperparametersApplied,
    Recalled,
    Rewound,
    RunContinued,
    RunFailed,
    RunFinished,
    RunStarted,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.knob import Value
from mnist_tui.core.owner import OWNER_FILE, claim
from mnist_tui.core.recorder import Recorder
from mnist_tui.core.replay import Replay
from mnist_tui.core.replay import in_force as events_in_force
from mnist_tui.core.resuming import Resumption, check_whole, prepare_resumption
from mnist_tui.core.runs import read_run, run_folders
from mnist_tui.core.settings import RunSettings
from mnist_tui.engine import architectures
from mnist_tui.engine import stepper as stepper_module
from mnist_tui.runner import Order, continuing
from mnist_tui.runner.continuing import recorded
from tests.runners import PATIENCE, SMALL, HeardRunner, is_a, is_over

RICH = attrs.evolve(SMALL, epochs=3, dropout=0.3, shift=1.0, rotate=10.0, scale=0.1)
RECIPES = {
    "classic": attrs.evolve(SMALL, epochs=3),
    "adam": attrs.evolve(RICH, schedule="cosine", batch_size=7),
    "adamw": attrs.evolve(RICH, optimizer="adamw", schedule="one-cycle", label_smoothing=0.1, weight_decay=0.01),
    "sgd": attrs.evolve(RICH, optimizer="sgd", learning_rate=0.02, gradient_clip=1.0),
    "rmsprop": attrs.evolve(RICH, optimizer="rmsprop", schedule="step", batch_size=100),
    "deep": attrs.evolve(RICH, network="deep", weight_average=0.9, schedule="one-cycle"),
}


@pytest.fixture(autouse=True)
def every_batch_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepper_module, "DRAIN_BATCHES", 1)


class StoppingRunner(HeardRunner):
    """Stops its run after one batch."""

    stop_at = 0

    def _tell(self, recorder: Recorder, event: Event) -> None:
        super()._tell(recorder, event)
        if isinstance(event, BatchesTrained) and event.last_step == self.stop_at and self._control:
            self._control.stop()


def carry_out(settings: RunSettings, order: Order, stop_at: int = 0) -> list[Event]:
    runner = StoppingRunner(settings)
    runner.stop_at = stop_at
    try:
        runner.start(order)
        return runner.until(is_over)
    finally:
        assert runner.close(PATIENCE)


def begin(settings: RunSettings, hyperparameters: Hyperparameters, stop_at: int = 0) -> list[Event]:
    return carry_out(settings, Order(hyperparameters=hyperparameters), stop_at)


def resumption(settings: RunSettings, which: str = "classic", changes: Mapping[str, Value] | None = None) -> Resumption:
    return prepare_resumption(which, settings.runs_dir, changes or {})


def go_on(
    settings: RunSettings, which: str = "classic", changes: Mapping[str, Value] | None = None, stop_at: int = 0
) -> list[Event]:
    taken = resumption(settings, which, changes)
    order = Order(hyperparameters=SMALL, resumption=taken)
    return carry_out(taken.settings(settings), order, stop_at)


def folder_of(settings: RunSettings, name: str = "classic") -> Path:
    return next(folder for folder in run_folders(settings.runs_dir) if folder.name.endswith(f"-{name}"))


def weights(folder: Path) -> list[torch.Tensor]:
    """All tensors of the newest checkpoint: weights, optimizer state, random state."""
    content = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)
    state = content["optimizer"]["state"]
    moments = [value for entry in state.values() for value in entry.values() if value is not None]
    average = content["average"]["model"].values() if "average" in content else ()
    return [*content["model"].values(), *moments, *average, content["rng"]["cpu"]]


def in_force(folder: Path) -> tuple[dict[int, float], dict[int, tuple[float, float]]]:
    """What the record says of each batch and each evaluation that still counts."""
    losses: dict[int, float] = {}
    tests: dict[int, tuple[float, float]] = {}
    for event in events_in_force(Replay(folder).read(arrays=False)):
        if isinstance(event, BatchesTrained):
            losses.update(enumerate(event.losses, event.first_step))
        elif isinstance(event, Evaluated):
            tests[event.step] = (event.loss, event.accuracy)
    return losses, tests


def assert_equal_runs(a: Path, b: Path) -> None:
    for one, other in zip(weights(a), weights(b), strict=True):
        assert torch.equal(one, other)
    assert in_force(a) == in_force(b)


@pytest.fixture
def other(settings: RunSettings, tmp_path: Path) -> RunSettings:
    return attrs.evolve(settings, runs_dir=tmp_path / "uninterrupted")


@pytest.mark.parametrize("recipe", list(RECIPES))
@pytest.mark.parametrize("seed", [1, 2])
def test_a_stopped_run_goes_on_bit_for_bit(
    settings: RunSettings,
    other: RunSettings,
    recipe: str,
    seed: int,
) -> None:
    hyperparameters = attrs.evolve(RECIPES[recipe], seed=seed)
    whole = begin(other, hyperparameters)
    (finished,) = [event for event in whole if isinstance(event, RunFinished)]
    steps = finished.step
    cuts = sorted(random.Random(seed).sample(range(1, steps), 2))
    assert isinstance(begin(settings, hyperparameters, cuts[0])[-1], RunFinished)
    assert read_run(folder_of(settings))["status"] == "stopped"
    go_on(settings, stop_at=cuts[1])
    events = go_on(settings)
    assert events[-1] == attrs.evolve(finished, seconds=events[-1].seconds)  # type: ignore[union-attr]
    assert not [event for event in events if isinstance(event, Rewound)]
    assert_equal_runs(folder_of(settings), folder_of(other))
    assert read_run(folder_of(settings))["status"] == "done"
    assert len(read_run(folder_of(settings))["continued"]) == 2
    assert not (folder_of(settings) / OWNER_FILE).exists()


def test_behind_a_screen_the_curves_come_before_torch(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    taken = resumption(settings)
    runner = HeardRunner(taken.settings(settings), behind_screen=True)
    try:
        runner.start(Order(hyperparameters=SMALL, resumption=taken))
        ahead, loaded, recalled = (runner.until(is_a(kind))[-1] for kind in (Recalled, EngineLoaded, Recalled))
    finally:
        assert runner.close(PATIENCE)
    assert isinstance(ahead, Recalled)
    assert isinstance(loaded, EngineLoaded)
    assert isinstance(recalled, Recalled)
    assert (ahead.ahead, recalled.ahead) == (True, False)
    history = [BatchesTrained, Evaluated, HyperparametersApplied, Rewound, RunStarted]
    told, again = ([e for e in event.events if type(e) in history] for event in (ahead, recalled))
    assert told == again
    assert any(isinstance(event, BatchesTrained) for event in told)


def test_what_is_edited_while_it_is_loaded_counts_from_its_first_batch(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(settings, attrs.evolve(SMALL, momentum=0.5), 3)
    taken = resumption(settings, changes={"epochs": 3})
    assert taken.goes_on_with == attrs.evolve(SMALL, momentum=0.5, epochs=3)
    edited, load_data = threading.Event(), loading.load_data
    monkeypatch.setattr(loading, "load_data", lambda *words: edited.wait(PATIENCE) and load_data(*words))
    runner = HeardRunner(taken.settings(settings))
    try:
        runner.start(Order(hyperparameters=SMALL, resumption=taken))
        runner.edit({"learning_rate": 0.5})
        runner.edit({"learning_rate": 0.25, "width": 7})
        edited.set()
        runner.until(is_a(RunContinued))
        applied = runner.until(is_a(HyperparametersApplied))[-1]
    finally:
        assert runner.close(PATIENCE)
    assert isinstance(applied, HyperparametersApplied)
    assert applied.step == 4
    assert applied.new == attrs.evolve(SMALL, momentum=0.5, epochs=3, learning_rate=0.25)


def test_what_a_damaged_run_goes_on_with_is_left_to_its_checkpoint(settings: RunSettings) -> None:
    for facts in ({}, {"hyperparameters": 3}, {"hyperparameters": {"epochs": 0}}, {"hyperparameters": {"size": 1}}):
        resumed = Resumption(settings.runs_dir, changes={"momentum": 0.5}, facts=facts)
        assert resumed.goes_on_with == Hyperparameters(momentum=0.5)


def test_a_record_that_is_long_is_not_read_twice(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(settings, SMALL, 3)
    folder = folder_of(settings)
    assert recorded(folder)
    monkeypatch.setattr(continuing, "MOST_READ_TWICE", 10)
    assert recorded(folder) == recorded(settings.runs_dir) == ()


def test_a_record_without_its_beginning_is_not_shown_ahead(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    metrics = folder_of(settings) / "metrics.jsonl"
    metrics.write_bytes(metrics.read_bytes().partition(b"\n")[2])
    assert recorded(folder_of(settings)) == ()


def test_what_was_recorded_comes_first_and_then_the_news(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    past = Digest().take(Replay(folder_of(settings)).read())
    events = go_on(settings)
    kinds = [type(event).__name__ for event in events]
    recalled = events[kinds.index("Recalled")]
    assert isinstance(recalled, Recalled)
    assert list(recalled.events) == past
    continued = events[kinds.index("Recalled") + 1]
    assert continued == RunContinued(
        past[0].run,  # type: ignore[union-attr]
        str(folder_of(settings)),
        3,
        SMALL,
        "cpu",
        100,
        continued.parameters,  # type: ignore[union-attr]
    )


def killed_after(settings: RunSettings, stop_at: int, checkpoint_at: int) -> None:
    """A folder as a kill leaves it: the record goes on after the newest checkpoint, and its last line is torn."""
    begin(settings, RECIPES["adam"], checkpoint_at)
    folder = folder_of(settings)
    kept = folder.with_name("kept.pt")
    shutil.copy(folder / "checkpoints" / "last.pt", kept)
    go_on(settings, stop_at=stop_at)
    shutil.move(kept, folder / "checkpoints" / "last.pt")
    facts = read_run(folder)
    (folder / "run.json").write_text(json.dumps({**facts, "status": "running"}))
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    assert "RunFinished" in lines[-1]
    (folder / "metrics.jsonl").write_text("".join(lines[:-1]) + lines[-1][:30])


def test_after_a_kill_what_came_after_the_checkpoint_is_trained_again(
    settings: RunSettings,
    other: RunSettings,
) -> None:
    killed_after(settings, stop_at=12, checkpoint_at=7)
    begin(other, RECIPES["adam"])
    folder = folder_of(settings)
    (folder / "checkpoints" / ".last.pt.99.tmp").write_text("half")
    events = go_on(settings)
    (rewound,) = [event for event in events if isinstance(event, Rewound)]
    assert (rewound.from_step, rewound.to_step, rewound.branch, rewound.edit) == (12, 7, 1, 0)
    assert_equal_runs(folder, folder_of(other))
    assert not [*folder.glob("checkpoints/.*")]


def test_after_two_kills_the_branches_are_counted(settings: RunSettings, other: RunSettings) -> None:
    killed_after(settings, stop_at=12, checkpoint_at=7)
    folder = folder_of(settings)
    shutil.copy(folder / "checkpoints" / "last.pt", folder / "old.pt")
    go_on(settings, stop_at=20)
    shutil.move(folder / "old.pt", folder / "checkpoints" / "last.pt")
    events = go_on(settings)
    (rewound,) = [event for event in events if isinstance(event, Rewound)]
    assert (rewound.from_step, rewound.to_step, rewound.branch) == (20, 7, 2)
    begin(other, RECIPES["adam"])
    assert_equal_runs(folder, folder_of(other))


def test_a_run_without_a_checkpoint_goes_on_from_its_beginning(
    settings: RunSettings,
    other: RunSettings,
) -> None:
    begin(settings, RICH, 5)
    folder = folder_of(settings)
    shutil.rmtree(folder / "checkpoints")
    (folder / "checkpoints").mkdir()
    events = go_on(settings)
    (rewound,) = [event for event in events if isinstance(event, Rewound)]
    assert (rewound.from_step, rewound.to_step, rewound.branch) == (5, 0, 1)
    begin(other, RICH)
    assert_equal_runs(folder, folder_of(other))


def test_a_finished_run_is_given_more_epochs(settings: RunSettings, other: RunSettings) -> None:
    begin(settings, RICH)
    with pytest.raises(UsageError, match=r"classic is finished, after 3 epochs: .*--resume classic --epochs 8"):
        resumption(settings)
    with pytest.raises(UsageError, match=r"is finished, after 3 epochs"):
        resumption(settings, changes={"epochs": 2})
    go_on(settings, changes={"epochs": 5})
    begin(other, attrs.evolve(RICH, epochs=5))
    for one, same in zip(weights(folder_of(settings)), weights(folder_of(other)), strict=True):
        assert torch.equal(one, same)
    assert in_force(folder_of(settings)) == in_force(folder_of(other))


def test_a_run_is_not_given_fewer_epochs_than_it_has_trained(settings: RunSettings) -> None:
    begin(settings, attrs.evolve(SMALL, epochs=3), 5)
    assert read_run(folder_of(settings))["epochs"] == 1
    with pytest.raises(UsageError, match=r"classic has trained 1 epoch, .*go on with --resume classic, or with"):
        resumption(settings, changes={"epochs": 1})
    assert resumption(settings, changes={"epochs": 2}).goes_on_with.epochs == 2


def test_as_many_epochs_as_were_planned_are_no_fewer(settings: RunSettings) -> None:
    begin(settings, SMALL)
    path = folder_of(settings) / "run.json"
    facts = json.loads(path.read_text())
    assert facts["epochs"] == SMALL.epochs
    path.write_text(json.dumps({**facts, "status": "running"}))  # killed in its last evaluation
    assert resumption(settings, changes={"epochs": SMALL.epochs}).goes_on_with == SMALL


def test_a_checkpoint_is_found_damaged_before_anything_is_stopped_for_it(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    taken, folder = resumption(settings), folder_of(settings) / "checkpoints"
    check_whole(taken)
    shutil.copy(folder / "last.pt", folder / "edit-0001.pt")
    with open(folder / "last.pt", "r+b") as file:
        file.truncate(1000)
    with pytest.raises(
        ModelFileError, match=r"classic cannot go on, last.pt is damaged: .*with: mnist-tui --resume .*1.pt"
    ):
        check_whole(taken)
    (folder / "edit-0001.pt").write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"is damaged: the archive is damaged \(BadZipFile\)$"):
        check_whole(taken)
    (folder / "last.pt").unlink()
    with pytest.raises(ModelFileError, match=r"edit-0001.pt is damaged: the file is empty$"):
        check_whole(taken)
    (folder / "edit-0001.pt").unlink()
    check_whole(taken)


def test_a_run_that_stopped_early_goes_on_without_patience(settings: RunSettings) -> None:
    begin(settings, attrs.evolve(SMALL, epochs=4, patience=1, learning_rate=1e-8))
    assert read_run(folder_of(settings))["epochs"] < 4
    with pytest.raises(UsageError, match=r"stopped early, .*--resume classic --patience 0"):
        resumption(settings)
    events = go_on(settings, changes={"patience": 0})
    assert isinstance(events[-1], RunFinished)
    assert (events[-1].status, events[-1].epochs) == ("done", 4)


def test_changes_are_edits_of_the_run(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    events = go_on(settings, changes={"learning_rate": 0.01, "batch_size": 10})
    (applied,) = [event for event in events if isinstance(event, HyperparametersApplied)]
    assert (applied.step, applied.edit, applied.undoable) == (4, 1, True)
    facts = read_run(folder_of(settings))
    assert facts["hyperparameters"]["learning_rate"] == 0.01
    assert facts["initial_hyperparameters"]["learning_rate"] == 0.001
    assert [change["step"] for change in facts["changes"]] == [4]


def test_an_edit_is_undone_after_the_run_was_left(settings: RunSettings) -> None:
    begin(settings, attrs.evolve(SMALL, epochs=50), 3)
    go_on(settings, changes={"learning_rate": 0.01}, stop_at=6)
    go_on(settings, changes={"dropout": 0.5}, stop_at=9)
    taken = resumption(settings)
    runner = HeardRunner(taken.settings(settings))
    try:
        runner.start(Order(hyperparameters=SMALL, resumption=taken, paused=True))
        runner.until(is_a(RunContinued))
        for to_step, rate, dropout in ((6, 0.01, 0.0), (3, 0.001, 0.0)):
            runner.undo()
            rewound = runner.until(is_a(Rewound))[-1]
            assert isinstance(rewound, Rewound)
            assert (rewound.to_step, rewound.hyperparameters.learning_rate) == (to_step, rate)
            assert rewound.hyperparameters.dropout == dropout
        runner.edit({"momentum": 0.5})
        applied = runner.until(is_a(HyperparametersApplied))[-1]
        assert isinstance(applied, HyperparametersApplied)
        assert applied.edit == 3
    finally:
        assert runner.close(PATIENCE)
    assert [change.get("edit") for change in read_run(folder_of(settings))["changes"]] == [1, 2, 2, 1, 3]


@pytest.mark.parametrize("name", ["width", "hidden_units", "seed"])
def test_what_cannot_change_inside_a_run_is_refused(settings: RunSettings, name: str) -> None:
    begin(settings, SMALL, 3)
    value = getattr(SMALL, name)
    with pytest.raises(UsageError, match="cannot change inside a run"):
        resumption(settings, changes={name: value + 1})
    assert resumption(settings, changes={name: value}).changes == {}


def test_a_run_keeps_its_data(settings: RunSettings) -> None:
    begin(attrs.evolve(settings, validation=20), SMALL, 2)
    taken = resumption(settings)
    assert taken.settings(settings).validation == 20
    with pytest.raises(UsageError, match="was trained with --validation 20"):
        taken.settings(settings, {"validation"})
    with pytest.raises(UsageError, match="was trained with --dataset mnist"):
        taken.settings(attrs.evolve(settings, dataset="fashion"), {"dataset"})
    events = go_on(settings)
    assert isinstance(events[-1], RunFinished)
    assert {event.split for event in events if isinstance(event, Evaluated)} == {"validation", "test"}


def test_another_number_of_threads_is_said(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    events = go_on(attrs.evolve(settings, threads=2))
    (continued,) = [event for event in events if isinstance(event, RunContinued)]
    assert continued.notice == "it is not bit-exact: threads 1 -> 2"


def test_other_kernels_are_said(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(settings, SMALL, 3)
    assert read_run(folder_of(settings))["kernels"] == "none", "there are none for so few channels"
    monkeypatch.setattr(architectures, "has_kernels", lambda *_: True)
    monkeypatch.setattr(architectures, "instructions", lambda: "AVX2")
    (continued,) = [event for event in go_on(settings) if isinstance(event, RunContinued)]
    assert continued.notice == "it is not bit-exact: kernels none -> AVX2"


def test_a_run_keeps_its_precision_unless_another_is_asked_for(settings: RunSettings) -> None:
    begin(attrs.evolve(settings, precision="bf16"), SMALL, 3)
    taken = resumption(settings)
    assert taken.settings(settings).precision == "bf16"
    asked = attrs.evolve(taken, precision="fp32")
    assert asked.settings(settings, {"precision"}).precision == "fp32"
    events = carry_out(asked.settings(settings), Order(hyperparameters=SMALL, resumption=asked))
    (continued,) = [event for event in events if isinstance(event, RunContinued)]
    assert continued.notice == "it is not bit-exact: precision bf16 -> fp32"
    assert read_run(folder_of(settings))["precision"] == "fp32"


def test_a_run_that_does_not_tell_its_precision_was_trained_in_float32(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    taken = resumption(settings)
    old = attrs.evolve(taken, facts={name: value for name, value in taken.facts.items() if name != "precision"})
    assert old.settings(attrs.evolve(settings, precision="auto")).precision == "fp32"


# --- what cannot go on


def failure(events: list[Event]) -> str:
    assert isinstance(events[-1], RunFailed)
    assert events[-1].details == "", events[-1].details
    return events[-1].message


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def stopped(settings: RunSettings) -> Path:
    """A stopped run; whatever fails to go on from it leaves every file as it is."""
    begin(settings, SMALL, 3)
    go_on(settings, stop_at=5)
    return folder_of(settings)


def test_a_run_that_somebody_trains_is_left_alone(settings: RunSettings, stopped: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ours = claim(stopped)
    owner = json.loads((stopped / OWNER_FILE).read_text())
    ours.release()
    born = int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19])
    (stopped / OWNER_FILE).write_text(json.dumps({**owner, "token": "x", "pid": process.pid, "born": born}))
    before = snapshot(stopped)
    assert f"process {process.pid} on" in failure(go_on(settings))
    assert snapshot(stopped) == before
    process.communicate(b"\n")
    assert isinstance(go_on(settings)[-1], RunFinished)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "random"])
def test_a_damaged_checkpoint_names_the_one_before(
    settings: RunSettings,
    stopped: Path,
    damage: str,
) -> None:
    path = stopped / "checkpoints" / "last.pt"
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "cut": data[:-1],
            "flip": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
            "empty": b"",
            "text": b"<html>not found</html>",
            "random": random.Random(0).randbytes(5000),
        }[damage]
    )
    before = snapshot(stopped)
    message = failure(go_on(settings))
    previous = stopped / "checkpoints" / "previous.pt"
    assert message.startswith(f"{path} is not a model of mnist-tui: ")
    assert message.endswith(f"previous.pt is whole, go on from step 4 with: mnist-tui --resume {previous}")
    assert "weights_only" not in message
    assert snapshot(stopped) == before
    events = go_on(settings, str(previous))
    assert isinstance(events[-1], RunFinished)
    (rewound,) = [event for event in events if isinstance(event, Rewound)]
    assert (rewound.from_step, rewound.to_step) == (5, 4)


def alter(path: Path, change: Mapping[str, Any]) -> None:
    content = torch.load(path, weights_only=True)
    for key, value in change.items():
        *way, last = key.split("/")
        table = content
        for name in way:
            table = table[int(name) if name.isdecimal() else name]
        table[last] = value
    torch.save(content, path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 99}, "another version"),
        ({"format": "other"}, "its format is"),
        ({"dataset": "fashion"}, "was trained on fashion"),
        ({"hyperparameters/width": 4}, "does not fit the network"),
        ({"hyperparameters/learning_rate": -1.0}, "learning rate must be"),
        ({"hyperparameters/colour": 1}, "unknown here: colour"),
        ({"hyperparameters": 3}, "no table"),
        ({"hyperparameters/optimizer": "sgd"}, "optimizer's state is not that of sgd"),
        ({"optimizer": {}}, "does not fit"),
        ({"optimizer/state/0/exp_avg": torch.zeros(3)}, "has not the shape"),
        ({"model/fc2.bias": torch.zeros(11)}, "does not fit"),
        ({"model/fc2.bias": torch.full((10,), float("nan"))}, "not finite"),
        ({"rng/cpu": torch.zeros(3, dtype=torch.uint8)}, "does not fit"),
        ({"position": 101}, "outside the 100 training images"),
        ({"step": -1}, "no whole number"),
        ({"epoch": "2"}, "no whole number"),
        ({"seconds": float("nan")}, "no number of seconds"),
        ({"standing": {"best": 7.0}}, "best accuracy"),
        ({"standing": {"colour": 7.0}}, "cannot|can go on from"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_checkpoint_of_something_else_is_refused_whole(
    settings: RunSettings,
    stopped: Path,
    change: dict[str, Any],
    words: str,
) -> None:
    path = stopped / "checkpoints" / "last.pt"
    alter(path, change)
    before = snapshot(stopped)
    state = torch.get_rng_state()
    message = failure(go_on(settings))
    assert re.search(words, message), message
    assert "\n" not in message
    assert torch.equal(torch.get_rng_state(), state)
    assert snapshot(stopped) == before


def test_a_lost_or_damaged_run_json_is_one_sentence(settings: RunSettings, stopped: Path) -> None:
    facts = (stopped / "run.json").read_text()
    for text in ("", "{", "[]", "<html>"):
        (stopped / "run.json").write_text(text)
        with pytest.raises(ModelFileError, match=r"holds no run: its run.json is missing"):
            resumption(settings)
    broken = {**json.loads(facts), "initial_hyperparameters": {"epochs": "x"}}
    (stopped / "run.json").write_text(json.dumps(broken))
    assert "does not say what the run began with" in failure(go_on(settings))


def test_what_is_no_run_is_one_sentence(settings: RunSettings, stopped: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no run called 'nothing': the newest runs in .* are classic"):
        resumption(settings, "nothing")
    with pytest.raises(UsageError, match="is no run's folder"):
        resumption(settings, str(tmp_path))
    shutil.copy(stopped / "checkpoints" / "last.pt", tmp_path / "alone.pt")
    with pytest.raises(ModelFileError, match="lies in no run's folder"):
        resumption(settings, str(tmp_path / "alone.pt"))
    with pytest.raises(ModelFileError, match=r"is not a checkpoint of mnist-tui: it is no file that torch.save writes"):
        resumption(settings, str(stopped / "run.json"))


def test_a_folder_that_cannot_be_written_is_one_sentence(
    settings: RunSettings,
    stopped: Path,
) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes anywhere")
    stopped.chmod(0o500)
    assert "cannot write to" in failure(go_on(settings))
    stopped.chmod(0o700)


# --- what a checkpoint alone does not say


def test_an_edit_that_a_kill_took_is_taken_back_in_the_record(settings: RunSettings) -> None:
    begin(settings, SMALL, 3)
    folder = folder_of(settings)
    kept = (folder / "checkpoints" / "last.pt").read_bytes()
    taken = resumption(settings)
    runner = HeardRunner(taken.settings(settings))
    runner.start(Order(hyperparameters=SMALL, resumption=taken, paused=True))
    runner.until(is_a(RunContinued))
    runner.edit({"learning_rate": 0.02})
    runner.until(is_a(HyperparametersApplied))
    assert runner.close(PATIENCE)
    (folder / "checkpoints" / "last.pt").write_bytes(kept)
    events = go_on(settings)
    (rewound,) = [event for event in events if isinstance(event, Rewound)]
    assert (rewound.to_step, rewound.hyperparameters) == (3, SMALL)
    assert read_run(folder)["hyperparameters"]["learning_rate"] == 0.001


def test_another_checkpoint_is_saved_as_the_last_one_at_once(settings: RunSettings, stopped: Path) -> None:
    taken = resumption(settings, str(stopped / "checkpoints" / "previous.pt"))
    runner = HeardRunner(taken.settings(settings))
    runner.start(Order(hyperparameters=SMALL, resumption=taken))
    events = runner.until(is_a(BatchesTrained))
    assert runner.close(PATIENCE)
    assert [event.step for event in events if isinstance(event, CheckpointSaved)] == [4]


def test_the_best_is_known_from_any_checkpoint(settings: RunSettings) -> None:
    begin(settings, attrs.evolve(SMALL, epochs=3))
    folder = folder_of(settings)
    best = max(event.accuracy for event in Replay(folder).read() if isinstance(event, Evaluated))
    go_on(settings, changes={"epochs": 4, "learning_rate": 10.0})
    taken = resumption(settings, str(folder / "checkpoints" / "edit-0001.pt"), {"learning_rate": 10.0})
    carry_out(taken.settings(settings), Order(hyperparameters=SMALL, resumption=taken))
    facts = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)
    assert facts["accuracy"] >= best


def test_a_run_out_of_patience_is_not_given_another_epoch(settings: RunSettings) -> None:
    patient = attrs.evolve(SMALL, epochs=9, patience=1, learning_rate=1e-8)
    whole = begin(settings, patient)
    assert isinstance(whole[-1], RunFinished)
    facts = read_run(folder_of(settings))
    (folder_of(settings) / "run.json").write_text(json.dumps({**facts, "status": "running"}))
    events = go_on(settings)
    assert isinstance(events[-1], RunFinished)
    assert (events[-1].epochs, events[-1].status) == (whole[-1].epochs, "done")
    assert not [event for event in events if isinstance(event, BatchesTrained)]


@pytest.mark.parametrize(
    "line",
    [
        {"event": "HyperparametersApplied", "step": 1, "changes": {"dropout": [0, 0.5]}, "edit": 10**12},
        {"event": "BatchesTrained", "first_step": 9, "epoch": 1, "batch_size": 0, "losses": [1.0], "correct": [0]},
    ],
)
def test_a_line_that_cannot_be_keeps_nobody_from_going_on(
    settings: RunSettings, stopped: Path, line: dict[str, Any]
) -> None:
    more = {"samples": 1, "seconds": 0.1} if line["event"] == "BatchesTrained" else {}
    with open(stopped / "metrics.jsonl", "a") as file:
        file.write(json.dumps({**line, **more}) + "\n")
    assert isinstance(go_on(settings)[-1], RunFinished)
