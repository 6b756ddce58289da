import errno
import json
import math
import os
import re
import shutil
from pathlib import Path
from typing import Any, NoReturn

import attrs
import numpy as np
import pytest

from mnist_tui.core.dataset import find
from mnist_tui.core.errors import ModelFileError, UsageError, UserError
from mnist_tui.core.events import (
    BatchesTrained,
    DataLoaded,
    Evaluated,
    HyperparametersApplied,
    Paused,
    RunFailed,
    RunFinished,
    RunStarted,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.runs import (
    Recorder,
    as_record,
    choose_name,
    create_folder,
    find_model,
    name_of,
    read_run,
    run_folders,
    to_json,
)
from tests.datafiles import cut

START = Hyperparameters()
BATCHES = BatchesTrained(1, 1, 64, (2.5, math.nan), (8, 16), 128, 0.25)


def make_run(runs_dir: Path, name: str, stamp: str = "20260101-000000", files: tuple[str, ...] = ()) -> Path:
    folder = runs_dir / f"{stamp}-{name}"
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"model")
    return folder


def strict(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


# --- names and folders


def test_names_count_up_where_none_is_wanted(tmp_path: Path) -> None:
    assert choose_name(tmp_path / "absent", None, "classic") == "classic"
    make_run(tmp_path, "classic")
    assert choose_name(tmp_path, None, "classic") == "classic-2"
    make_run(tmp_path, "classic-2")
    make_run(tmp_path, "classic-4")
    assert choose_name(tmp_path, None, "classic") == "classic-3"


def test_a_taken_name_suggests_a_free_one(tmp_path: Path) -> None:
    make_run(tmp_path, "mine")
    make_run(tmp_path, "mine-2")
    with pytest.raises(UsageError, match="there is a run named mine already: use --name mine-3"):
        choose_name(tmp_path, "mine", "classic")
    assert choose_name(tmp_path, "mine-3", "classic") == "mine-3"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", "a b", "-a", ".a", "ä", "a\n", "a\0", "a" * 65, "[/b]"]
)
def test_a_bad_name_is_refused_with_the_rule(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a run: use up to 64 letters") as caught:
        choose_name(tmp_path, name, "classic")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "0" * 64])
def test_a_good_name_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    assert choose_name(tmp_path, name, "classic") == name


def test_a_folder_is_named_by_date_time_and_name(tmp_path: Path) -> None:
    folder = create_folder(tmp_path / "deep" / "runs", "mine", "classic")
    assert re.fullmatch(r"\d{8}-\d{6}-mine", folder.name)
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoints", "evaluations"]
    assert name_of(folder) == "mine"
    assert run_folders(tmp_path / "deep" / "runs") == [folder]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "runs", tmp_path / ("a" * 300)):
        assert choose_name(place, None, "classic") == "classic"
        with pytest.raises(UserError, match=r"cannot make the run folder .*; choose another place with --runs-dir"):
            create_folder(place, "mine", "classic")


def test_only_run_folders_are_listed_oldest_first(tmp_path: Path) -> None:
    new = make_run(tmp_path, "a", "20260102-000000")
    old = make_run(tmp_path, "b", "20260101-000000")
    (tmp_path / "20260103-000000-file").write_text("")
    (tmp_path / "notes").mkdir()
    assert run_folders(tmp_path) == [old, new]
    assert run_folders(tmp_path / "absent") == []


# --- finding a model


def test_a_model_is_found_by_file_folder_name_and_folder_name(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "mine", files=("checkpoints/best.pt", "checkpoints/last.pt", "cnn_model.pth"))
    best = folder / "checkpoints" / "best.pt"
    for model in (str(best), str(folder), "mine", folder.name):
        assert find_model(model, tmp_path) == best
    assert find_model(str(folder / "cnn_model.pth"), tmp_path) == folder / "cnn_model.pth"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (("checkpoints/last.pt", "cnn_model.pth"), "checkpoints/last.pt"),
        (("cnn_model.pth",), "cnn_model.pth"),
    ],
)
def test_a_run_without_a_best_checkpoint_stands_for_its_last(
    tmp_path: Path, files: tuple[str, ...], found: str
) -> None:
    folder = make_run(tmp_path, "mine", files=files)
    assert find_model("mine", tmp_path) == folder / found


def test_the_newest_of_equal_names_is_meant(tmp_path: Path) -> None:
    make_run(tmp_path, "mine", "20260101-000000", ("cnn_model.pth",))
    newer = make_run(tmp_path, "mine", "20260102-000000", ("cnn_model.pth",))
    assert find_model("mine", tmp_path) == newer / "cnn_model.pth"


def test_a_run_without_a_model_says_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "mine")
    with pytest.raises(ModelFileError, match=f"{folder} holds no checkpoint and no cnn_model.pth"):
        find_model("mine", tmp_path)


def test_an_unknown_model_names_the_newest_runs(tmp_path: Path) -> None:
    for day in range(1, 8):
        make_run(tmp_path, f"run{day}", f"2026010{day}-000000")
    with pytest.raises(ModelFileError, match=r"called nope: the newest runs in .* are run3, run4, run5, run6, run7$"):
        find_model("nope", tmp_path)
    with pytest.raises(ModelFileError, match="are none"):
        find_model("nope", tmp_path / "absent")


@pytest.mark.parametrize("model", ["", "a" * 5000, "a\0b", "~nobody-of-this-name/model.pth", "[/x]", "/dev/null/x"])
def test_an_impossible_model_is_one_sentence(tmp_path: Path, model: str) -> None:
    with pytest.raises(ModelFileError, match=r"there is no file and no run called|holds no checkpoint"):
        find_model(model, tmp_path)


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.pth").write_bytes(b"model")
    assert find_model("~/a.pth", tmp_path) == tmp_path / "a.pth"


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
    assert as_record(event) == {"event": "HyperparametersApplied", "step": 5, "changes": {"dropout": [0.0, 0.5]}}


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
    assert [line["event"] for line in lines_of(folder)] == ["Paused"]


def test_a_disk_full_from_the_start_is_a_users_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UserError, match=f"cannot write to {folder}: No space left on device; .*--runs-dir"):
        Recorder(folder, {})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_run_file_reads_as_empty(folder: Path, content: bytes) -> None:
    assert read_run(folder) == {}
    (folder / "run.json").write_bytes(content)
    assert read_run(folder) == {}
