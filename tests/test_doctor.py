import fcntl
import json
import os
import pty
import struct
import termios
from pathlib import Path

import pytest

from mnist_tui.cli import main
from mnist_tui.core.speed import STAGES
from mnist_tui.doctor import _device_lines, describe_terminal


def test_the_whole_report_is_one_json_object(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "--json", "--device", "cpu", "--threads", "1", "--runs-dir", str(tmp_path / "runs")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["device"] == "cpu"
    assert found["threads"] == 1
    assert found["precision"] == ("bf16" if found["devices"]["bf16"] else "fp32")
    assert found["data"]["mnist"] == "bundled with mnist-tui"
    assert found["runs"]["writable"] is True
    assert found["runs"]["free"] > 0
    batch = found["batch"]
    assert batch["total"] == pytest.approx(sum(batch[stage] for stage in STAGES))
    assert batch["images_per_second"] == pytest.approx(64_000 / batch["total"])
    assert found["bound"]
    assert found["devices"]["cuda"] or found["devices"]["why_no_cuda"]
    assert found["devices"]["cuda"] or found["devices"]["why_no_graphs"] == "only CUDA devices have them"
    assert not (tmp_path / "runs").exists()  # it looks, and leaves nothing behind


def test_the_report_is_lines_with_a_name_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cpu", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = {line[:10].strip() for line in lines}
    assert {"mnist-tui", "machine", "terminal", "data", "runs", "cpu", "speed", "load", "bound by"} <= names


@pytest.mark.parametrize(
    ("reason", "words"),
    [("", "on: a batch is one launch of a CUDA graph"), ("the driver refuses", "off: the driver refuses")],
)
def test_the_report_says_whether_batches_are_replayed(reason: str, words: str) -> None:
    gpu = {"name": "NVIDIA H200", "free": 1e11, "total": 2e11, "capability": "9.0"}
    found = {"cuda": [gpu], "why_no_graphs": reason, "mps": False, "onednn": True, "bf16": False, "kernels": "none"}
    assert ("graphs", words) in _device_lines({**found, "why_no_kernels": ""})
    assert ("kernels", "on, for the classic network") in _device_lines({**found, "why_no_kernels": ""})
    assert ("kernels", "off, torch's are used: too old") in _device_lines({**found, "why_no_kernels": "too old"})


@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        ("AVX2", "oneDNN, convolutions of our own in AVX2, no fast bfloat16"),
        ("none", "oneDNN, no convolutions of our own, no fast bfloat16"),
    ],
)
def test_the_report_says_whose_convolutions_are_used(kernels: str, words: str) -> None:
    found = {"cuda": [], "why_no_cuda": "", "mps": False, "onednn": True, "bf16": False, "kernels": kernels}
    assert ("cpu", words) in _device_lines(found)


def test_a_device_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cuda:77"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("environment", "colours", "inside"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor", ""),
        ({"TERM": "screen-256color", "TMUX": "/tmp/x"}, "256", "tmux"),
        ({"TERM": "linux"}, "16", ""),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none (NO_COLOR)", ""),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256", ""),
        ({"STY": "1.x"}, "16", "screen"),
    ],
)
def test_the_terminal_is_told_from_its_environment(environment: dict[str, str], colours: str, inside: str) -> None:
    found = describe_terminal(environment)
    assert found["colours"] == colours
    assert found["inside"] == inside


@pytest.mark.parametrize("terminal", [0, 1, 2])
def test_the_size_is_told_by_whichever_descriptor_is_a_terminal(monkeypatch: pytest.MonkeyPatch, terminal: int) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    unsized, other = pty.openpty()  # a serial line
    ask = os.get_terminal_size
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: ask(slave if fd == terminal else other))
    found = describe_terminal({"TERM": "xterm", "COLUMNS": "wide"})
    for descriptor in (master, slave, unsized, other):
        os.close(descriptor)
    assert (found["columns"], found["rows"]) == (77, 33)


def test_the_size_of_the_environment_counts_as_on_the_dashboard() -> None:
    found = describe_terminal({"TERM": "xterm", "COLUMNS": "80", "LINES": "25"})
    assert (found["columns"], found["rows"]) == (80, 25)


def test_without_a_terminal_there_is_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    no_terminal, nothing = os.pipe()
    ask = os.get_terminal_size
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: ask(no_terminal))
    found = describe_terminal({"TERM": "xterm"})
    os.close(no_terminal)
    os.close(nothing)
    assert (found["columns"], found["rows"]) == (0, 0)
