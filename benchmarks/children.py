"""Child processes of a benchmark: the current interpreter, an environment without surprises, no file in the tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def python(module: str, *words: object) -> list[str]:
    """The command line of `python -m module words…`."""
    return [sys.executable, "-m", module, *map(str, words)]


def environment(**more: str) -> dict[str, str]:
    """This process's environment, importing from the repository, without variables that would change a measurement."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TEXTUAL", "MNIST_TUI", "OMP_", "MKL_", "PYTHON")) and name != "NO_COLOR"
    }
    return {**inherited, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **more}


def run(command: Sequence[str], directory: Path) -> str:
    """Run to the end in `directory` and return what was written to stdout.

    Raises:
        subprocess.CalledProcessError: it failed; its stderr was passed on.
    """
    finished = subprocess.run(
        command,
        cwd=directory,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return finished.stdout


def saved_run(runs: Path) -> Path:
    """The one run in `runs`, which was stopped and saved.

    Raises:
        AssertionError: it was not.
    """
    (run,) = runs.iterdir()
    status = json.loads((run / "run.json").read_text(encoding="utf-8"))["status"]
    assert status == "stopped", status
    return run


def last_json(output: str) -> dict[str, Any]:
    """The object on the last line of `output`."""
    found = json.loads(output.strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found
