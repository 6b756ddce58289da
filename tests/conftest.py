"""What holds for every test: one CPU thread, and nothing of the user's own folders is read or written."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from mnist_tui.core.settings import RunSettings
from tests.datafiles import write_idx

gc.disable()  # until everything is imported, of which nothing ever becomes garbage
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)  # a landing is no lottery
hypothesis.settings.load_profile("repeatable")

sys.dont_write_bytecode = False  # whatever the shell says: what pytest makes of asserts is kept, for 5 s a process

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: here, by a test, or by a process that a test starts

for number in (signal.SIGINT, signal.SIGHUP):  # ignored under `&` and nohup, and whoever is started here inherits that
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

VARIABLES = (
    "PYTHONUNBUFFERED",  # a stalled reader holds the stream of who has it not
    "PYTHONDONTWRITEBYTECODE",  # every program that is started would compile ours again, for 0.3 s
    "MNIST_TUI_DATA",
    "MNIST_TUI_DEBUG",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
)


def pytest_sessionfinish() -> None:
    """Spare pytest its five last collections, which look at everything that was ever imported: 2 s a process."""
    gc.freeze()


def pytest_collection_finish() -> None:
    """Collect garbage among what the tests make, and seldom: each look at torch, Textual and the tests costs 0.8 s.

    With Python's own thresholds a third of the screens' tests was spent on it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home, a cache and a runs folder of the tests' own; no variable of the user's shell."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        for name in ("CACHE", "CONFIG", "DATA", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        patch.setenv("MNIST_TUI_RUNS_DIR", str(home / "runs"))
        yield


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_idx(folder, train=100, test=40)
    return folder


@pytest.fixture
def settings(tmp_path: Path, data: Path) -> RunSettings:
    return RunSettings(device="cpu", threads=1, data_dir=data, runs_dir=tmp_path / "runs", precision="fp32")
