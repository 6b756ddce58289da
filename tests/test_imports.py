"""What is loaded when; each look is at a fresh process."""

import subprocess
import sys

import pytest

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
