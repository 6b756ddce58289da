"""What holds for every test: one CPU thread, and nothing of the user's own folders is read or written."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)  # the same examples each time: a landing is no lottery
settings.load_profile("repeatable")

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: here, by a test, or by a process that a test starts

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
