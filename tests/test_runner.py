"""The runner on small real data; what it promises is in the docstrings of `mnist_tui.runner`."""

import json
import os
import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import attrs
import numpy as np
import pytest
import torch

from mnist_tui import loading
from mnist_tui.core import dataset
from mnist_tui.core.errors import UsageError, UserError
from mnist_tui.core.events import (
    BatchesTrained,
    CheckpointSaved,
    DataLoaded,
    EngineLoaded,
    Evaluated,
    HealthRecovered,
    HealthWarned,
    HyperparametersApplied,
    Paused,
    Previewed,
    RateFound,
    Resumed,
    Rewound,
    RunFailed,
    RunFinished,
    RunStarted,
    SaveFailed,
)
from mnist_tui.core.priority import NICE
from mnist_tui.core.runs import name_of, read_run, run_folders
from mnist_tui.core.settings import RunSettings
from mnist_tui.engine import examiner
from mnist_tui.engine.checkpoint import load_model
from mnist_tui.engine.learner import Learner, Outcome
from mnist_tui.engine.stepper import Stepper
from mnist_tui.runner import Order
from mnist_tui.runner.local import LocalRunner
from tests.datafiles import labels_bytes, write, write_idx
from tests.runners import ENDLESS, PATIENCE, SMALL, HeardRunner, is_a, is_over, running, whole_run


def test_a_run_from_loading_to_its_end(settings: RunSettings) -> None:
    events = whole_run(settings)
    loaded, engine, started, *_, finished = events
    assert isinstance(loaded, DataLoaded)
    assert len(loaded.test) == 40
    assert isinstance(engine, EngineLoaded)
    assert (engine.device, engine.threads, engine.train_size) == ("cpu", 1, 100)
    assert engine.torch_version == str(torch.__version__)
    assert isinstance(started, RunStarted)
    assert started.run == Path(started.folder).name
    assert (started.hyperparameters, started.device, started.samples_per_epoch) == (SMALL, "cpu", 100)
    assert isinstance(finished, RunFinished)
    assert (finished.status, finished.step, finished.epochs) == ("done", 8, 2)
    losses = [loss for event in events if isinstance(event, BatchesTrained) for loss in event.losses]
    assert len(losses) == 8


def test_the_files_of_a_run(settings: RunSettings) -> None:
    events = whole_run(attrs.evolve(settings, name="mine", validation=20))
    (folder,) = run_folders(settings.runs_dir)
    assert folder.name.endswith("-mine")
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "run.json",
        "metrics.jsonl",
        "cnn_model.pth",
        "checkpoints/last.pt",
        "checkpoints/previous.pt",
        "checkpoints/best.pt",
        "evaluations/step-00000003.npz",
        "evaluations/step-00000003-validation.npz",
        "evaluations/step-00000006.npz",
        "evaluations/step-00000006-validation.npz",
    }
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    recorded = [event for event in events if not isinstance(event, (DataLoaded, EngineLoaded))]
    told = [type(event).__name__ for event in recorded if type(event).__name__ != "EvaluationBegan"]
    assert [line["event"] for line in lines] == told
    run = read_run(folder)
    assert (run["run"], run["name"], run["status"], run["preset"]) == (folder.name, "mine", "done", "classic")
    assert (run["dataset"], run["data"], run["validation"]) == ("mnist", str(settings.data_dir), 20)
    assert (run["device"], run["threads"], run["precision"]) == ("cpu", 1, "fp32")
    assert run["hyperparameters"] == run["initial_hyperparameters"] == attrs.asdict(SMALL)
    assert run["versions"]["torch"] == str(torch.__version__)
    _, facts = load_model(folder / "checkpoints" / "last.pt")
    assert (facts["run"], facts["step"]) == (folder.name, 6)
    assert facts["versions"] == run["versions"]
    assert np.load(folder / "evaluations" / "step-00000006.npz")["logits"].shape == (40, 10)


