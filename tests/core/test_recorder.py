import errno
import json
import math
import os
import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import attrs
import numpy as np
import pytest

from mnist_tui.core import recorder as module
from mnist_tui.core.dataset import find
from mnist_tui.core.errors import UserError
from mnist_tui.core.events import (
    BatchesTrained,
    BatchInspected,
    DataLoaded,
    Evaluated,
    HyperparametersApplied,
    Layer,
    LayersProbed,
    Paused,
    Rewound,
    RunFailed,
    RunFinished,
    RunStarted,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.recorder import Recorder, as_record, to_json
from mnist_tui.core.runs import create_folder, read_run
from tests.datafiles import cut

START = Hyperparameters()
BATCHES = BatchesTrained(1, 1, 64, (2.5, math.nan), (8, 16), 128, 0.25)


def strict(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


# --- JSON


def test_numbers_that_are_not_finite_become_null_at_any_depth() -> None:
    value = {"a": math.nan, "b": [1.5, math.inf, {"c": (-math.inf, "x")}], "d": None, "e": True}
    assert strict(to_json(value)) == {"a": None, "b": [1.5, None, {"c": [None, "x"]}], "d": None, "e": True}


@pytest.mark.parametrize("text", ["line\nbreak", "\u2028", "[/x]", "ü→", os.fsdecode(b"\xff.png")])
def test_any_text_is_one_line_that_can_be_written_anywhere(text: str) -> None:
    line = to_json({"path": text})
    assert len(line.encode("ascii").splitlines()) == 1
    assert json.loads(line) == {"path": text}


def test_an_edit_is_recorded_as_what_changed() -> None:
    event = HyperparametersApplied(5, START, attrs.evolve(START, dropout=0.5))
    assert as_record(event) == {
        "event": "HyperparametersApplied",
        "step": 5,
        "changes": {"dropout": [0.0, 0.5]},
        "edit": 0,
        "undoable": True,
    }


def test_logits_are_no_part_of_a_line() -> None:
    record = as_record(Evaluated(5, 1, "test", 0.5, 0.9, bytes(40), 0.1))
    assert record == {
        "event": "Evaluated",
        "step": 5,
        "epoch": 1,
        "split": "test",
        "loss": 0.5,
        "accuracy": 0.9,
        "seconds": 0.1,
        "branch": 0,
    }


def test_a_run_is_recorded_with_its_hyperparameters() -> None:
    record = as_record(RunStarted("a", "runs/a", START, "cpu", 100, 1000))
    assert record["hyperparameters"] == attrs.asdict(START)


# --- the recorder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return create_folder(tmp_path, "mine", "classic")


def lines_of(folder: Path) -> list[Any]:
    return [strict(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_new_run_says_that_it_runs(folder: Path) -> None:
    Recorder(folder, {"run": folder.name, "data": "ü"})
    assert read_run(folder) == {"run": folder.name, "data": "ü", "status": "running", "changes": []}


def test_what_was_recorded_is_read_back(folder: Path) -> None:
    recorder = Recorder(folder, {"run": folder.name, "hyperparameters": attrs.asdict(START)})
    edited = attrs.evolve(START, learning_rate=0.5)
    logits = np.arange(20, dtype=np.float32).tobytes()
    for event in (
        DataLoaded(find("mnist"), cut(1)),  # not the run's
        RunStarted(folder.name, str(folder), START, "cpu", 100, 1000),
        BATCHES,
        HyperparametersApplied(3, START, edited),
        Evaluated(3, 1, "test", 0.5, 0.9, logits, 0.1),
        Evaluated(3, 1, "validation", 0.5, 0.9, logits, 0.1),
        Paused(3),
        RunFinished("done", 3, 1, 9.5),
    ):
        recorder.record(event)
    recorder.close()
    assert recorder.trouble == ""
    lines = lines_of(folder)
    assert [line["event"] for line in lines] == [
        "RunStarted",
        "BatchesTrained",
        "HyperparametersApplied",
        "Evaluated",
        "Evaluated",
        "Paused",
        "RunFinished",
    ]
    assert lines[1]["losses"] == [2.5, None]
    assert lines[1]["correct"] == [8, 16]
    run = read_run(folder)
    assert (run["status"], run["step"], run["epochs"], run["seconds"]) == ("done", 3, 1, 9.5)
    assert run["hyperparameters"] == attrs.asdict(edited)
    assert run["changes"] == [lines[2]]
    evaluations = folder / "evaluations"
    assert sorted(path.name for path in evaluations.iterdir()) == [
        "step-00000003-validation.npz",
        "step-00000003.npz",
    ]
    content = np.load(evaluations / "step-00000003.npz")
    assert int(content["step"]) == 3
    assert content["logits"].tobytes() == logits


def test_every_line_is_on_the_disk_at_once(folder: Path) -> None:
    recorder = Recorder(folder, {})
    recorder.record(BATCHES)
    assert len(lines_of(folder)) == 1
    recorder.record(BATCHES)
    assert len(lines_of(folder)) == 2


def test_a_failure_is_kept_with_its_traceback_in_the_log(folder: Path) -> None:
    recorder = Recorder(folder, {})
    recorder.record(RunFailed("it [/broke]", "Traceback:\n  \udcff line"))
    assert (read_run(folder)["status"], read_run(folder)["error"]) == ("failed", "it [/broke]")
    log = (folder / "log.txt").read_text(encoding="utf-8")
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d it \[/broke\]\nTraceback:\n", log)
    assert len(lines_of(folder)) == 1


def test_a_removed_folder_is_trouble_and_no_exception(folder: Path) -> None:
    recorder = Recorder(folder, {})
    shutil.rmtree(folder)
    for event in (BATCHES, HyperparametersApplied(3, START, START), RunFailed("x"), RunFinished("done", 1, 1, 1.0)):
        recorder.record(event)
        assert recorder.trouble == f"cannot write to {folder}: No such file or directory; training goes on"


def test_a_full_disk_is_trouble_until_there_is_room_again(folder: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    recorder = Recorder(folder, {})
    (folder / "metrics.jsonl").symlink_to("/dev/full")
    recorder.record(BATCHES)
    assert recorder.trouble == f"cannot write to {folder}: No space left on device; training goes on"
    (folder / "metrics.jsonl").unlink()
    recorder.record(Paused(2))
    assert recorder.trouble == ""
    assert [line["event"] for line in lines_of(folder)] == ["BatchesTrained", "Paused"]


def test_a_disk_full_from_the_start_is_a_users_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match=f"cannot write to {folder}: No space left on device; .*--runs-dir"):
        Recorder(folder, {})


def test_a_key_that_is_held_is_one_change(folder: Path) -> None:
    recorder = Recorder(folder, {})
    values = [START, *(attrs.evolve(START, dropout=share) for share in (0.1, 0.2, 0.3))]
    for step, (old, new) in enumerate(pairwise(values), 5):
        recorder.record(HyperparametersApplied(step, old, new, edit=1))
    recorder.record(HyperparametersApplied(9, values[-1], START, edit=2))
    assert [(change["step"], change["changes"]) for change in read_run(folder)["changes"]] == [
        (5, {"dropout": [0.0, 0.3]}),
        (9, {"dropout": [0.3, 0.0]}),
    ]
    assert [line["changes"]["dropout"] for line in lines_of(folder)] == [[0, 0.1], [0.1, 0.2], [0.2, 0.3], [0.3, 0]]


def test_the_last_value_of_a_held_key_is_written_when_it_is_let_go(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(folder, {})
    first, second = attrs.evolve(START, dropout=0.1), attrs.evolve(START, dropout=0.2)
    recorder.record(HyperparametersApplied(5, START, first, edit=1))
    recorder.record(HyperparametersApplied(6, first, second, edit=1))
    assert read_run(folder)["hyperparameters"]["dropout"] == 0.1
    recorder.record(BATCHES)
    assert read_run(folder)["hyperparameters"]["dropout"] == 0.1
    monkeypatch.setattr(module, "_HELD_SECONDS", 0.0)
    recorder.record(BATCHES)
    assert read_run(folder)["hyperparameters"]["dropout"] == 0.2


def test_an_undo_is_a_change_that_follows_the_one_it_takes_back(folder: Path) -> None:
    recorder = Recorder(folder, {})
    recorder.record(HyperparametersApplied(5, START, attrs.evolve(START, dropout=0.5), edit=1))
    recorder.record(Rewound(9, 4, 1, 1, START, 1, 0, 256, 0.5))
    edit, undo = read_run(folder)["changes"]
    assert (edit["event"], undo["event"]) == ("HyperparametersApplied", "Rewound")
    assert (undo["from_step"], undo["to_step"], undo["branch"], undo["edit"]) == (9, 4, 1, 1)
    assert read_run(folder)["hyperparameters"] == attrs.asdict(START)


def test_evaluations_of_one_step_on_two_branches_are_both_kept(folder: Path) -> None:
    recorder = Recorder(folder, {})
    for branch in (0, 1):
        logits = np.full(10, branch, dtype=np.float32).tobytes()
        recorder.record(Evaluated(3, 1, "test", 0.5, 0.9, logits, 0.1, branch))
    names = ["step-00000003-branch-1.npz", "step-00000003.npz"]
    assert sorted(path.name for path in (folder / "evaluations").iterdir()) == names
    assert int(np.load(folder / "evaluations" / names[0])["branch"]) == 1


def test_layers_are_recorded_and_pictures_are_not(folder: Path) -> None:
    layers = (Layer("conv1", 1.0, 0.5, 0.001, 0.0),)
    assert as_record(LayersProbed(200, layers))["layers"][0]["gradient_norm"] == 0.5
    inspected = as_record(BatchInspected(3, 1, 0.5, 1, (7,), (7,), (0.5,), layers, bytes(784)))
    assert "images" not in inspected
    assert json.loads(to_json(inspected))["losses"] == [0.5]
