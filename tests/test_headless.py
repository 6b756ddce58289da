"""`train` without a screen: what it prints, and what it ends with."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mnist_tui import headless
from mnist_tui.cli import main
from mnist_tui.core.events import (
    BatchesTrained,
    CheckpointSaved,
    DownloadProgressed,
    EngineLoaded,
    Event,
    Rewound,
    RunContinued,
    RunFinished,
    RunStarted,
)
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.progress import Progress
from mnist_tui.core.speed import CROWDED_READINGS, MachineLoad
from mnist_tui.engine.stepper import Stepper
from mnist_tui.headless import LineReporter, _conclude, describe, summarise
from mnist_tui.leaving import SIGNALS, Departure
from mnist_tui.runner import Order
from tests.datafiles import write_idx

KEYS = {
    "run",
    "status",
    "steps",
    "epochs",
    "train_images_per_second",
    "test_accuracy",
    "test_loss",
    "best_test_accuracy",
    "seconds",
    "device",
    "world_size",
    "checkpoint",
    "model",
}
Train = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Train]:
    """Runs `mnist-tui train` on a small set; gives exit code, lines on stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    write_idx(tmp_path / "data", train=100, test=40)
    handlers = {number: signal.getsignal(number) for number in SIGNALS}

    def run(*flags: str) -> tuple[int, list[str], str]:
        small = {
            "--data-dir": "data",
            "--runs-dir": "runs",
            "--device": "cpu",
            "--width": "2",
            "--hidden-units": "8",
            "--batch-size": "32",
        }
        words = [word for flag, value in small.items() if flag not in flags for word in (flag, value)]
        code = main(["train", *words, *flags])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def as_json(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def test_json_is_an_object_a_line_and_the_last_is_the_summary(train: Train) -> None:
    code, lines, err = train("--json", "--epochs", "2", "--name", "mine")
    assert (code, err) == (0, "")
    objects = as_json(lines)
    names = [entry["event"] for entry in objects[:-1]]
    assert names[:3] == ["EngineLoaded", "RunStarted", "BatchesTrained"]
    assert names[-1] == "RunFinished"
    assert names.count("Evaluated") == 2
    summary = objects[-1]
    assert set(summary) == KEYS
    assert summary["run"].endswith("-mine")
    assert (summary["status"], summary["steps"], summary["epochs"], summary["device"]) == ("done", 8, 2, "cpu")
    evaluated = [entry for entry in objects[:-1] if entry["event"] == "Evaluated"]
    assert summary["test_accuracy"] == evaluated[-1]["accuracy"]
    assert summary["test_loss"] == evaluated[-1]["loss"]
    assert summary["best_test_accuracy"] == max(entry["accuracy"] for entry in evaluated)
    assert summary["train_images_per_second"] > 0
    assert summary["seconds"] > 0
    assert summary["checkpoint"] == f"runs/{summary['run']}/checkpoints/best.pt"
    assert summary["model"] == f"runs/{summary['run']}/cnn_model.pth"
    assert Path(summary["checkpoint"]).is_file()
    assert Path(summary["model"]).is_file()


def test_the_lines_are_those_of_the_metrics_file(train: Train) -> None:
    _, lines, _ = train("--json", "--epochs", "1")
    summary = as_json(lines)[-1]
    recorded = (Path("runs") / summary["run"] / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [
        line for line in lines[:-1] if json.loads(line)["event"] not in {"EngineLoaded", "EvaluationBegan"}
    ] == recorded


def test_a_diverged_run_is_still_strict_json(train: Train) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    code, lines, _ = train(
        "--json", "--epochs", "30", "--learning-rate", "10", "--optimizer", "sgd", "--momentum", "0.99", "--width", "8"
    )
    assert code == 0
    for line in lines:
        json.loads(line, parse_constant=refuse)


def test_plain_lines_say_what_a_person_wants_to_know(train: Train) -> None:
    code, lines, err = train("--epochs", "2", "--name", "mine", "--validation", "20")
    assert (code, err) == (0, "")
    run = next(Path("runs").iterdir())
    assert lines[0] == "data: mnist, data"
    assert lines[1] == f"device: cpu, 1 thread, torch {torch.__version__}"
    assert lines[2].startswith(f"run: {run}, ")
    evaluated = [line for line in lines if line.startswith("epoch")]
    assert len(evaluated) == 4
    assert evaluated[0].startswith("epoch 1  step 3  validation accuracy ")
    assert evaluated[-1].startswith("epoch 2  step 6  test accuracy ")
    assert lines[-3].startswith("done: 2 epochs, 6 steps in ")
    assert lines[-2].startswith(f"{run.name}: done after 6 steps, test accuracy ")
    assert lines[-1] == f"saved in {run}; evaluate it with: mnist-tui evaluate {run}"


def test_a_failure_before_the_run_is_one_sentence_on_stderr(train: Train) -> None:
    for flags, code, words in (
        (("--device", "gpu"), 2, "'gpu' is no device"),
        (("--data-dir", "absent"), 1, "absent does not exist"),
        (("--validation", "100"), 2, "leaves nothing to train on"),
    ):
        found, _, err = train(*flags)
        assert found == code
        assert len(err.splitlines()) == 1
        assert words in err
        assert not Path("runs").exists()


def test_a_failure_in_training_ends_with_one_and_a_summary(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("it [/broke]\nand more")

    monkeypatch.setattr(Stepper, "_train_batch", fail)
    code, lines, err = train("--json")
    assert code == 1
    assert err == "mnist-tui: RuntimeError: it [/broke]\n"
    summary = as_json(lines)[-1]
    assert set(summary) == KEYS | {"error"}
    assert (summary["status"], summary["error"], summary["model"]) == ("failed", "RuntimeError: it [/broke]", None)
    assert summary["train_images_per_second"] is None
    assert as_json(lines)[-2]["event"] == "RunFailed"


def test_runs_are_numbered_and_a_taken_name_is_wrong_usage(train: Train) -> None:
    for _ in range(2):
        assert train("--epochs", "1")[0] == 0
    assert sorted(folder.name.partition("-classic")[2] for folder in Path("runs").iterdir()) == ["", "-2"]
    code, _, err = train("--epochs", "1", "--name", "classic")
    assert (code, err) == (2, "mnist-tui: there is a run named classic already: use --name classic-3\n")


STARTED = RunStarted("20260101-000000-a", "runs/20260101-000000-a", Hyperparameters(epochs=3), "cpu", 6400, 1000)


def trained(first: int, count: int, seconds: float) -> BatchesTrained:
    return BatchesTrained(first, 1, 64, (0.25,) * count, (32,) * count, 64 * (first + count - 1), seconds)


def test_a_long_run_prints_a_line_every_ten_seconds_of_training(capsys: pytest.CaptureFixture[str]) -> None:
    progress, reporter = Progress(), LineReporter()
    progress.apply(STARTED)
    for index in range(50):
        event = trained(1 + index, 1, 0.9)
        progress.apply(event)
        reporter.report(event, progress)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0] == "epoch 1/3  step 12  loss 0.2500  71 img/s  4 min 34 s left"


def test_events_in_words() -> None:
    progress = Progress()
    engine = EngineLoaded("cuda:0", "NVIDIA H100", 2, "2.6", 60_000, "a [notice]")
    assert describe(engine, progress) == "device: cuda:0 NVIDIA H100, 2 threads, torch 2.6 (a [notice])"
    progress.apply(DownloadProgressed("a.gz", 1, 4))
    assert describe(DownloadProgressed("a.gz", 1, 4), progress) == "downloading a.gz 25%"
    assert describe(RunFinished("stopped", 7, 1, 65.0), progress) == "stopped: 1 epoch, 7 steps in 1 min 05 s"
    progress.apply(RunContinued("mine", "runs/mine", 5, Hyperparameters(), "cpu", 64, 10))
    assert describe(RunFinished("done", 7, 1, 3.0), progress) == "done: 1 epoch, 7 steps, 2 of them in 3 s"
    progress.apply(Rewound(7, 3, 1, 1, Hyperparameters(), 1, 0, 192, 0.1))
    assert describe(RunFinished("done", 7, 1, 3.0), progress) == "done: 1 epoch, 7 steps, 4 of them in 3 s"


def test_a_run_without_a_batch_can_be_summed_up() -> None:
    progress = Progress()
    progress.apply(STARTED)
    summary = summarise(progress, "stopped")
    assert set(summary) == KEYS
    assert (summary["train_images_per_second"], summary["test_accuracy"], summary["model"]) == (None, None, None)
    progress.apply(RunFinished("stopped", 0, 0, 0.1))
    assert progress.farewell() == ["20260101-000000-a: stopped after 0 steps"]


@pytest.mark.parametrize(
    ("world_size", "command"), [(1, "mnist-tui train"), (4, "torchrun --nproc-per-node 4 -m mnist_tui train")]
)
def test_a_stopped_run_says_how_as_many_go_on(
    capsys: pytest.CaptureFixture[str], world_size: int, command: str
) -> None:
    progress, ending = Progress(), RunFinished("stopped", 7, 1, 65.0)
    for event in (STARTED, CheckpointSaved(7, "last", "runs/a/last.pt"), ending):
        progress.apply(event)
    assert _conclude(ending, progress, Departure(), False, world_size) == 0
    assert f"; go on with: {command} --resume " in capsys.readouterr().out.splitlines()[-1]


def test_a_run_that_fails_after_it_went_on_tells_no_seconds_of_before() -> None:
    progress = Progress()
    for event in (STARTED, RunFinished("stopped", 5, 0, 65.0)):
        progress.apply(event)
    assert summarise(progress, "stopped")["seconds"] == 65
    progress.apply(RunContinued("mine", "runs/mine", 5, Hyperparameters(), "cpu", 64, 10))
    assert summarise(progress, "failed")["seconds"] == 0


def test_a_terminal_gets_a_bar_that_goes_away(
    train: Train, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Yes:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def isatty(self) -> bool:
            return True

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    monkeypatch.setattr(sys, "stdout", Yes(sys.stdout))
    monkeypatch.setattr(sys, "stderr", Yes(sys.stderr))
    code, lines, err = train("--epochs", "1")
    assert code == 0
    assert lines[-1].startswith("saved in runs/")
    assert "test accuracy" in err


class BusyMachine:
    """In place of a monitor: other programs keep a core of two busy, and each look is a new reading."""

    def watch(self, device: str, wanted: bool) -> None:
        self.wanted = wanted

    @property
    def load(self) -> MachineLoad | None:
        return MachineLoad(2, 1.0, 1.0, 1) if self.wanted else None

    def close(self) -> None:
        self.closed = True


class LongRun:
    """A runner whose run trains for longer than a crowd is forgiven."""

    world_size = 1

    def start(self, order: Order) -> None:
        events: list[Event] = [EngineLoaded("cpu", "", 2, "2.6", 6400), STARTED]
        events += [trained(1 + batch, 1, 0.1) for batch in range(3 * CROWDED_READINGS)]
        self._left = iter([*events, RunFinished("done", 1, 1, 1.0)])

    def wait(self, seconds: float) -> list[Event]:
        return [next(self._left)]

    def close(self) -> bool:
        return True


@pytest.mark.parametrize("as_json", [False, True])
def test_a_training_that_others_slow_down_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    machine = BusyMachine()
    monkeypatch.setattr(headless, "Monitor", lambda: machine)
    assert headless.train(LongRun(), Order(hyperparameters=Hyperparameters()), as_json=as_json) == 0  # type: ignore[arg-type]
    told = [line for line in capsys.readouterr().out.splitlines() if "other programs keep 1.0 of 2 cores busy" in line]
    assert [line[:6] for line in told] == ([] if as_json else ["slow: "])
    assert machine.closed