def test_two_runs_one_after_another(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=SMALL))
        runner.start(Order(hyperparameters=attrs.evolve(SMALL, seed=1)))
        first = runner.until(is_a(RunFinished))
        second = runner.until(is_a(RunFinished))
    assert [folder.name.partition("-classic")[2] for folder in run_folders(settings.runs_dir)] == ["", "-2"]
    assert sum(isinstance(event, DataLoaded) for event in first + second) == 1
    started = [event for event in first + second if isinstance(event, RunStarted)]
    assert [event.hyperparameters.seed for event in started] == [0, 1]


def test_a_stop_saves_and_leaves_the_runner_usable(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=ENDLESS))
        runner.until(is_a(BatchesTrained))
        runner.stop()
        finished = runner.until(is_over)[-1]
        assert isinstance(finished, RunFinished)
        assert finished.status == "stopped"
        assert runner.wait_until_idle(PATIENCE)
        runner.start(Order(hyperparameters=SMALL))
        assert isinstance(runner.until(is_over)[-1], RunFinished)
    stopped = run_folders(settings.runs_dir)[0]
    assert read_run(stopped)["status"] == "stopped"
    assert load_model(stopped / "checkpoints" / "last.pt")[1]["step"] == finished.step


def test_closing_stops_saves_and_joins(settings: RunSettings) -> None:
    runner = HeardRunner(settings)
    runner.start(Order(hyperparameters=ENDLESS))
    runner.start(Order(hyperparameters=ENDLESS))  # ordered, and never begun
    runner.until(is_a(BatchesTrained))
    assert runner.close(PATIENCE)
    assert not any(thread.name == "trainer" for thread in threading.enumerate())
    last = runner.rest()[-1]
    assert isinstance(last, RunFinished)
    assert last.status == "stopped"
    (folder,) = run_folders(settings.runs_dir)
    assert (folder / "cnn_model.pth").is_file()
    assert runner.close(PATIENCE)


def test_a_runner_that_never_ran_closes_at_once(settings: RunSettings) -> None:
    runner = LocalRunner(settings)
    assert runner.drain() == []
    assert runner.wait(0) == []
    assert runner.wait_until_idle(0)
    assert runner.close(0)
    for ask in (
        runner.pause,
        runner.resume,
        runner.step_once,
        runner.request_evaluation,
        runner.request_save,
        runner.undo,
        runner.recover,
        runner.request_rate,
        runner.cancel_rate,
        runner.stop,
    ):
        ask()
    runner.edit({"dropout": 0.5})
    runner.request_preview(SMALL)
    runner.stop_after_epoch(True)


def test_loading_begins_no_run(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.load()
        runner.load()
        events = runner.until(is_a(EngineLoaded))
    assert [type(event).__name__ for event in events + runner.rest()] == ["DataLoaded", "EngineLoaded"]
    assert run_folders(settings.runs_dir) == []


def test_every_wish_reaches_the_run(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=ENDLESS))
        runner.until(is_a(BatchesTrained))
        runner.pause()
        paused = runner.until(is_a(Paused))[-1]
        assert isinstance(paused, Paused)
        edited = attrs.evolve(ENDLESS, learning_rate=0.5)
        runner.edit({"learning_rate": 0.5})
        applied = runner.until(is_a(HyperparametersApplied))[-1]
        assert applied == HyperparametersApplied(paused.step + 1, ENDLESS, edited, edit=1)
        runner.step_once()
        trained = runner.until(is_a(BatchesTrained))[-1]
        assert isinstance(trained, BatchesTrained)
        assert trained.first_step == trained.last_step == paused.step + 1
        runner.until(is_a(Paused))
        runner.request_evaluation()
        runner.until(is_a(Paused))
        runner.request_save()
        runner.until(is_a(Paused))
        runner.resume()
        runner.until(is_a(Resumed))
    (folder,) = run_folders(settings.runs_dir)
    assert read_run(folder)["changes"] == [
        {
            "event": "HyperparametersApplied",
            "step": paused.step + 1,
            "changes": {"learning_rate": [0.001, 0.5]},
            "edit": 1,
            "undoable": True,
        }
    ]
    assert read_run(folder)["hyperparameters"]["learning_rate"] == 0.5
    assert (folder / "evaluations" / f"step-{trained.last_step:08d}.npz").is_file()


