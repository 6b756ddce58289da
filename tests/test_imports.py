"""What is loaded when; each look is at a fresh process."""

import subprocess
import sys
from pathlib import Path

import pytest

from mnist_tui.core.events import BatchesTrained, Evaluated, RunFinished, RunStarted
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.recorder import Recorder

HEAVY = {"torch", "torchvision", "numpy", "plotext", "PIL", "psutil", "pynvml"}


def loaded_by(code: str) -> set[str]:
    """The top-level packages in memory after `code`."""
    script = f"import sys\n{code}\nprint('\\n', *sys.modules, file=sys.__stdout__)"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return {name.partition(".")[0] for name in process.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("mnist_tui", HEAVY | {"textual", "rich", "cyclopts", "attrs"}),
        ("mnist_tui.cli", HEAVY | {"textual", "rich", "cyclopts"}),
        ("mnist_tui.tui.app", HEAVY - {"psutil", "pynvml"} | {"cyclopts"}),
        ("mnist_tui.runner.local", HEAVY | {"textual", "rich", "cyclopts"}),
        ("mnist_tui.runner.watched", HEAVY | {"textual", "rich", "cyclopts"}),
        ("mnist_tui.tui.watch", HEAVY | {"cyclopts"}),
        ("mnist_tui.judge", HEAVY | {"textual", "rich", "cyclopts"}),
        ("mnist_tui.headless", HEAVY | {"textual", "cyclopts"}),
        ("mnist_tui.commands", HEAVY | {"textual"}),
        ("mnist_tui.core.events", HEAVY | {"textual", "rich", "cyclopts"}),
        ("mnist_tui.core.catalogue", HEAVY | {"textual", "rich", "cyclopts"}),
        ("mnist_tui.core.runs", HEAVY | {"textual", "rich", "cyclopts"}),
        ("mnist_tui.render.chart", HEAVY | {"textual", "cyclopts"}),
        ("mnist_tui.engine.trainer", {"textual", "plotext", "rich", "cyclopts", "torchvision"}),
    ],
)
def test_importing_a_module_loads_none_of_these(module: str, never: set[str]) -> None:
    assert not loaded_by(f"import {module}") & never


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_load_neither_torch_nor_the_screen(flag: str) -> None:
    assert not loaded_by(f"from mnist_tui.cli import main; main([{flag!r}])") & (HEAVY | {"textual"})


def test_an_error_of_usage_loads_neither_torch_nor_the_screen() -> None:
    loaded = loaded_by("from mnist_tui.cli import main; main(['train', '--epochs', '0'])")
    assert not loaded & (HEAVY | {"textual"})


def test_a_run_is_watched_without_torch(tmp_path: Path) -> None:
    (tmp_path / "evaluations").mkdir()
    recorder = Recorder(tmp_path, {"dataset": "mnist"})
    for event in (
        RunStarted("run", "run", Hyperparameters(), "cpu", 600, 1000),
        BatchesTrained(1, 1, 64, (2.5,), (8,), 64, 0.25),
        Evaluated(1, 1, "test", 0.5, 0.9, bytes(400_000), 0.1),
        RunFinished("done", 1, 1, 3.0),
    ):
        recorder.record(event)
    recorder.close()
    code = f"""
import time
from pathlib import Path
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.runner.watched import WatchedRunner
from mnist_tui.tui.session import Session
runner = WatchedRunner(Path({str(tmp_path)!r}))
session = Session(runner, Hyperparameters())
runner.load()
while session.progress.observed is None:
    session.drain()
    time.sleep(0.01)
assert session.browser.predictions is not None
assert session.progress.phase == "done"
assert runner.close(10)
"""
    assert not loaded_by(code) & {"torch", "torchvision", "plotext"}


def test_no_garbage_is_collected_while_torch_is_imported() -> None:
    code = """
import gc
from pathlib import Path
from mnist_tui.core.errors import UserError
from mnist_tui.core.settings import RunSettings
from mnist_tui.judge import evaluate_file
began = []
gc.callbacks.append(lambda phase, _: began.append("torch" in sys.modules))
try:
    evaluate_file(Path("absent"), RunSettings(), None, None)
except UserError:
    pass
assert gc.isenabled()
assert sum(began) < 20, sum(began)
"""
    assert "torch" in loaded_by(code)


def test_training_does_without_torchs_compiler() -> None:
    code = """
import torch
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.engine.learner import Learner
for optimizer in KNOBS["optimizer"].choices:
    for rate in (None, torch.zeros((), dtype=torch.float64)):
        hyperparameters = Hyperparameters(width=1, hidden_units=2, optimizer=optimizer, gradient_clip=1.0)
        learner = Learner(hyperparameters, torch.device("cpu"))
        if rate is not None:
            learner.read_rate_from(rate)
        for _ in range(2):
            learner.train_batch(torch.zeros(2, 1, 28, 28), torch.zeros(2, dtype=torch.int64))
        learner.copy()
assert not {"torch._dynamo", "sympy"} & set(sys.modules)
"""
    assert "torch" in loaded_by(code)
