"""The commands `runs` and `compare`, from words to exit code."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnist_tui.cli import main
from mnist_tui.core.dataset import find
from mnist_tui.core.events import Paused
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.render.palette import DARK
from tests.core.test_comparison import logits_of
from tests.runfiles import STEPS, own, record_run, wall_of_runs
from tests.test_imports import HEAVY, loaded_by

KEYS = (
    *("run", "name", "state", "steps", "epochs", "test_accuracy", "best_test_accuracy", "test_loss", "started"),
    *("seconds", "dataset", "preset", "device", "folder", "hyperparameters"),
)
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    def run(*words: str) -> tuple[int, str, str]:
        place = () if "--runs-dir" in words else ("--runs-dir", str(tmp_path))
        code = main([*words, *place])
        out, err = capsys.readouterr()
        return code, out, err

    return run


# --- runs


def test_the_list_as_json_has_every_run(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_tui.core.catalogue.OBSERVED_SECONDS", 0.2)
    folders = wall_of_runs(tmp_path)
    code, out, err = call("runs", "--json")
    assert (code, err) == (0, "")
    entries: list[dict[str, Any]] = json.loads(out)
    assert [entry["folder"] for entry in entries] == [str(folder) for folder in reversed(folders)]
    states = {entry["name"]: entry["state"] for entry in entries}
    assert states == {
        "live": "stalled",
        "empty": "damaged",
        "stopped": "stopped",
        "crashed": "crashed",
        "narrow-sgd": "finished",
        "classic": "finished",
    }
    for entry in entries:
        assert set(KEYS) <= set(entry)


def test_in_a_pipe_the_list_is_plain_lines(call: Call, tmp_path: Path) -> None:
    record_run(tmp_path, "mine")
    code, out, err = call("runs")
    assert (code, err) == (0, "")
    titles, line = out.splitlines()
    assert titles.split()[:3] == ["run", "state", "epochs"]
    assert line.split()[:4] == ["mine", "finished", "4/4", "240"]
    assert out.isascii()


def test_a_live_run_that_waits_is_called_paused(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own(record_run(tmp_path, "mine", epochs=1, status=None, events=(Paused(STEPS),)))
    _, line = call("runs")[1].splitlines()
    assert line.split()[:2] == ["mine", "paused"]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLORTERM", "truecolor")
    _, line = call("runs")[1].splitlines()
    amber = ";".join(str(int(DARK.warning[at : at + 2], 16)) for at in (1, 3, 5))
    assert f"38;2;{amber}m‖ paused" in line


def test_on_a_terminal_the_list_fits_it(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wall_of_runs(tmp_path)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("mnist_tui.core.catalogue.OBSERVED_SECONDS", 0)
    monkeypatch.setenv("COLUMNS", "70")
    code, out, _ = call("runs")
    assert code == 0
    lines = re.sub(r"\x1b\[[\d;]*m", "", out).splitlines()
    assert len(lines) == 7
    assert all(len(line) <= 70 for line in lines)
    assert "✓ finished" in out


@pytest.mark.parametrize("place", ["absent", "empty"])
def test_no_run_is_one_sentence_and_no_failure(call: Call, tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    where = str(tmp_path / place)
    assert call("runs", "--runs-dir", where) == (
        0,
        f"{where} holds no run: begin one with mnist-tui or mnist-tui train\n",
        "",
    )
    assert call("runs", "--runs-dir", where, "--json") == (0, "[]\n", "")


def test_torch_and_the_screen_are_not_loaded_for_it(tmp_path: Path) -> None:
    record_run(tmp_path, "a", logits=bytes(40))
    record_run(tmp_path, "b", logits=bytes(40))
    words = [["runs"], ["compare", "a", "b"]]
    code = f"from mnist_tui.cli import main\nfor words in {words!r}: main([*words, '--runs-dir', {str(tmp_path)!r}])"
    assert not loaded_by(code) & (HEAVY - {"numpy"} | {"textual"})


# --- compare


@pytest.fixture(scope="module")
def labels() -> list[int]:
    return list(find("mnist").load_test().labels)


def test_two_runs_are_compared(call: Call, tmp_path: Path, labels: list[int]) -> None:
    wrong = {index: 1 + index / 10 for index in range(25)}
    record_run(tmp_path, "old", logits=logits_of(labels, wrong))
    record_run(
        tmp_path, "new", logits=logits_of(labels, {99: 2.0}), hyperparameters=Hyperparameters(epochs=4, dropout=0.5)
    )
    code, out, err = call("compare", "old", "new", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["settings"] == {"dropout": ["0", "0.5"]}
    digits = report["digits"]
    assert (digits["both_right"], digits["both_wrong"]) == (9974, 0)
    assert [change["index"] for change in digits["fixed"]] == list(reversed(range(25)))
    assert [change["index"] for change in digits["broken"]] == [99]
    assert digits["wrong_in_both"] == []
    assert (report["a"]["name"], report["b"]["state"], report["why_not"]) == ("old", "finished", "")
    code, out, err = call("compare", "old", "new")
    assert (code, err) == (0, "")
    assert (
        "digits, by the newest evaluation of each: 9974 right in both, 25 fixed by new, 1 broken by it, 0 wrong in both"
        in out
    )
    assert "fixed by new, the first 20 (the rest with --json):" in out
    assert "dropout" in out
    fixed, broken = out.split("fixed by new, the")[1].split("broken by new")
    assert len(fixed.strip().splitlines()) == 22
    assert f"{99:>7}  {labels[99]:>4}" in broken


def test_what_cannot_be_compared_says_why_and_the_rest_is_shown(call: Call, tmp_path: Path) -> None:
    record_run(tmp_path, "a")
    record_run(tmp_path, "b", dataset="fashion")
    code, out, err = call("compare", "a", "b")
    assert (code, err) == (0, "")
    assert "digits: their digits are not the same: a was trained on mnist, b on fashion" in out
    assert json.loads(call("compare", "a", "b", "--json")[1])["digits"] is None


def test_a_run_is_not_compared_with_itself(call: Call, tmp_path: Path) -> None:
    folder = record_run(tmp_path, "a")
    code, out, err = call("compare", "a", folder.name)
    assert (code, out) == (2, "")
    assert err.endswith("are one run: compare it with another\n")


def test_runs_of_one_name_are_told_by_their_folders(call: Call, tmp_path: Path) -> None:
    record_run(tmp_path, "a")
    record_run(tmp_path, "a", stamp="20250101-000000")
    _, out, _ = call("compare", "a", "20250101-000000-a")
    assert out.splitlines()[0].split() == ["20260102-030405-a", "20250101-000000-a"]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("a", "nobody"), 2, "there is no run called 'nobody': the newest runs in"),
        (("a", "ab"), 2, "there is no run called 'ab': did you mean"),
        (("a", "empty"), 1, "empty cannot be compared: it has no run.json"),
        (("a",), 2, "B"),
    ],
)
def test_a_mistake_is_one_sentence(
    call: Call, tmp_path: Path, words: tuple[str, ...], code: int, sentence: str
) -> None:
    record_run(tmp_path, "a")
    (tmp_path / "20260101-000000-empty").mkdir()
    result, out, err = call("compare", *words)
    assert (result, out, err.count("\n")) == (code, "", 1)
    assert sentence in err
