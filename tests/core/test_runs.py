import json
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mnist_tui.core.errors import ModelFileError, UsageError, UserError
from mnist_tui.core.runs import (
    choose_name,
    create_folder,
    find_model,
    find_run,
    name_of,
    read_run,
    run_folders,
)


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
    with pytest.raises(ModelFileError, match=r"called 'nope': the newest runs in .* are run7, run6, run5, run4, run3$"):
        find_model("nope", tmp_path)
    with pytest.raises(ModelFileError, match=r"called 'rum7': did you mean run7\?$"):
        find_model("rum7", tmp_path)
    with pytest.raises(ModelFileError, match=r"called 'nope': .*absent holds no run$"):
        find_model("nope", tmp_path / "absent")


@pytest.mark.parametrize("model", ["", "a" * 5000, "a\0b", "~nobody-of-this-name/model.pth", "[/x]", "/dev/null/x"])
def test_an_impossible_model_is_one_sentence(tmp_path: Path, model: str) -> None:
    with pytest.raises(ModelFileError, match=r"there is no file and no run called|holds no checkpoint"):
        find_model(model, tmp_path)


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.pth").write_bytes(b"model")
    assert find_model("~/a.pth", tmp_path) == tmp_path / "a.pth"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return create_folder(tmp_path, "mine", "classic")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_run_file_reads_as_empty(folder: Path, content: bytes) -> None:
    assert read_run(folder) == {}
    (folder / "run.json").write_bytes(content)
    assert read_run(folder) == {}


# --- RUN on the command line


def test_a_run_is_found_by_name_folder_name_and_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make_run(tmp_path, "mine", "20260101-000000")
    new = make_run(tmp_path, "mine", "20260102-000000")
    elsewhere = make_run(tmp_path / "other", "away", files=("run.json",))
    assert find_run("mine", tmp_path) == new
    assert find_run(old.name, tmp_path) == old
    assert find_run(str(elsewhere), tmp_path) == elsewhere
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    make_run(tmp_path, "data")
    assert find_run("data", tmp_path).name == "20260101-000000-data"  # a folder that is no run hides none


def test_a_run_that_is_not_there_suggests_others(tmp_path: Path) -> None:
    for place, name in enumerate(("classic", "classic-2", "wide")):
        make_run(tmp_path, name, f"2026010{place + 1}-000000")
    with pytest.raises(UserError, match=r"no run called 'clasic': did you mean classic or classic-2\?"):
        find_run("clasic", tmp_path)
    with pytest.raises(UserError, match=r"no run called '\[/b\]': the newest runs in .* are wide, classic-2, classic"):
        find_run("[/b]", tmp_path)
    with pytest.raises(UserError, match=r"no run called 'mine': .*absent holds no run"):
        find_run("mine", tmp_path / "absent")
    with pytest.raises(UserError, match=r"is no run.s folder: it holds neither"):
        find_run(str(tmp_path), tmp_path)
    for impossible in ("", "a\0b", "x" * 5000):
        with pytest.raises(UserError):
            find_run(impossible, tmp_path / "absent")
