"""The words of the top line."""

import pytest

from mnist_tui.core.events import BatchesTrained, RunContinued, RunFinished, RunStarted
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.progress import Progress
from mnist_tui.core.settings import RunSettings
from mnist_tui.tui.widgets.status_bar import status_pieces


@pytest.mark.parametrize(("seconds", "words"), [(3.0, "in 21 s"), (25.0, "in 25 s")])
def test_a_run_that_was_continued_took_as_long_as_all_of_it(seconds: float, words: str) -> None:
    progress = Progress()
    progress.apply(RunStarted("a", "runs/a", Hyperparameters(), "cpu", 6400, 10))
    progress.apply(BatchesTrained(1, 1, 64, (0.1,), (60,), 64, 18.0, 0.001))
    progress.apply(RunContinued("a", "runs/a", 1, Hyperparameters(), "cpu", 6400, 10))
    progress.apply(BatchesTrained(2, 1, 64, (0.1,), (60,), 128, 3.0, 0.001))
    progress.apply(RunFinished("done", 2, 1, seconds))
    assert words in [text for _, _, text in status_pieces(progress, RunSettings())]
