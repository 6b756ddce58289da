"""Faults 17 to 25: folders, checkpoints, data and devices that are not what they should be."""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import shutil
from pathlib import Path

import pytest
import torch

from mnist_tui.cli import main
from tests.datafiles import write_idx
from tests.e2e.terminal import Terminal, altered
from tests.e2e.test_program import only_run, trained_some

NET = ("--width", "2", "--hidden-units", "8")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data and one stopped run, of 12 batches in the middle of its second epoch."""
    folder = tmp_path_factory.mktemp("kept")
    write_idx(folder / "data", train=400, test=200)
    arguments = ["train", "--data-dir", str(folder / "data"), "--epochs", "2", "--name", "a", "--threads", "1", *NET]
    with Terminal(arguments, folder) as terminal:
        assert terminal.wait(60) == 0
    return folder


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    """A copy of that run, on its own."""
    shutil.copytree(only_run(kept), tmp_path / "runs" / only_run(kept).name)
    return only_run(tmp_path)


def refused(folder: Path, arguments: list[str], code: int, *, said: str) -> str:
    """The one sentence that `train` refuses with, in a pseudo-terminal."""
    with Terminal(["train", *arguments], folder, columns=240) as terminal:
        assert terminal.wait(60) == code, terminal.text
        text = " ".join(terminal.joined.split())
    assert said in text
    assert "Traceback" not in text
    assert "weights_only" not in text
    return text


@pytest.mark.parametrize("command", [[], ["train"]], ids=["dashboard", "train"])
def test_17_a_place_that_takes_no_runs_is_found_at_once(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").write_text("")
    arguments = [*command, "--runs-dir", str(tmp_path / "file" / "runs")]
    with Terminal(arguments, tmp_path, columns=240) as terminal:
        assert terminal.wait(10) == 2
        assert f"runs cannot be kept in {tmp_path}/file/runs: {tmp_path}/file is no folder" in terminal.joined
    assert not (tmp_path / "file.runs").exists()


GARBAGE = {
    "empty": b"",
    "text": b"<!DOCTYPE html><html>404</html>",
    "json": b'{"format": "mnist-tui checkpoint"}',
    "random": random.Random(1).randbytes(4096),
    "pickle": pickle.dumps({"model": 1}),
    "zip": b"PK\x03\x04" + bytes(500),
}


@pytest.mark.parametrize("kind", list(GARBAGE))
def test_18_what_is_no_checkpoint_is_said_in_one_sentence(
    run: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "checkpoints" / "last.pt"
    path.write_bytes(GARBAGE[kind])
    before = {str(file): file.read_bytes() for file in run.rglob("*") if file.is_file()}
    assert main(["train", "--runs-dir", str(run.parent), "--resume", str(path), "--epochs", "3"]) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"mnist-tui: {path} is not a")
    assert "weights_only" not in sentence
    assert {str(file): file.read_bytes() for file in run.rglob("*") if file.is_file()} == before


def test_18_a_folder_that_is_no_run(tmp_path: Path) -> None:
    refused(tmp_path, ["--resume", str(tmp_path)], 2, said="is no run's folder")
    refused(tmp_path, ["--resume", "nothing"], 2, said="there is no run called 'nothing'")


class Bomb:
    """Runs code when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (os.system, (f"touch {self.marker}",))


def test_19_a_malicious_checkpoint_runs_no_code(run: Path, tmp_path: Path) -> None:
    path, marker = run / "checkpoints" / "last.pt", tmp_path / "it-ran"
    content = torch.load(path, weights_only=True)
    torch.save({**content, "bomb": Bomb(marker)}, path)
    refused(tmp_path, ["--resume", "a", "--epochs", "3"], 1, said="torch cannot read it safely")
    assert not marker.exists()


