"""Which run is meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mnist_tui.core.errors import UsageError
from mnist_tui.core.owner import claim
from mnist_tui.core.runs import find_run
from mnist_tui.core.which import newest_run


def make(runs: Path, folder: str, status: str = "running") -> Path:
    (runs / folder).mkdir(parents=True)
    (runs / folder / "run.json").write_text(json.dumps({"status": status}))
    return runs / folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for folder in ("20260101-120000-classic", "20260102-120000-classic-2", "20260103-120000-mine"):
        make(tmp_path / "runs", folder)
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("word", "folder"),
    [("classic", "20260101-120000-classic"), ("20260102-120000-classic-2", "20260102-120000-classic-2")],
)
def test_a_run_is_found_by_its_name_and_its_folder(runs: Path, word: str, folder: str) -> None:
    assert find_run(word, runs) == runs / folder


def test_a_run_is_found_by_a_path(runs: Path, tmp_path: Path) -> None:
    elsewhere = (runs / "20260103-120000-mine").rename(tmp_path / "copy")
    assert find_run(str(elsewhere), runs) == elsewhere


@pytest.mark.parametrize("word", ["", "absent", "[/bold]", "a\0b", "x" * 5000])
def test_a_word_that_means_none_is_refused_with_the_newest(runs: Path, word: str) -> None:
    with pytest.raises(UsageError, match=r"are mine, classic-2, classic|did you mean mine"):
        find_run(word, runs)


def test_any_other_folder_is_no_run(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither run\.json nor metrics\.jsonl"):
        find_run(str(tmp_path), runs)


def test_the_newest_that_is_trained_comes_before_newer_ones(runs: Path) -> None:
    assert newest_run(runs) == (runs / "20260103-120000-mine", False)
    held = claim(runs / "20260101-120000-classic")
    assert newest_run(runs) == (runs / "20260101-120000-classic", True)
    held.release()
    assert newest_run(runs)[1] is False


def test_an_impossible_status_is_no_end(runs: Path) -> None:
    (runs / "20260103-120000-mine" / "run.json").write_text('{"status": []}')
    held = claim(runs / "20260103-120000-mine")
    assert newest_run(runs)[1] is True
    held.release()


def test_no_run_at_all_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run in"):
        newest_run(tmp_path / "absent")
