"""Two runs beside each other: settings and digits."""

import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from mnist_tui.core.catalogue import Catalogue, RunEntry
from mnist_tui.core.comparison import (
    Difference,
    compare_digits,
    differences_of,
    live_changes,
    newest_test,
)
from mnist_tui.core.curves import CurveReader
from mnist_tui.core.dataset import find
from mnist_tui.core.errors import UserError
from mnist_tui.core.events import HyperparametersApplied, Rewound
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.runs import read_run
from tests.datafiles import write_idx
from tests.runfiles import STEPS, epoch_of, record_run

TEST = 6
START = Hyperparameters()


@pytest.fixture
def labels(tmp_path: Path) -> list[int]:
    write_idx(tmp_path / "data", train=10, test=TEST)
    return list(find("mnist", tmp_path / "data").load_test().labels)


def logits_of(labels: list[int], wrong: dict[int, float]) -> bytes:
    """Logits that are right but at the indices of `wrong`, where the next digit leads by so much."""
    table = np.zeros((len(labels), 10), dtype=np.float32)
    for index, label in enumerate(labels):
        table[index, (label + (index in wrong)) % 10] = wrong.get(index, 3.0)
    return table.tobytes()


def entry_of(tmp_path: Path, name: str, **more: Any) -> RunEntry:
    more = {"data_dir": str(tmp_path / "data"), **more}
    folder = record_run(tmp_path / "runs", name, **more)
    (entry,) = Catalogue(tmp_path, [folder]).look()
    return entry


def test_digits_are_counted_and_ranked_by_the_mistake(tmp_path: Path, labels: list[int]) -> None:
    a = entry_of(tmp_path, "a", logits=logits_of(labels, {0: 1.0, 1: 5.0, 2: 2.0}))
    b = entry_of(tmp_path, "b", logits=logits_of(labels, {2: 1.0, 4: 2.0}))
    verdicts = compare_digits(a, b)
    assert (verdicts.both_right, verdicts.both_wrong) == (2, 1)
    assert [change.index for change in verdicts.fixed] == [1, 0]
    assert [change.index for change in verdicts.broken] == [4]
    assert verdicts.wrong_in_both == [2]
    worst = verdicts.fixed[0]
    assert (worst.true, worst.a, worst.b) == (labels[1], (labels[1] + 1) % 10, labels[1])
    assert worst.a_confidence == pytest.approx(np.exp(5) / (np.exp(5) + 9))
    assert worst.b_confidence == pytest.approx(np.exp(3) / (np.exp(3) + 9))


def test_the_newest_evaluation_in_force_counts(tmp_path: Path, labels: list[int]) -> None:
    rewound = Rewound(3 * STEPS, STEPS, 1, 1, START, 1, 1, 64 * STEPS, 3.0)
    folder = record_run(tmp_path, "mine", epochs=3, status="stopped", events=(rewound,))
    newest = newest_test(folder)
    assert newest is not None
    assert newest.step == STEPS
    assert newest_test(tmp_path / "absent") is None


def test_other_data_is_not_compared(tmp_path: Path, labels: list[int]) -> None:
    right = logits_of(labels, {})
    write_idx(tmp_path / "other", train=10, test=TEST, seed=1)
    a = entry_of(tmp_path, "a", logits=right)
    fashion = entry_of(tmp_path, "b", dataset="fashion")
    with pytest.raises(UserError, match="not the same: a was trained on mnist, b on fashion"):
        compare_digits(a, fashion)
    with pytest.raises(UserError, match="come from different folders"):
        compare_digits(a, entry_of(tmp_path, "c", logits=right, data_dir=str(tmp_path / "other")))
    write_idx(tmp_path / "copy", train=10, test=TEST)
    assert compare_digits(a, entry_of(tmp_path, "d", logits=right, data_dir=str(tmp_path / "copy"))).both_right == TEST