def test_20_a_flipped_bit_is_found_and_the_one_before_is_offered(run: Path, tmp_path: Path) -> None:
    path = run / "checkpoints" / "last.pt"
    data = bytearray(path.read_bytes())
    weights = torch.load(path, weights_only=True)["model"]["fc1.weight"].numpy().tobytes()
    data[bytes(data).index(weights[:64]) + 100] ^= 4
    path.write_bytes(data)
    text = refused(tmp_path, ["--resume", "a", "--epochs", "3"], 1, said="its member")
    assert "is damaged; previous.pt is whole, go on from step" in text
    with Terminal(
        ["train", "--resume", str(run / "checkpoints" / "previous.pt"), "--epochs", "3"], tmp_path
    ) as terminal:
        assert terminal.wait(60) == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "another version of mnist-tui (file version 2, this program reads 1)"),
        ({"dataset": "fashion"}, "was trained on fashion, this run on mnist"),
        ({"optimizer": {"state": {}, "param_groups": []}}, "does not fit the network of its own settings"),
    ],
    ids=["version", "dataset", "optimizer"],
)
def test_21_a_checkpoint_of_something_else_says_what_differs(
    run: Path, change: dict[str, object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run / "checkpoints" / "last.pt"
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    assert main(["train", "--runs-dir", str(run.parent), "--resume", "a", "--epochs", "3"]) == 1
    *_, sentence = capsys.readouterr().err.splitlines()  # behind what was loaded
    assert sentence.startswith("mnist-tui: ")
    assert said in sentence


def test_21_settings_that_a_run_cannot_change(run: Path, tmp_path: Path) -> None:
    refused(tmp_path, ["--resume", "a", "--width", "4"], 2, said="width cannot change inside a run (a has 2)")
    refused(tmp_path, ["--resume", "a", "--dataset", "fashion", "--epochs", "3"], 2, said="--dataset mnist")
    refused(
        tmp_path, ["--resume", "a"], 2, said="a is finished, after 2 epochs: give it more with --resume a --epochs 7"
    )


def test_22_another_number_of_threads_is_said(run: Path, tmp_path: Path) -> None:
    arguments = ["--resume", "a", "--epochs", "9999", "--threads", "2"]
    with Terminal(arguments, tmp_path, anew=True) as terminal:
        terminal.until("it is not bit-exact: threads 1 -> 2")
        terminal.until(trained_some)
        terminal.type("q")
        terminal.until("Stop and save")
        terminal.type("\r")
        assert terminal.wait() == 0


def test_23_no_network_and_no_data(tmp_path: Path) -> None:
    with Terminal(["--dataset", "kmnist", "--data-dir", str(tmp_path / "data"), "--start"], tmp_path) as terminal:
        terminal.until("kmnist", 15)
        terminal.until("failed", 20)
        terminal.until(lambda text: "copy" in " ".join(text.split()), 5)
        terminal.type("q")
        assert terminal.wait() in {0, 1}
        assert terminal.restored


@pytest.mark.parametrize("damage", ["cut", "html", "count", "label"])
def test_24_damaged_data_is_never_trained_on(tmp_path: Path, damage: str) -> None:
    paths = write_idx(tmp_path / "data", train=400, test=200)
    images, labels = paths[0], paths[1]
    match damage:
        case "cut":
            images.write_bytes(images.read_bytes()[:-100])
        case "html":
            images.write_bytes(b"<html>not found</html>")
        case "count":
            labels.write_bytes(labels.read_bytes()[:4] + (399).to_bytes(4, "big") + labels.read_bytes()[8:-1])
        case _:
            labels.write_bytes(labels.read_bytes()[:-1] + bytes([77]))
    text = refused(tmp_path, ["--data-dir", str(tmp_path / "data")], 1, said=str(tmp_path / "data"))
    assert "train" in text
    assert not (tmp_path / "runs").exists()


def test_25_a_device_that_is_not_here(tmp_path: Path) -> None:
    refused(tmp_path, ["--device", "cuda:7"], 2, said="there is no cuda:7 here")


def test_25_a_device_that_is_lost_in_a_run(tmp_path: Path) -> None:
    write_idx(tmp_path / "data", train=400, test=200)
    code = """
real = Learner.train_batch
count = [0]

def train_batch(self, images, labels):
    count[0] += 1
    if count[0] > 60:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    return real(self, images, labels)

Learner.train_batch = train_batch
"""
    environment = altered(tmp_path, {"mnist_tui.engine.learner": code})
    arguments = ["--data-dir", str(tmp_path / "data"), "--epochs", "9999", "--autosave", "1", "--start", *NET]
    with Terminal(arguments, tmp_path, environment=environment) as terminal:
        terminal.until("CUDA error: an illegal memory access")
        terminal.type("q")
        assert terminal.wait() == 1
        assert re.search("(go on|begin it again) with: mnist-tui --resume classic", terminal.said)
    assert json.loads((only_run(tmp_path) / "run.json").read_text())["status"] == "failed"