@pytest.mark.parametrize(
    ("changes", "words", "exit_code"),
    [
        ({"device": "gpu"}, "'gpu' is no device: use auto, cpu, cuda, cuda:N or mps", 2),
        ({"validation": 100}, "--validation 100 leaves nothing to train on: there are 100 images", 2),
        ({"data_dir": Path("/absent/[/place]")}, "/absent/[/place] does not exist", 1),
    ],
)
def test_what_cannot_begin_fails_in_one_sentence(
    settings: RunSettings, changes: dict[str, object], words: str, exit_code: int
) -> None:
    failed = whole_run(attrs.evolve(settings, **changes))[-1]  # type: ignore[arg-type]
    assert isinstance(failed, RunFailed)
    assert words in failed.message
    assert len(failed.message.splitlines()) == 1
    assert (failed.details, failed.exit_code) == ("", exit_code)
    assert run_folders(settings.runs_dir) == []


def test_a_damaged_data_file_fails_in_one_sentence(settings: RunSettings, tmp_path: Path) -> None:
    paths = write_idx(tmp_path / "bad", train=20, test=10)
    write(paths[1], labels_bytes(bytes(19)))
    events = whole_run(attrs.evolve(settings, data_dir=tmp_path / "bad"))
    failed = events[-1]
    assert isinstance(failed, RunFailed)
    assert "20 images but" in failed.message
    assert (failed.details, failed.exit_code) == ("", 1)
    assert isinstance(events[0], DataLoaded)  # the test split is good, and the browser may show it


def test_a_taken_name_is_refused_before_anything_loads(settings: RunSettings) -> None:
    with running(attrs.evolve(settings, name="mine")) as runner:
        runner.start(Order(hyperparameters=attrs.evolve(SMALL, epochs=1)))
        runner.until(is_a(RunFinished))
    with pytest.raises(UsageError, match="use --name mine-2"):
        LocalRunner(attrs.evolve(settings, name="mine"))


def test_a_second_run_of_a_named_runner_gets_the_next_number(settings: RunSettings) -> None:
    with running(attrs.evolve(settings, name="mine")) as runner:
        for _ in range(2):
            runner.start(Order(hyperparameters=attrs.evolve(SMALL, epochs=1)))
            runner.until(is_a(RunFinished))
    assert [name_of(folder) for folder in run_folders(settings.runs_dir)] == ["mine", "mine-2"]


def test_edits_made_before_the_run_has_begun_count_for_it(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=SMALL))
        runner.edit({"learning_rate": 0.02})
        runner.edit({"seed": 7})
        events = runner.until(is_a(RunFinished))
    (begun,) = [event for event in events if isinstance(event, RunStarted)]
    assert (begun.hyperparameters.learning_rate, begun.hyperparameters.seed) == (0.02, 7)


def test_a_place_that_cannot_be_written_is_found_at_once(settings: RunSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "runs" / "of" / "mine"):
        with pytest.raises(UsageError, match=f"{tmp_path / 'file'} is no folder; choose another place with --runs-dir"):
            HeardRunner(attrs.evolve(settings, runs_dir=place))
    with pytest.raises(UsageError, match="cannot be written"):
        HeardRunner(attrs.evolve(settings, runs_dir=Path("/proc/sys/runs")))
    assert not (tmp_path / "runs").exists()


def test_a_place_that_can_be_written_no_more_fails_in_one_sentence(settings: RunSettings, tmp_path: Path) -> None:
    with running(settings) as runner:
        (tmp_path / "runs").write_text("")
        runner.start(Order(hyperparameters=SMALL))
        failed = runner.until(is_over)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message.endswith("choose another place with --runs-dir")
    assert failed.details == ""


