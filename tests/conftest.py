"""What holds for every test: one CPU thread, and nothing of the user's own folders is read or written."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from mnist_tui.core.settings import RunSettings
from tests.datafiles import write_idx

hypothesis.settings.register_profile("repeatable", derandomize=True)  # a landing is no lottery
hypothesis.settings.load_profile("repeatable")

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: here, by a test, or by a process that a test starts

for number in (signal.SIGINT, signal.SIGHUP):  # ignored under `&` and nohup, and whoever is started here inherits that
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

VARIABLES = (
    "MNIST_TUI_DATA",
    "MNIST_TUI_DEBUG",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "LINES",
)


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
    return RunSettings(device="cpu", threads=1, data_dir=data, runs_dir=tmp_path / "runs")
