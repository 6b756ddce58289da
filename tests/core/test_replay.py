"""What was recorded is read back; what was not is passed over."""

import json
import math
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.core import replay
from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    BatchInspected,
    CheckpointSaved,
    Commanded,
    EpochFinished,
    Evaluated,
    Event,
    HealthWarned,
    HyperparametersApplied,
    Layer,
    LayersProbed,
    Paused,
    RateFound,
    Rewound,
    RunContinued,
    RunFailed,
    RunFinished,
    RunStarted,
    StopScheduled,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.recorder import Recorder, evaluation_path
from mnist_tui.core.replay import Replay, as_here, in_force

START = Hyperparameters()
SLOW = attrs.evolve(START, learning_rate=0.0005, optimizer="sgd")
LAYERS = (Layer("conv1", 1.0, 0.5, 0.001, 0.25), Layer("fc2", 2.0, 0.25))
LOGITS = np.arange(40, dtype=np.float32).tobytes()
IMAGES = bytes(range(256)) * 6 + bytes(32)
RUN: list[Event] = [
    RunStarted("run", "runs/run", START, "cpu", 600, 1000),
    BatchesTrained(1, 1, 64, (2.5, 1.0), (8, 16), 128, 0.25, 0.001, 1.5),
    CheckpointSaved(2, "edit", "runs/run/checkpoints/edit-0001.pt"),
    HyperparametersApplied(3, START, SLOW, 1),
    LayersProbed(3, LAYERS),
    Rewound(3, 2, 1, 1, START, 1, 0, 128, 0.25),
    HyperparametersApplied(3, START, SLOW, 2, False),
    HealthWarned(3, "spike", "loss 9 at step 3"),
    StopScheduled(3, 1),
    StopScheduled(3, None),
    Commanded(4, "pause"),
    Paused(3),
    Answered(3, "there is no edit to take back"),
    RateFound(3, (0.1, 0.2), (1.0, 2.0), None, "too short"),
    EpochFinished(1, 10, 2.0),
    RunFailed("out of [memory]", "Traceback", 1),
    RunContinued("run", "runs/run", 3, SLOW, "cpu", 600, 1000, "threads 8 -> 2"),
    RunFinished("done", 10, 1, 3.0),
]


def recorded(folder: Path, *events: Event) -> Recorder:
    (folder / "evaluations").mkdir(exist_ok=True)
    recorder = Recorder(folder, {"run": "run"})
    for event in events:
        recorder.record(event)
    assert recorder.trouble == ""
    recorder.close()
    return recorder


def append(folder: Path, text: str) -> None:
    with open(folder / "metrics.jsonl", "a") as file:
        file.write(text)


def test_a_run_is_read_back_as_it_was_recorded(tmp_path: Path) -> None:
    recorded(tmp_path, *RUN)
    replay = Replay(tmp_path)
    assert replay.read() == RUN
    assert replay.damaged == 0


def test_a_look_finds_what_came_since_the_last(tmp_path: Path) -> None:
    replay = Replay(tmp_path)
    assert replay.read() == []
    recorded(tmp_path, *RUN[:4])
    assert replay.read() == RUN[:4]
    assert replay.read() == []
    recorded(tmp_path, *RUN[4:7])
    assert replay.read() == RUN[4:7]


def test_numbers_that_were_not_finite_are_nan_again(tmp_path: Path) -> None:
    recorded(tmp_path, BatchesTrained(1, 1, 64, (2.5, math.nan, math.inf), (8, 0, 0), 192, 0.25, 0.001, math.inf))
    (event,) = Replay(tmp_path).read()
    assert isinstance(event, BatchesTrained)
    assert event.losses[0] == 2.5
    assert all(math.isnan(value) for value in (*event.losses[1:], event.gradient_norm))


@pytest.mark.parametrize("filled", [1, 2])
def test_the_newest_evaluations_have_their_logits(tmp_path: Path, filled: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "FILLED", filled)
    first = Evaluated(5, 1, "test", 0.5, 0.9, LOGITS, 0.1)
    second, held_out = attrs.evolve(first, step=10, branch=2), attrs.evolve(first, step=10, split="validation")
    recorded(tmp_path, first, second, held_out)
    empty = [attrs.evolve(event, logits=b"") for event in (first, second, held_out)]
    assert Replay(tmp_path).read() == [empty[0] if filled == 1 else first, second, empty[2]]
    assert Replay(tmp_path).read(arrays=False) == empty


@pytest.mark.parametrize("data", [None, b"", b"PK\x03\x04", b"\x93NUMPY"])
def test_logits_that_cannot_be_read_are_missing(tmp_path: Path, data: bytes | None) -> None:
    event = Evaluated(5, 1, "test", 0.5, 0.9, LOGITS, 0.1)
    recorded(tmp_path, event)
    path = evaluation_path(tmp_path, event)
    path.unlink() if data is None else path.write_bytes(data)
    assert Replay(tmp_path).read() == [attrs.evolve(event, logits=b"")]


def test_logits_of_another_shape_or_kind_are_missing(tmp_path: Path) -> None:
    event = Evaluated(5, 1, "test", 0.5, 0.9, LOGITS, 0.1)
    recorded(tmp_path, event)
    for wrong in (np.zeros(40, np.float32), np.zeros((4, 9), np.float32), np.array([["a"] * 10])):
        with open(evaluation_path(tmp_path, event), "wb") as file:
            np.savez(file, logits=wrong)
        assert Replay(tmp_path).read() == [attrs.evolve(event, logits=b"")]


