"""The whole program as a person uses it."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

from tests.datafiles import write_idx
from tests.e2e.terminal import Terminal, torch_takes_for_ever


def trained_some(text: str) -> bool:
    """Whether the status line shows that batches were trained."""
    match = re.search(r"step ([\d ]+?)(/|  )", text)
    return match is not None and int(match[1].replace(" ", "")) >= 20


def endless(folder: Path) -> list[str]:
    """A run on little data that never ends by itself."""
    write_idx(folder / "data", train=400, test=200)
    return ["--data-dir", str(folder / "data"), "--epochs", "10000", "--start"]


def only_run(folder: Path) -> Path:
    (run,) = (folder / "runs").iterdir()
    return run


def assert_saved(run: Path, status: str) -> None:
    assert json.loads((run / "run.json").read_text())["status"] == status
    for name in ("checkpoints/last.pt", "cnn_model.pth", "metrics.jsonl"):
        assert (run / name).stat().st_size > 0


def test_15_train_inspect_and_quit_leave_a_saved_run_and_a_restored_terminal(tmp_path: Path) -> None:
    with Terminal([], tmp_path, anew=True) as terminal:
        text = terminal.until("ready")
        for panel in ("hyperparameters", "loss", "accuracy", "test digits"):
            assert panel in text
        assert "no prediction yet" in text
        terminal.type(" ")
        terminal.until(trained_some)
        terminal.type("e")
        terminal.until("hardest first")
        terminal.type("i")
        terminal.until("confusion")
        terminal.type("m")
        terminal.until("misclassified:")
        terminal.type("\x1b[C")
        terminal.until("2 of ")
        terminal.type("q")
        terminal.until("Stop and save")
        terminal.type("\r")
        assert terminal.wait() == 0
        assert terminal.restored
        assert "saved in" in terminal.text
    assert_saved(only_run(tmp_path), "stopped")


def test_an_edit_is_marked_undone_and_a_step_looked_into(tmp_path: Path) -> None:
    with Terminal(endless(tmp_path), tmp_path) as terminal:
        terminal.until(trained_some)
        terminal.type("]")
        terminal.until("lr 0.001→0.002")
        terminal.type("u")
        terminal.until("undone lr 0.001→0.002")
        terminal.type(".")
        terminal.until("hardest first")
        terminal.until("step/weights")
        terminal.type("f")
        terminal.until("suggested")
        terminal.type("\r")
        terminal.until("paused")
        terminal.type("q")
        terminal.until("Stop and save")
        terminal.type("\r")
        assert terminal.wait() == 0
    run = only_run(tmp_path)
    assert_saved(run, "stopped")
    changes = json.loads((run / "run.json").read_text())["changes"]
    assert [change["event"] for change in changes] == ["HyperparametersApplied", "Rewound", "HyperparametersApplied"]
    assert changes[1]["branch"] == 1
    assert len(list((run / "checkpoints").glob("edit-*.pt"))) == 2


def test_an_interrupt_saves_restores_the_terminal_and_gives_its_code(tmp_path: Path) -> None:
    with Terminal(endless(tmp_path), tmp_path) as terminal:
        terminal.until(trained_some)
        terminal.kill(signal.SIGINT)
        assert terminal.wait() == 130
        assert terminal.restored
    assert_saved(only_run(tmp_path), "stopped")


def test_leaving_while_torch_is_imported_is_at_once(tmp_path: Path) -> None:
    with Terminal([], tmp_path, anew=True) as terminal:
        terminal.until("hyperparameters")
        terminal.type("q")
        assert terminal.wait(5) == 0
        assert terminal.restored


def test_a_run_on_other_files_finishes_and_stays_for_browsing(tmp_path: Path) -> None:
    write_idx(tmp_path / "data", train=400, test=200)
    arguments = ["--data-dir", str(tmp_path / "data"), "--epochs", "2", "--start", "--name", "small"]
    with Terminal(arguments, tmp_path, columns=80, rows=24) as terminal:
        terminal.until("✓ done")
        terminal.type("\r")
        terminal.until("confusion")
        terminal.type("q")
        assert terminal.wait() == 0
    assert_saved(only_run(tmp_path), "done")


def test_failures_are_shown_literally_and_the_program_goes_on(tmp_path: Path) -> None:
    with Terminal(["--start", "--device", "cuda:7"], tmp_path) as terminal:
        terminal.until("failed")
        terminal.until("there is no cuda:7 here")
        terminal.type("q")
        assert terminal.wait() in {0, 2}
        assert terminal.restored


def test_ascii_uses_nothing_but_ascii(tmp_path: Path) -> None:
    with Terminal(["--ascii"], tmp_path, environment=torch_takes_for_ever(tmp_path)) as terminal:
        text = terminal.until("test digit 0")
        assert "hyperparameters" in text
        panels = [character for character in text if ord(character) > 126]
        terminal.type("q")
        assert terminal.wait() == 0
    assert panels == []
