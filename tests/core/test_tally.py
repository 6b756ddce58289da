"""The figures of a run that `run.json` keeps."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mnist_tui.core.events import (
    BatchesTrained,
    EpochFinished,
    Evaluated,
    Event,
    Paused,
    Resumed,
    Rewound,
    RunContinued,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.recorder import Recorder
from mnist_tui.core.replay import Replay
from mnist_tui.core.runs import read_run
from mnist_tui.core.tally import Tally, as_number
from tests.runfiles import STEPS, epoch_of, facts_of, record_run


def told(*events: Event) -> Tally:
    tally = Tally()
    for event in events:
        tally.apply(event)
    return tally


def test_it_is_what_the_newest_events_say() -> None:
    tally = told(*epoch_of(1, 2.0), *epoch_of(2, 0.1))
    assert (tally.step, tally.epochs, tally.seconds, tally.test_step) == (2 * STEPS, 2, 6.0, 2 * STEPS)
    best = told(*epoch_of(1, 2.0)).test_accuracy
    assert tally.best_test_accuracy == best
    assert tally.test_accuracy is not None
    assert best is not None
    assert tally.test_accuracy < best


def test_validations_are_no_tests_and_no_number_is_no_figure() -> None:
    tally = told(
        BatchesTrained(1, 1, 64, (math.nan,), (5,), 64, 0.1),
        Evaluated(1, 1, "validation", 0.5, 0.9, b"", 0.1),
        Evaluated(1, 1, "test", math.inf, 0.1, b"", 0.1),
    )
    assert (tally.loss, tally.test_loss, tally.test_accuracy, tally.best_test_accuracy) == (None, None, 0.1, 0.1)


def test_what_was_undone_is_in_force_no_more_but_was_the_best() -> None:
    rewound = Rewound(2 * STEPS, STEPS + 5, 1, 1, Hyperparameters(), 2, 1, 64 * (STEPS + 5), 3.25)
    tally = told(*epoch_of(1, 0.5), *epoch_of(2, 1.0), rewound)
    first = told(*epoch_of(1, 0.5))
    assert (tally.step, tally.epochs, tally.seconds) == (STEPS + 5, 1, 3.25)
    assert (tally.test_step, tally.test_accuracy) == (STEPS, first.test_accuracy)
    assert tally.best_test_accuracy == told(*epoch_of(2, 1.0)).test_accuracy
    tally.apply(Rewound(STEPS + 5, 3, 2, 2, Hyperparameters(), 1, 0, 192, 0.1))
    assert (tally.test_step, tally.test_accuracy, tally.test_loss) == (0, None, None)


def test_it_is_paused_until_a_batch_or_the_end_of_the_pause() -> None:
    batch = BatchesTrained(1, 1, 64, (0.5,), (5,), 64, 0.1)
    assert told(batch, Paused(1)).paused
    assert not told(Paused(1), Resumed(1)).paused
    assert not told(Paused(0), batch).paused
    assert not told(Paused(0), RunContinued("mine", "runs/mine", 0, Hyperparameters(), "cpu", 100, 10)).paused


@pytest.mark.parametrize("last", [(), (Paused(STEPS),)])
def test_values_read_back_are_the_same(last: tuple[Event, ...]) -> None:
    tally = told(*epoch_of(1, 1.0), *last)
    assert Tally.from_values(json.loads(json.dumps(tally.as_values()))) == tally


@pytest.mark.parametrize(
    "values",
    [None, 3, [], {}, {"step": 1}, {**Tally().as_values(), "step": -1}, {**Tally().as_values(), "bytes": "9"}],
)
def test_values_of_another_kind_are_none(values: Any) -> None:
    assert Tally.from_values(values) is None


def test_only_finite_numbers_are_numbers() -> None:
    assert [as_number(value) for value in (True, "1", None, math.nan, math.inf, 10**400)] == [None] * 6
    assert (as_number(2), as_number(0.5)) == (2, 0.5)


# --- what the recorder makes of it


def test_the_figures_and_the_rest_of_the_metrics_make_the_whole(tmp_path: Path) -> None:
    rest = BatchesTrained(2 * STEPS + 1, 3, 64, (0.7, 0.6), (50, 51), 0, 0.25)
    folder = record_run(tmp_path, "mine", epochs=2, status=None, events=(rest,))
    figures = Tally.from_values(read_run(folder)["figures"])
    assert figures is not None
    assert (figures.step, figures.epochs) == (2 * STEPS, 2)
    events = Replay(folder, figures.bytes).read()
    assert events == [rest]
    figures.apply(rest)
    whole = told(*Replay(folder).read())
    figures.bytes = whole.bytes
    assert figures == whole


def test_a_run_that_is_continued_counts_on(tmp_path: Path) -> None:
    folder = record_run(tmp_path, "mine", epochs=1, status=None)
    recorder = Recorder(folder, read_run(folder))
    recorder.record(EpochFinished(2, 2 * STEPS, 3.0))
    recorder.record(Evaluated(2 * STEPS, 2, "test", 9.0, 0.1, b"", 0.1))
    recorder.close()
    figures = Tally.from_values(read_run(folder)["figures"])
    assert figures is not None
    assert (figures.epochs, figures.test_accuracy, figures.seconds) == (2, 0.1, 3.0)
    assert figures.best_test_accuracy == told(*epoch_of(1, 1.0)).test_accuracy


def test_a_new_run_has_no_figures(tmp_path: Path) -> None:
    Recorder(tmp_path, facts_of(tmp_path, "mine", Hyperparameters()))
    assert "figures" not in read_run(tmp_path)