def test_an_inspected_batch_has_its_images(tmp_path: Path) -> None:
    event = BatchInspected(7, 2, 0.5, 1, (3, 4), (3, 9), (0.1, 0.9), LAYERS, IMAGES)
    recorded(tmp_path, event)
    assert Replay(tmp_path).read() == [event]
    (tmp_path / "batches" / "step-00000007.bin").unlink()
    assert Replay(tmp_path).read() == [attrs.evolve(event, images=bytes(2 * 784))]


def test_a_torn_last_line_is_no_event_until_it_is_whole(tmp_path: Path) -> None:
    recorded(tmp_path, *RUN[:2])
    append(tmp_path, '{"event":"Pau')
    replay = Replay(tmp_path)
    assert replay.read() == RUN[:2]
    append(tmp_path, 'sed","step":3}\n')
    assert replay.read() == [Paused(3)]


def test_who_goes_on_after_a_torn_line_begins_a_new_one(tmp_path: Path) -> None:
    recorded(tmp_path, *RUN[:2])
    append(tmp_path, '{"event":"BatchesTr')
    recorded(tmp_path, Paused(3))
    replay = Replay(tmp_path)
    assert replay.read() == [*RUN[:2], Paused(3)]
    assert replay.damaged == 1


WRONG: list[Any] = [
    {},
    [],
    3,
    None,
    "x",
    {"event": []},
    {"event": "Paused"},
    {"event": "Paused", "step": "3"},
    {"event": "Paused", "step": True},
    {"event": "Paused", "step": 3.5},
    {"event": "BatchesTrained", "first_step": 1, "epoch": 1, "batch_size": 64, "losses": 3, "correct": [1]},
    {"event": "HyperparametersApplied", "step": 1, "changes": {"learning_rate": [0.1, -5]}},
    {"event": "HyperparametersApplied", "step": 1, "changes": {"colour": [1, 2]}},
    {"event": "HyperparametersApplied", "step": 1, "changes": []},
    {"event": "RunFinished", "status": "lost", "step": 1, "epochs": 1, "seconds": 1.0},
    {"event": "LayersProbed", "step": 1, "layers": [{"name": "a"}]},
    {"event": "RunStarted", "run": "a", "folder": "b", "hyperparameters": {"epochs": "x"}},
]


@pytest.mark.parametrize("wrong", WRONG, ids=[json.dumps(wrong)[:60] for wrong in WRONG])
def test_a_line_that_cannot_be_is_passed_over(tmp_path: Path, wrong: Any) -> None:
    recorded(tmp_path, *RUN[:2])
    append(tmp_path, json.dumps(wrong) + "\n")
    recorded(tmp_path, Paused(3))
    replay = Replay(tmp_path)
    assert replay.read() == [*RUN[:2], Paused(3)]
    assert replay.damaged == 1


def test_a_kind_of_a_later_version_and_a_field_of_one_are_no_damage(tmp_path: Path) -> None:
    append(tmp_path, '{"event":"Teleported","to":"Mars"}\n{"event":"Paused","step":3,"why":"tea"}\n\n')
    replay = Replay(tmp_path)
    assert replay.read() == [Paused(3)]
    assert replay.damaged == 0


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("replay")
    (folder / "metrics.jsonl").write_bytes(data + b"\n")
    Replay(folder).read()


def test_more_than_a_chunk_is_read_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_tui.core.replay._CHUNK", 64)
    recorded(tmp_path, *RUN)
    assert Replay(tmp_path).read() == RUN


def test_a_number_longer_than_any_float_is_no_event(tmp_path: Path) -> None:
    append(tmp_path, f'{{"event":"EpochFinished","epoch":1,"step":1,"seconds":1{"0" * 400}}}\n')
    replay = Replay(tmp_path)
    assert replay.read() == []
    assert replay.damaged == 1


def test_a_folder_that_was_renamed_is_named_as_it_is_now(tmp_path: Path) -> None:
    begun, saved = as_here(RUN[0], tmp_path), as_here(RUN[2], tmp_path)
    assert isinstance(begun, RunStarted)
    assert isinstance(saved, CheckpointSaved)
    assert (begun.run, begun.folder) == (tmp_path.name, str(tmp_path))
    assert saved.path == str(tmp_path / "checkpoints" / "edit-0001.pt")
    assert as_here(RUN[5], tmp_path) is RUN[5]


def test_what_a_way_back_took_away_is_not_in_force() -> None:
    first = BatchesTrained(1, 1, 64, (3.0, 2.0, 1.0), (1, 2, 3), 192, 0.3)
    later = BatchesTrained(4, 1, 64, (9.0,), (4,), 256, 0.1)
    early, late = Evaluated(2, 1, "test", 0.5, 0.9, b"", 0.1), Evaluated(4, 1, "test", 0.5, 0.1, b"", 0.1)
    back = Rewound(4, 2, 1, 1, START, 1, 0, 128, 0.2)
    again = attrs.evolve(later, first_step=3)
    kept = attrs.evolve(first, losses=(3.0, 2.0), correct=(1, 2))
    assert in_force([first, early, later, late, back, again, Paused(3)]) == [kept, early, again, Paused(3)]
    assert in_force([first, later, attrs.evolve(back, to_step=0)]) == []
