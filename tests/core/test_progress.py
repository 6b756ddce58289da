import attrs
import pytest

from mnist_tui.core.dataset import find
from mnist_tui.core.events import (
    BatchesTrained,
    CheckpointSaved,
    DataLoaded,
    DownloadProgressed,
    EngineLoaded,
    EpochFinished,
    Evaluated,
    EvaluationBegan,
    Event,
    HyperparametersApplied,
    Paused,
    Resumed,
    Rewound,
    RunFailed,
    RunFinished,
    RunStarted,
    SaveFailed,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.progress import RATE_WINDOW_SECONDS, Progress
from tests.datafiles import cut

IMAGES = 6400
HYPERPARAMETERS = Hyperparameters(epochs=4)
STARTED = RunStarted("20260101-000000-a", "runs/20260101-000000-a", HYPERPARAMETERS, "cpu", IMAGES, 421_642)
EVALUATION_SECONDS = 0.5


def started() -> Progress:
    progress = Progress()
    progress.apply(STARTED)
    return progress


def batches(first: int, count: int, seconds: float, epoch: int = 1, size: int = 64) -> BatchesTrained:
    samples = size * (first + count - 1)
    return BatchesTrained(first, epoch, size, (1.0,) * count, (32,) * count, samples, seconds)


def test_the_phases_of_a_whole_life() -> None:
    progress = Progress()
    life: list[tuple[Event, str]] = [
        (DownloadProgressed("a.gz", 1, 4), "downloading"),
        (DataLoaded(find("mnist"), cut(1)), "loading torch"),
        (EngineLoaded("cpu", "", 2, "2.6", IMAGES), "ready"),
        (STARTED, "training"),
        (batches(1, 10, 1.0), "training"),
        (Paused(10), "paused"),
        (EvaluationBegan(10), "evaluating"),
        (Evaluated(10, 1, "test", 0.5, 0.9, b"", 0.1), "training"),
        (Paused(10), "paused"),
        (Resumed(10), "training"),
        (EpochFinished(1, 100, 9.0), "training"),
        (SaveFailed(100, "cannot save"), "training"),
        (CheckpointSaved(100, "last", "runs/a/checkpoints/last.pt"), "training"),
        (RunFinished("stopped", 100, 1, 12.0), "stopped"),
        (STARTED, "training"),
        (RunFinished("done", 400, 4, 48.0), "done"),
        (STARTED, "training"),
        (RunFailed("it broke", "Traceback"), "failed"),
    ]
    assert progress.phase == "loading data"
    for event, phase in life:
        progress.apply(event)
        assert progress.phase == phase, event
        assert progress.active == (phase in {"training", "paused", "evaluating"})
        assert progress.over == (phase in {"stopped", "done", "failed"})
    assert (progress.error, progress.details) == ("it broke", "Traceback")


def test_a_single_step_out_of_a_pause_is_training() -> None:
    progress = started()
    progress.apply(Paused(1))
    progress.apply(batches(2, 1, 0.1))
    assert progress.phase == "training"


def test_facts_come_from_their_events() -> None:
    progress = Progress()
    progress.apply(EngineLoaded("cuda:0", "NVIDIA H100", 8, "2.6", IMAGES, "a notice"))
    assert (progress.device, progress.device_name, progress.threads) == ("cuda:0", "NVIDIA H100", 8)
    assert (progress.train_size, progress.notice) == (IMAGES, "a notice")
    progress.apply(STARTED)
    assert (progress.run, progress.folder, progress.parameters) == (STARTED.run, STARTED.folder, 421_642)
    progress.apply(batches(1, 3, 1.0))
    assert (progress.step, progress.epoch, progress.samples) == (3, 1, 192)
    progress.apply(CheckpointSaved(3, "best", "b.pt"))
    progress.apply(CheckpointSaved(3, "last", "l.pt"))
    assert progress.checkpoints == {"best": "b.pt", "last": "l.pt"}
    progress.apply(SaveFailed(3, "cannot save"))
    assert progress.notice == "cannot save"


def test_a_download_of_unknown_length_shows_no_share() -> None:
    progress = Progress()
    progress.apply(DownloadProgressed("a.gz", 10, 0))
    assert progress.notice == "downloading a.gz"
    progress.apply(DownloadProgressed("a.gz", 10, 40))
    assert progress.notice == "downloading a.gz 25%"


def test_accuracies_are_of_the_test_split_and_the_best_is_kept() -> None:
    progress = started()
    for split, accuracy in (("test", 0.9), ("test", 0.95), ("validation", 0.99), ("test", 0.93)):
        progress.apply(Evaluated(1, 1, split, 1 - accuracy, accuracy, b"", 0.1))  # type: ignore[arg-type]
    assert (progress.test_accuracy, progress.best_test_accuracy) == (0.93, 0.95)
    assert progress.test_loss == pytest.approx(0.07)


def test_the_confirmed_hyperparameters_are_shown() -> None:
    progress = started()
    new = attrs.evolve(HYPERPARAMETERS, learning_rate=0.5)
    progress.apply(HyperparametersApplied(1, HYPERPARAMETERS, new))
    assert progress.hyperparameters == new


def test_a_new_run_begins_from_nothing() -> None:
    progress = started()
    progress.apply(batches(1, 100, 5.0))
    progress.apply(Evaluated(100, 1, "test", 0.1, 0.9, b"", 0.1))
    progress.apply(CheckpointSaved(100, "last", "l.pt"))
    progress.apply(RunFailed("it broke", "Traceback"))
    progress.apply(STARTED)
    assert attrs_of(progress) == attrs_of(started())


def attrs_of(progress: Progress) -> dict[str, object]:
    return {name: value for name, value in vars(progress).items() if not name.startswith("_")}


def test_nothing_is_promised_before_the_first_batch() -> None:
    for progress in (Progress(), started()):
        assert progress.images_per_second is None
        assert progress.seconds_left is None
    assert Progress().planned_steps is None


def test_the_first_batches_are_no_part_of_the_rate() -> None:
    progress = started()
    progress.apply(batches(1, 1, 10.0))
    assert progress.images_per_second == pytest.approx(6.4)  # nothing better is known
    progress.apply(batches(2, 10, 0.1))
    assert progress.images_per_second == pytest.approx(6400)
    assert progress.train_seconds == pytest.approx(10.1)


def test_the_rate_forgets_what_is_longer_ago_than_its_window() -> None:
    progress = started()
    progress.apply(batches(1, 1, 1.0))
    progress.apply(batches(2, 10, RATE_WINDOW_SECONDS / 2))
    for first in range(12, 12 + 400, 10):
        progress.apply(batches(first, 10, RATE_WINDOW_SECONDS / 20))
    assert progress.images_per_second == pytest.approx(640 / (RATE_WINDOW_SECONDS / 20))


def test_the_time_left_is_right_all_along_a_steady_run() -> None:
    """20 batches a second, slow first batches, half a second an evaluation."""
    progress = started()
    steps, second = 400, 1 / 20
    for step in range(1, steps + 1):
        epoch = (step - 1) // 100 + 1
        progress.apply(batches(step, 1, 2.0 if step == 1 else second, epoch))
        if step % 100 == 0:
            progress.apply(EpochFinished(epoch, step, 100 * second))
            progress.apply(EvaluationBegan(step))
            progress.apply(Evaluated(step, epoch, "test", 0.1, 0.9, b"", EVALUATION_SECONDS))
        truth = (steps - step) * second + (4 - step // 100) * EVALUATION_SECONDS
        left = progress.seconds_left
        assert left is not None
        if step >= 100:
            assert left == pytest.approx(truth, abs=1e-6)
        elif step >= 3:
            assert left == pytest.approx(truth, rel=0.1)
    assert progress.seconds_left == pytest.approx(0)


def test_planned_steps_count_whole_epochs() -> None:
    progress = Progress()
    progress.apply(attrs.evolve(STARTED, samples_per_epoch=6401))
    assert progress.planned_steps == 4 * 101
    progress.apply(batches(1, 100, 1.0))
    assert progress.planned_steps == 4 * 101


def test_planned_steps_follow_a_live_batch_size_and_live_epochs() -> None:
    progress = started()
    progress.apply(batches(1, 50, 1.0))
    assert progress.planned_steps == 400
    bigger = attrs.evolve(HYPERPARAMETERS, batch_size=128)
    progress.apply(HyperparametersApplied(51, HYPERPARAMETERS, bigger))
    assert progress.planned_steps == 50 + 25 + 3 * 50
    progress.apply(HyperparametersApplied(51, bigger, attrs.evolve(bigger, epochs=2)))
    assert progress.planned_steps == 50 + 25 + 50
    progress.apply(HyperparametersApplied(51, bigger, attrs.evolve(bigger, epochs=1)))
    assert progress.planned_steps == 75
    progress.apply(batches(150, 1, 1.0, epoch=2))
    assert progress.planned_steps == 150 + 25  # the epoch under way is finished, however few are wanted


def test_a_farewell_says_at_which_step_was_evaluated_and_names_what_came_after() -> None:
    progress = started()
    progress.apply(batches(1, 1, 0.1))
    progress.apply(Evaluated(1, 1, "test", 0.1, 0.9, b"", 0.1))
    progress.apply(CheckpointSaved(1, "last", "runs/a/checkpoints/last.pt"))
    progress.apply(RunFinished("done", 1, 1, 0.1))
    assert progress.farewell()[0].endswith("after 1 step, test accuracy 90.00%")
    assert progress.farewell()[1].endswith(f"mnist-tui evaluate {progress.folder}")
    progress.apply(batches(2, 1, 0.1))
    progress.apply(RunFinished("done", 2, 1, 0.2))
    assert progress.farewell()[0].endswith("after 2 steps, test accuracy 90.00% at step 1")
    assert progress.farewell()[1].endswith("mnist-tui evaluate runs/a/checkpoints/last.pt")


@pytest.mark.parametrize(
    ("folder", "name"),
    [("runs/20260101-000000-a", "a"), ("/elsewhere/20260101-000000-a", "/elsewhere/20260101-000000-a")],
)
def test_a_farewell_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, folder: str, name: str) -> None:
    monkeypatch.setenv("MNIST_TUI_RUNS_DIR", "runs")
    progress = Progress()
    progress.apply(RunStarted("20260101-000000-a", folder, HYPERPARAMETERS, "cpu", 6400, 10))
    progress.apply(CheckpointSaved(1, "last", "last.pt"))
    for event in (RunFinished("stopped", 1, 0, 0.1), RunFailed("gone", "", 1)):
        progress.apply(event)
        assert progress.farewell()[1] == f"saved in {folder}; go on with: mnist-tui --resume {name}"
        assert progress.farewell("mnist-tui train")[1].endswith(f"go on with: mnist-tui train --resume {name}")


def test_going_back_forgets_the_evaluations_that_were_undone() -> None:
    progress = started()
    for step, accuracy in ((100, 0.9), (200, 0.95)):
        progress.apply(batches(step - 99, 100, 1.0))
        progress.apply(Evaluated(step, 1, "test", 0.1, accuracy, b"", 0.1))
    progress.apply(Rewound(200, 150, 1, 1, HYPERPARAMETERS, 1, 0, 9600, 1.5))
    assert (progress.step, progress.samples, progress.train_seconds, progress.branch) == (150, 9600, 1.5, 1)
    assert (progress.test_accuracy, progress.tested_step, progress.best_test_accuracy) == (0.9, 100, 0.95)
    progress.apply(Rewound(150, 50, 2, 0, HYPERPARAMETERS, 1, 0, 3200, 0.5))
    assert progress.test_accuracy is None
