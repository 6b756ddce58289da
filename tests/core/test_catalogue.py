"""Runs told by their files alone: states, figures, damage, and what a second look costs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from mnist_tui.core import catalogue as module
from mnist_tui.core.catalogue import OBSERVED_SECONDS, Catalogue, RunEntry
from mnist_tui.core.events import BatchesTrained, Paused, Resumed, RunFailed
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.owner import OWNER_FILE, STALE_SECONDS, Owner, Pulses, read_owner, runs_here
from mnist_tui.core.recorder import as_record, to_json
from mnist_tui.core.runs import read_run
from tests.runfiles import STEPS, own, own_elsewhere, record_run

MORE = BatchesTrained(STEPS + 1, 2, 64, (0.7, 0.6), (50, 51), 64 * STEPS + 128, 0.25)


def only(runs_dir: Path) -> RunEntry:
    (entry,) = Catalogue(runs_dir).look()
    return entry


def append(folder: Path, line: str) -> None:
    with open(folder / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write(line)


# --- what is told


def test_a_finished_run_is_told_in_full(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    entry = only(tmp_path).as_json()
    accuracy = entry.pop("test_accuracy")
    assert 0.97 < accuracy < 0.99
    assert entry.pop("best_test_accuracy") == accuracy
    assert entry.pop("test_loss") == pytest.approx(3 * (1 - accuracy))
    assert entry.pop("loss") < 0.1
    assert entry == {
        "run": folder.name,
        "name": "mine",
        "state": "finished",
        "paused": False,
        "steps": 4 * STEPS,
        "epochs": 4,
        "epochs_planned": 4,
        "started": "2026-01-02T03:04:05+0000",
        "seconds": 12.0,
        "dataset": "mnist",
        "preset": "classic",
        "device": "cpu",
        "folder": str(folder),
        "hyperparameters": attrs.asdict(Hyperparameters(epochs=4)),
        "owner": "",
        "notes": "",
        "problem": "",
    }


def test_an_ended_run_is_told_without_its_metrics(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    before = only(tmp_path)
    (folder / "metrics.jsonl").unlink()
    assert only(tmp_path) == before


def test_a_run_of_an_older_version_is_read_from_its_metrics(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    before = only(tmp_path).tally
    facts = read_run(folder)
    del facts["figures"]
    (folder / "run.json").write_text(json.dumps(facts))
    assert attrs.evolve(only(tmp_path).tally, bytes=before.bytes) == before


def test_the_newest_run_is_first(tmp_path: Path) -> None:
    record_run(tmp_path, "a", stamp="20260101-000000")
    record_run(tmp_path, "b", stamp="20260103-000000")
    record_run(tmp_path, "c", stamp="20260102-000000")
    assert [entry.name for entry in Catalogue(tmp_path).look()] == ["b", "c", "a"]


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    record_run(tmp_path, "mine", epochs=1, status=None, events=(RunFailed("the disk [b]burnt"),))
    entry = only(tmp_path)
    assert (entry.state, entry.problem, entry.tally.epochs) == ("failed", "the disk [b]burnt", 1)


# --- who lives


def test_a_run_whose_process_is_here_is_live(tmp_path: Path) -> None:
    owner = own(record_run(tmp_path, "mine", epochs=1, status=None, events=(MORE,)))
    entry = only(tmp_path)
    assert (entry.state, entry.owner) == ("live", owner.words)
    assert (entry.tally.step, entry.tally.loss) == (STEPS + 2, 0.6)


def test_a_live_run_that_waits_is_told_apart(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", epochs=1, status=None, events=(MORE, Paused(STEPS + 2)))
    entry = only(tmp_path)
    assert (entry.state, entry.paused, entry.state_in_words) == ("crashed", False, "crashed"), "it waits for ever"
    own(folder)
    entry = only(tmp_path)
    assert (entry.state, entry.state_in_words, entry.as_json()["paused"]) == ("live", "paused", True)
    append(folder, to_json(as_record(Resumed(STEPS + 2))) + "\n")
    assert (only(tmp_path).state_in_words, only(tmp_path).paused) == ("live", False)


def test_a_run_without_an_owner_or_whose_owner_died_has_crashed(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", epochs=1, status=None)
    assert only(tmp_path).state == "crashed"
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    (folder / OWNER_FILE).write_text(json.dumps(attrs.asdict(attrs.evolve(own(folder), pid=process.pid))))
    assert only(tmp_path).state == "crashed"


def test_a_run_that_was_ended_is_not_live_whoever_owns_it(tmp_path: Path) -> None:
    own(record_run(tmp_path, "mine"))
    assert only(tmp_path).state == "finished"


def test_a_heart_that_stands_still_is_seen_by_one_who_goes_on_looking(tmp_path: Path) -> None:
    now = [0.0]
    folder = record_run(tmp_path, "mine", status=None)
    own_elsewhere(folder)
    catalogue = Catalogue(tmp_path, pulses=Pulses(lambda: now[0]))
    states = []
    for now[0] in (0.0, STALE_SECONDS - 0.1, STALE_SECONDS):
        states.append(catalogue.look()[0].state)
    own_elsewhere(folder, beat=4)
    states.append(catalogue.look()[0].state)
    assert states == ["live", "live", "stalled", "live"]


def test_one_look_watches_all_owners_elsewhere_at_the_same_time(tmp_path: Path) -> None:
    beating = record_run(tmp_path, "beating", stamp="20260103-000000", status=None)
    record_run(tmp_path, "done", stamp="20260102-000000")
    silent = record_run(tmp_path, "silent", stamp="20260101-000000", status=None)
    own_elsewhere(beating)
    own_elsewhere(silent)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            own_elsewhere(beating, beat=4)

    entries = Catalogue(tmp_path).look_once(wait)
    assert [entry.state for entry in entries] == ["live", "finished", "stalled"]
    assert sum(waited) == pytest.approx(OBSERVED_SECONDS)


def test_one_look_ends_when_every_heart_was_seen(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", status=None)
    own_elsewhere(folder)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        own_elsewhere(folder, beat=9)

    assert Catalogue(tmp_path).look_once(wait)[0].state == "live"
    assert len(waited) == 1


def test_one_look_waits_for_nobody_of_this_machine(tmp_path: Path) -> None:
    own(record_run(tmp_path, "mine", status=None))

    def never(seconds: float) -> None:
        raise AssertionError("waited")

    assert Catalogue(tmp_path).look_once(never)[0].state == "live"


def test_a_run_that_ends_while_it_is_watched_is_not_stalled(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", status=None)
    own_elsewhere(folder)

    def wait(seconds: float) -> None:
        facts = read_run(folder)
        (folder / "run.json").write_text(json.dumps({**facts, "status": "done", "longer": 1}))

    assert Catalogue(tmp_path).look_once(wait)[0].state == "finished"


# --- damage


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"status": 3}',
        b'{"status": []}',
        b'{"status": "happy"}',
        b'{"status": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_damaged_run_is_a_row_that_says_so(tmp_path: Path, text: bytes) -> None:
    folder = record_run(tmp_path, "mine")
    (folder / "run.json").write_bytes(text)
    entry = only(tmp_path)
    assert (entry.name, entry.state, entry.problem) == ("mine", "damaged", "its run.json is damaged")
    json.dumps(entry.as_json())


def test_an_empty_folder_is_a_row_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "20260101-000000-mine").mkdir()
    entry = only(tmp_path)
    assert (entry.name, entry.state, entry.problem) == ("mine", "damaged", "it has no run.json")


@pytest.mark.parametrize(
    "facts",
    [
        {"figures": {"step": "many"}},
        {"figures": 7, "hyperparameters": [1]},
        {"hyperparameters": {"learning_rate": "fast", "epochs": None, "optimizer": ["adam"], "width": 10**60}},
        {"dataset": 3, "preset": None, "device": ["cpu"], "started": {}, "error": 1, "changes": 5},
        {"device": "\x1b[31mred\x07", "preset": "a\nb", "started": "\u202e" * 500},
    ],
)
def test_hostile_facts_are_nothing_that_could_hurt(tmp_path: Path, facts: dict[str, Any]) -> None:
    folder = record_run(tmp_path, "mine")
    (folder / "run.json").write_text(json.dumps({**read_run(folder), **facts}))
    entry = only(tmp_path)
    assert entry.state == "finished"
    for word in (entry.dataset, entry.preset, entry.device, entry.started, entry.problem):
        assert word.isprintable()
        assert len(word) <= 200
    json.dumps(entry.as_json(), allow_nan=False)


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", epochs=1, status=None)
    append(folder, 'nonsense\n{"event":"BatchesTrained","first_step":"x"}\n{"event":"BatchesTr')
    assert only(tmp_path).tally.step == STEPS


def test_no_folder_and_a_file_in_its_place_hold_no_run(tmp_path: Path) -> None:
    assert Catalogue(tmp_path / "absent").look() == []
    (tmp_path / "file").write_text("")
    assert Catalogue(tmp_path / "file").look() == []


# --- looking again


def test_a_second_look_reads_only_what_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [record_run(tmp_path, f"r{n}", stamp=f"2026010{n}-000000") for n in range(1, 4)]
    catalogue = Catalogue(tmp_path)
    before = catalogue.look()
    read: list[Path] = []
    real = module._read

    def noted(folder: Path, stamps: tuple[object, ...]) -> Any:
        read.append(folder)
        return real(folder, stamps)

    monkeypatch.setattr(module, "_read", noted)
    assert all(new is old for new, old in zip(catalogue.look(), before, strict=True))
    assert read == []
    (folders[1] / "notes.txt").write_text("seen  \x1b it\n")
    assert [entry.notes for entry in catalogue.look()] == ["", "seen ? it", ""]
    assert read == [folders[1]]


def test_a_live_run_grows_from_look_to_look(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", epochs=1, status=None)
    own(folder)
    catalogue = Catalogue(tmp_path)
    first = catalogue.look()[0]
    record = {"event": "BatchesTrained", "first_step": STEPS + 1, "epoch": 2, "batch_size": 64, "losses": [0.5]}
    append(folder, json.dumps({**record, "correct": [9], "samples": 1, "seconds": 0.5}) + "\n")
    second = catalogue.look()[0]
    assert (first.tally.step, second.tally.step) == (STEPS, STEPS + 1)
    assert second.tally.seconds == first.tally.seconds + 0.5


def test_a_run_that_is_removed_is_left_out(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine")
    catalogue = Catalogue(tmp_path)
    assert len(catalogue.look()) == 1
    os.rename(folder, tmp_path / "elsewhere")
    assert catalogue.look() == []


def test_some_runs_alone_wherever_they_lie(tmp_path: Path) -> None:
    a, b = record_run(tmp_path / "x", "a"), record_run(tmp_path / "y", "b")
    assert [entry.name for entry in Catalogue(tmp_path, [b, a]).look()] == ["b", "a"]


def test_an_owner_of_this_machine_is_told_from_others() -> None:
    assert read_owner(Path("absent")) is None
    assert not runs_here(Owner("t", "h", "", 1, 1))