def fail_in_third_batch(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    real = Stepper._train_batch

    def train_batch(self: Stepper, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self._place.step == 2:
            raise error
        return real(self, images, labels)

    monkeypatch.setattr(Stepper, "_train_batch", train_batch)


def test_an_exception_in_training_is_told_with_its_place(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(settings) as runner:
        with monkeypatch.context() as patch:
            fail_in_third_batch(patch, RuntimeError("it [/broke] at [bold]\nsecond line"))
            runner.start(Order(hyperparameters=SMALL))
            failed = runner.until(is_over)[-1]
        assert isinstance(failed, RunFailed)
        assert failed.message == "RuntimeError: it [/broke] at [bold]"
        assert failed.exit_code == 1
        assert "Traceback" in failed.details
        assert "second line" in failed.details
        (folder,) = run_folders(settings.runs_dir)
        log = (folder / "log.txt").read_text(encoding="utf-8")
        assert "RuntimeError: it [/broke] at [bold]" in log
        assert "Traceback" in log
        run = read_run(folder)
        assert (run["status"], run["error"]) == ("failed", failed.message)
        runner.start(Order(hyperparameters=SMALL))
        assert isinstance(runner.until(is_over)[-1], RunFinished)


class OutOfMemoryError(RuntimeError):
    """As torch's."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SystemExit(3), "SystemExit: 3"),
        (KeyError(), "KeyError"),
    ],
)
def test_nothing_vanishes_in_the_thread(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch, error: BaseException, message: str
) -> None:
    fail_in_third_batch(monkeypatch, error)
    failed = whole_run(settings)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith(message)
    assert type(error).__name__ in failed.details


MEMORY_ERRORS = [
    MemoryError(),
    OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[x] DefaultCPUAllocator: can't allocate memory: you tried"),
]


@pytest.mark.parametrize("error", MEMORY_ERRORS)
def test_memory_that_is_full_outside_a_batch_ends_the_run_in_one_sentence(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(examiner, "evaluate", fail)
    failed = whole_run(settings)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message == "the device's memory is full: start again with a smaller batch size or width"


def fail_above(monkeypatch: pytest.MonkeyPatch, batch_size: int, error: BaseException) -> None:
    real = Learner.train_batch

    def train_batch(self: Learner, images: torch.Tensor, labels: torch.Tensor) -> Outcome:
        if len(images) > batch_size:
            raise error
        return real(self, images, labels)

    monkeypatch.setattr(Learner, "train_batch", train_batch)


@pytest.mark.parametrize("error", MEMORY_ERRORS)
def test_a_batch_that_does_not_fit_waits_for_a_smaller_one(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    fail_above(monkeypatch, 16, error)
    with running(settings) as runner:
        runner.start(Order(hyperparameters=attrs.evolve(SMALL, batch_size=64)))
        warned, paused = runner.until(is_a(Paused))[-2:]
        assert warned == HealthWarned(0, "out of memory", "a batch of 64 does not fit into the memory of cpu: try 32")
        assert paused == Paused(0)
        runner.edit({"batch_size": 32})
        assert HealthWarned(
            0, "out of memory", "a batch of 32 does not fit into the memory of cpu: try 16"
        ) in runner.until(is_a(Paused))
        runner.edit({"batch_size": 10})
        events = runner.until(is_over)
    assert isinstance(events[-1], RunFinished)
    assert HealthRecovered(0, "out of memory") in events
    assert events[-1].step == 20


def test_a_batch_that_does_not_fit_ends_a_run_that_nobody_watches(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_above(monkeypatch, 16, MEMORY_ERRORS[1])
    runner = HeardRunner(settings, attended=False)
    runner.start(Order(hyperparameters=attrs.evolve(SMALL, batch_size=64)))
    events = runner.until(is_over)
    assert runner.close(PATIENCE)
    assert isinstance(events[-1], RunFailed)
    assert events[-1].message.endswith("try 32, e.g. go on with --resume and --batch-size 32")
    assert any(isinstance(event, CheckpointSaved) for event in events)


def test_trouble_with_the_folder_is_told_once_and_training_goes_on(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    with running(settings) as runner:
        runner.start(Order(hyperparameters=attrs.evolve(SMALL, epochs=3)))
        runner.until(is_a(RunStarted))
        monkeypatch.setattr("mnist_tui.core.files.os.fsync", fail)
        events = runner.until(is_over)
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    assert finished.status == "done"
    failed = [event.message for event in events if isinstance(event, SaveFailed)]
    assert any("No space left on device; training goes on" in message for message in failed)


class Gate:
    """An import of one module that waits until it may fail."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.reached = threading.Event()
        self.opened = threading.Event()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == self.name:
            self.reached.set()
            self.opened.wait(PATIENCE)
            raise ImportError("the gate stays closed")
        return None


def test_closing_while_torch_is_imported_does_not_wait(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate("mnist_tui.engine.trainer")
    monkeypatch.delitem(sys.modules, gate.name)
    monkeypatch.setattr(sys, "meta_path", [gate, *sys.meta_path])
    runner = HeardRunner(settings)
    runner.start(Order(hyperparameters=SMALL))
    assert gate.reached.wait(PATIENCE)
    assert not runner.close(10 * PATIENCE)  # longer than the gate holds: a close that waits would see the end
    gate.opened.set()
    failed = runner.until(is_over)[-1]
    assert isinstance(failed, RunFailed)
    assert failed.message == "ImportError: the gate stays closed"
    assert runner.close(PATIENCE)


def test_evaluations_are_those_of_the_weights_that_were_saved(settings: RunSettings) -> None:
    events = whole_run(settings)
    evaluated = [event for event in events if isinstance(event, Evaluated)][-1]
    (folder,) = run_folders(settings.runs_dir)
    model, _ = load_model(folder / "checkpoints" / "last.pt")
    loaded = events[0]
    assert isinstance(loaded, DataLoaded)
    pixels = torch.frombuffer(bytearray(loaded.test.images), dtype=torch.uint8).reshape(-1, 1, 28, 28)
    with torch.inference_mode():
        logits = model(pixels.float() / 127.5 - 1)
    theirs = torch.frombuffer(bytearray(evaluated.logits), dtype=torch.float32).reshape(-1, 10)
    torch.testing.assert_close(logits, theirs, rtol=1e-4, atol=1e-5)


# --- what a front end may ask besides


def test_before_a_run_a_preview_shows_what_an_epoch_begins_with(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.load()
        runner.until(is_a(EngineLoaded))
        runner.request_preview(attrs.evolve(SMALL, shift=2.0))
        idle = runner.until(is_a(Previewed))[-1]
        runner.start(Order(hyperparameters=ENDLESS))
        runner.until(is_a(BatchesTrained))
        runner.request_preview(attrs.evolve(SMALL, rotate=20.0))
        busy = runner.until(is_a(Previewed))[-1]
    for event in (idle, busy):
        assert isinstance(event, Previewed)
        assert len(event.originals) == len(event.augmented) == 24 * 784
        assert event.originals != event.augmented


def test_a_run_may_begin_paused_with_the_finder(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=SMALL, paused=True, find_rate=True))
        events = runner.until(is_a(Paused))
        assert [event.step for event in events if isinstance(event, RateFound)] == [0]
        assert not any(isinstance(event, BatchesTrained) for event in events)
        runner.resume()
        finished = runner.until(is_a(RunFinished))[-1]
    assert isinstance(finished, RunFinished)
    assert finished.step == 8


def test_an_edit_is_undone_and_both_stay_in_the_files(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=ENDLESS))
        runner.until(is_a(BatchesTrained))
        runner.edit({"learning_rate": 0.5})
        runner.until(is_a(HyperparametersApplied))
        runner.until(is_a(BatchesTrained))
        runner.undo()
        rewound = runner.until(is_a(Rewound))[-1]
        assert isinstance(rewound, Rewound)
    (folder,) = run_folders(settings.runs_dir)
    edit, undo = read_run(folder)["changes"]
    assert edit["changes"] == {"learning_rate": [0.001, 0.5]}
    assert (undo["event"], undo["to_step"], undo["branch"]) == ("Rewound", edit["step"] - 1, 1)
    assert read_run(folder)["hyperparameters"]["learning_rate"] == 0.001


def test_the_next_run_may_be_on_another_data_set(
    settings: RunSettings, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = dataset.find("mnist", data)
    monkeypatch.setattr(loading, "find", lambda name, _: attrs.evolve(there, name=name))
    with running(attrs.evolve(settings, data_dir=None)) as runner:
        for name in ("mnist", "fashion"):
            runner.start(Order(hyperparameters=attrs.evolve(SMALL, epochs=1), dataset=name))
            events = runner.until(is_over)
            (loaded,) = [event for event in events if isinstance(event, DataLoaded)]
            assert loaded.source.name == name
            assert isinstance(events[-1], RunFinished)
    assert [read_run(folder)["dataset"] for folder in run_folders(settings.runs_dir)] == ["mnist", "fashion"]


def test_a_data_set_that_cannot_be_had_leaves_the_one_that_is_loaded(
    settings: RunSettings, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = dataset.find("mnist", data)

    def find(name: str, _: object) -> object:
        if name == "mnist":
            return there
        raise UserError("kmnist cannot be had")

    monkeypatch.setattr(loading, "find", find)
    with running(attrs.evolve(settings, data_dir=None)) as runner:
        runner.start(Order(hyperparameters=attrs.evolve(SMALL, epochs=1), dataset="kmnist"))
        failed = runner.until(is_over)[-1]
        assert failed == RunFailed("kmnist cannot be had")
        runner.start(Order(hyperparameters=attrs.evolve(SMALL, epochs=1)))
        assert isinstance(runner.until(is_over)[-1], RunFinished)


def test_data_of_ones_own_cannot_be_exchanged(settings: RunSettings) -> None:
    with running(settings) as runner, pytest.raises(UsageError, match="start again with --dataset fashion"):
        runner.start(Order(hyperparameters=SMALL, dataset="fashion"))


def test_a_loss_that_is_not_finite_ends_a_run_that_nobody_watches(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Stepper._train_batch

    def train_batch(self: Stepper, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self._place.step == 5:
            with torch.no_grad():
                self._learner.model.fc2.bias[0] = torch.nan
        return real(self, images, labels)

    monkeypatch.setattr(Stepper, "_train_batch", train_batch)
    runner = HeardRunner(settings, attended=False)
    runner.start(Order(hyperparameters=ENDLESS))
    failed = runner.until(is_over)[-1]
    assert runner.close(PATIENCE)
    assert isinstance(failed, RunFailed)
    assert failed.message.startswith("the loss is NaN since step 6, at a learning rate of 0.001: start again")
    assert (failed.details, failed.exit_code) == ("", 1)
    (folder,) = run_folders(settings.runs_dir)
    assert all(torch.isfinite(weight).all() for weight in torch.load(folder / "cnn_model.pth").values())


def test_a_restart_ends_the_run_and_begins_the_next_with_the_edits_made_meanwhile(settings: RunSettings) -> None:
    with running(settings) as runner:
        runner.start(Order(hyperparameters=ENDLESS))
        runner.until(is_a(BatchesTrained))
        runner.restart(Order(hyperparameters=SMALL))
        runner.edit({"dropout": 0.25})
        events = runner.until(is_a(RunStarted))
        assert [event.status for event in events if isinstance(event, RunFinished)] == ["stopped"]
        begun = events[-1]
        assert isinstance(begun, RunStarted)
        finished = runner.until(is_over)[-1]
    assert isinstance(finished, RunFinished)
    assert finished.status == "done"
    assert begun.hyperparameters.dropout == 0.25  # it reached the run that was ordered, not the one that ended
    assert not any(isinstance(event, HyperparametersApplied) for event in events)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it by thread")
@pytest.mark.parametrize("drawn", [True, False])
def test_a_screen_comes_before_the_training(settings: RunSettings, drawn: bool) -> None:
    runner = HeardRunner(settings, behind_screen=drawn)
    try:
        runner.load()
        runner.until(is_a(EngineLoaded))
        (trainer,) = [thread for thread in threading.enumerate() if thread.name == "trainer"]
        assert trainer.native_id is not None
        own, its = (
            os.getpriority(os.PRIO_PROCESS, thread) for thread in (threading.get_native_id(), trainer.native_id)
        )
        assert its == (min(19, own + NICE) if drawn else own)
    finally:
        assert runner.close(PATIENCE)