def test_an_evaluation_that_is_missing_or_misfits_says_so(tmp_path: Path, labels: list[int]) -> None:
    a = entry_of(tmp_path, "a", logits=logits_of(labels, {}))
    with pytest.raises(UserError, match="b has no evaluation of the test set"):
        compare_digits(a, entry_of(tmp_path, "b", epochs=0, status="stopped"))
    damaged = entry_of(tmp_path, "c", logits=logits_of(labels, {}))
    for path in (damaged.folder / "evaluations").iterdir():
        path.write_bytes(b"PK")
    with pytest.raises(UserError, match="c has no evaluation of the test set"):
        compare_digits(damaged, a)
    with pytest.raises(UserError, match=f"d does not fit mnist: 1 predictions for {TEST} labels"):
        compare_digits(a, entry_of(tmp_path, "d", logits=bytes(40)))
    with pytest.raises(UserError, match="no data set 'cats'"):
        compare_digits(*[entry_of(tmp_path, name, dataset="cats") for name in ("e", "f")])


def test_settings_that_differ_are_in_words(tmp_path: Path) -> None:
    a = entry_of(tmp_path, "a")
    faster = attrs.evolve(Hyperparameters(epochs=4), learning_rate=0.01, optimizer="sgd")
    b = entry_of(tmp_path, "b", hyperparameters=faster, threads=4, versions={"torch": "9\x07", "x": [1]}, validation=5)
    assert differences_of(a, b) == [
        Difference("learning rate", "0.001", "0.01"),
        Difference("optimizer", "adam", "sgd"),
        Difference("validation", "0", "5"),
        Difference("threads", "2", "4"),
        Difference("mnist_tui version", "0.1.0", "-"),
        Difference("torch version", "2.15.0", "9?"),
        Difference("python version", "3.11.7", "-"),
        Difference("x version", "-", "[1]"),
    ]
    assert differences_of(a, a) == []


def test_live_changes_are_told_in_order(tmp_path: Path) -> None:
    edited = HyperparametersApplied(61, START, attrs.evolve(START, learning_rate=0.5, dropout=0.25), 1)
    rewound = Rewound(70, 60, 1, 1, START, 2, 1, 3840, 3.0)
    folder = entry_of(tmp_path, "a", epochs=1, status="stopped", events=(edited, rewound)).folder
    (entry,) = Catalogue(tmp_path, [folder]).look()
    assert live_changes(entry) == [
        "step 61: learning rate 0.001 > 0.5, dropout 0 > 0.25",
        "step 70: back to step 60",
    ]


@pytest.mark.parametrize(
    "changes", [7, {}, [3], [{"changes": []}], [{"changes": {"dropout": 1, "cats": [1, 2]}}], [{"event": "Rewound"}]]
)
def test_hostile_changes_are_passed_over(tmp_path: Path, changes: object) -> None:
    folder = entry_of(tmp_path, "a").folder
    (folder / "run.json").write_text(json.dumps({**read_run(folder), "changes": changes}))
    (entry,) = Catalogue(tmp_path, [folder]).look()
    assert all("cats" not in words for words in live_changes(entry))


# --- curves


def test_the_curves_are_those_in_force_and_grow(tmp_path: Path) -> None:
    rewound = Rewound(2 * STEPS, STEPS, 1, 1, START, 1, 1, 64 * STEPS, 3.0)
    folder = record_run(tmp_path, "mine", epochs=2, status=None, events=(rewound,))
    reader = CurveReader(folder)
    curves = reader.read()
    assert [step for step, _ in curves.of("test accuracy")] == [STEPS]
    assert curves.of("test loss")[0][1] == pytest.approx(3 * (1 - curves.of("test accuracy")[0][1]))
    assert curves.of("training loss")[-1][0] == STEPS
    assert reader.read() is curves
    from mnist_tui.core.recorder import Recorder

    recorder = Recorder(folder, {})
    for event in epoch_of(2, 1.0):
        recorder.record(event)
    assert [step for step, _ in reader.read().of("test accuracy")] == [STEPS, 2 * STEPS]


def test_a_run_without_metrics_has_no_curves(tmp_path: Path) -> None:
    curves = CurveReader(tmp_path).read()
    assert not any((curves.test_accuracy, curves.test_loss, curves.training_loss))
