"""The command line: in this process where it can be, in one of its own where signals and pipes matter."""

import csv
import fcntl
import io
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import torch
from PIL import Image

from mnist_tui import __version__
from mnist_tui.cli import main
from mnist_tui.core.dataset import find
from mnist_tui.core.hyperparameters import KNOBS, PRESETS, Hyperparameters
from mnist_tui.core.runs import read_run, run_folders
from mnist_tui.core.settings import RunSettings
from mnist_tui.engine.checkpoint import load_model
from mnist_tui.runner import Order
from mnist_tui.runner.local import LocalRunner
from tests.datafiles import write_idx
from tests.engine.test_model import Classic

TEST = 60
SMALL = ["--width", "2", "--hidden-units", "8", "--batch-size", "32", "--device", "cpu", "--threads", "1"]
PATIENCE = 60.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small data set and one finished run named `mine` on it."""
    folder = tmp_path_factory.mktemp("place")
    write_idx(folder / "data", train=100, test=TEST)
    runner = LocalRunner(
        RunSettings(
            device="cpu",
            threads=1,
            data_dir=folder / "data",
            runs_dir=folder / "runs",
            name="mine",
            precision="bf16",  # so that an evaluation in another precision is seen to differ
        )
    )
    runner.start(Order(hyperparameters=Hyperparameters(width=2, hidden_units=8, epochs=2)))
    while "RunFinished" not in [type(event).__name__ for event in runner.wait(PATIENCE)]:
        pass
    assert runner.close()
    return folder


@pytest.fixture(autouse=True)
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("MNIST_TUI_RUNS_DIR", "runs")


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command in this process; gives exit code, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def refused(outcome: tuple[int, str, str]) -> str:
    """The sentence of a refusal: one line on stderr, nothing on stdout."""
    _, out, err = outcome
    assert out == ""
    assert re.fullmatch(r"mnist-tui: [^\n]+\n", err), err
    assert "Traceback" not in err
    return err[len("mnist-tui: ") : -1]


# --- evaluate


def evaluate(call: Call, model: str, *flags: str) -> dict[str, Any]:
    code, out, err = call("evaluate", model, "--json", "--data-dir", "data", "--device", "cpu", *flags)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1
    result: dict[str, Any] = json.loads(out)
    return result


def test_an_evaluation_in_json_agrees_with_itself(call: Call) -> None:
    result = evaluate(call, "mine")
    assert {"accuracy", "loss", "n", "per_class", "confusion", "mistakes", "seconds"} <= set(result)
    confusion, mistakes = result["confusion"], result["mistakes"]
    assert [len(row) for row in confusion] == [10] * 10
    right = sum(confusion[digit][digit] for digit in range(10))
    assert result["n"] == sum(map(sum, confusion)) == TEST
    assert result["accuracy"] == pytest.approx(right / TEST)
    assert len(mistakes) == TEST - right
    assert len(result["per_class"]) == 10
    for digit, figures in enumerate(result["per_class"]):
        assert set(figures) == {"precision", "recall", "f1", "support"}
        assert figures["support"] == sum(confusion[digit])
    losses = [mistake["loss"] for mistake in mistakes]
    assert losses == sorted(losses, reverse=True)
    labels = find("mnist", Path("data")).load_test().labels
    for mistake in mistakes:
        assert set(mistake) == {"index", "true", "predicted", "probability", "probability_true", "loss"}
        assert mistake["true"] == labels[mistake["index"]] != mistake["predicted"]
        assert 0 <= mistake["probability_true"] <= mistake["probability"] <= 1
        assert mistake["loss"] == pytest.approx(-torch.tensor(mistake["probability_true"]).log().item(), rel=1e-3)
    assert result["seconds"] > 0
    doubted = result["label_errors"]
    for error in doubted:
        assert set(error) == {"index", "label", "suggested", "quality"}
        assert error["label"] == labels[error["index"]] != error["suggested"]
    assert [error["quality"] for error in doubted] == sorted(error["quality"] for error in doubted)


def test_the_evaluation_is_that_of_the_run(call: Call) -> None:
    (folder,) = run_folders(Path("runs"))
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    last = [line for line in lines if line["event"] == "Evaluated"][-1]
    result = evaluate(call, str(folder / "cnn_model.pth"))
    assert result["accuracy"] == pytest.approx(last["accuracy"])
    assert result["loss"] == pytest.approx(last["loss"], rel=1e-5)


def test_a_model_may_be_named_in_every_way(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder,) = run_folders(Path("runs"))
    best = folder / "checkpoints" / "best.pt"
    expected = evaluate(call, str(best))
    for model in ("mine", folder.name, str(folder), str(folder.resolve())):
        result = evaluate(call, model)
        assert result["model"] == str(best) or Path(result["model"]).samefile(best)
        assert (result["accuracy"], result["loss"]) == (expected["accuracy"], expected["loss"])
    for file in ("checkpoints/last.pt", "cnn_model.pth"):
        assert evaluate(call, str(folder / file))["n"] == TEST
    monkeypatch.setenv("MNIST_TUI_RUNS_DIR", "elsewhere")
    assert evaluate(call, "mine", "--runs-dir", "runs")["n"] == TEST


def test_a_file_of_the_classic_script_is_evaluated(call: Call, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = Classic()
    torch.save(net.state_dict(), tmp_path / "mnist_cnn.pth")
    result = evaluate(call, str(tmp_path / "mnist_cnn.pth"))
    test = find("mnist", Path("data")).load_test()
    pixels = torch.frombuffer(bytearray(test.images), dtype=torch.uint8).reshape(-1, 1, 28, 28).float()
    with torch.no_grad():
        logits = net((pixels / 255 - 0.5) / 0.5)
    labels = torch.tensor(list(test.labels))
    assert result["accuracy"] == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert result["loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-4)


def test_an_evaluation_for_people(call: Call) -> None:
    code, out, err = call("evaluate", "mine", "--data-dir", "data", "--device", "cpu")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert f"on the {TEST} test images of mnist" in lines[0]
    assert re.match(r"accuracy \d+\.\d\d%   loss \d+\.\d{4}   mistakes \d+ ", lines[1])
    assert [line.split()[0] for line in lines[4:14]] == list("0123456789")
    assert "hardest mistakes (the rest with --json):" in lines
    assert len(lines) <= 28


def test_the_table_of_all_digits_is_written_and_agrees_with_the_mistakes(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    words = ("evaluate", "mine", "--data-dir", "data", "--device", "cpu", "--csv")
    code, out, err = call(*words, str(path), "--json")
    assert (code, err) == (0, f"mnist-tui: {path} holds all {TEST} digits, the hardest first\n")
    text = path.read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == TEST
    losses = [float(row["loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    mistakes = json.loads(out)["mistakes"]
    wrong = [row for row in rows if row["true"] != row["predicted"]]
    assert [int(row["index"]) for row in wrong] == [mistake["index"] for mistake in mistakes]
    for row, mistake in zip(wrong, mistakes, strict=True):
        assert all(float(row[name]) == pytest.approx(value, rel=1e-6) for name, value in mistake.items())
    assert call(*words, "-") == (0, text, "")


def test_a_contact_sheet_of_the_mistakes_is_written(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    mistakes = len(evaluate(call, "mine")["mistakes"])
    words = ("evaluate", "mine", "--data-dir", "data", "--device", "cpu", "--sheet", str(path))
    code, _, err = call(*words)
    assert (code, err) == (0, f"mnist-tui: {path} shows {mistakes} mistakes\n")
    with Image.open(path) as sheet:
        assert (sheet.format, sheet.width > 800) == ("PNG", True)
    assert f"{path} is there already" in refused(call(*words))


def test_files_that_cannot_be_given_are_refused_before_anything_is_evaluated(call: Call, tmp_path: Path) -> None:
    (tmp_path / "here.csv").write_text("mine")
    for words, sentence in (
        (["--csv", str(tmp_path / "here.csv")], "here.csv is there already: give another name, or remove it first"),
        (["--csv", "absent/a.csv"], "absent is no folder, so a.csv cannot be written there"),
        (["--csv", "--sheet"], "--csv needs the name of a file, or - for standard output, not --sheet"),
        (["--csv", "-", "--json"], "--json and --csv - both want standard output"),
        (["--sheet", "a.jpg"], "--sheet writes a PNG: a.jpg should end in .png"),
    ):
        outcome = call("evaluate", "no-model-of-this-name", *words)
        assert outcome[0] == 2, words
        assert sentence in refused(outcome)
    assert (tmp_path / "here.csv").read_text() == "mine"


def test_a_table_that_cannot_be_written_is_one_sentence(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mnist_tui.reports.write_atomically", refuse)
    code, _, err = call("evaluate", "mine", "--data-dir", "data", "--device", "cpu", "--csv", "a.csv")
    assert (code, err) == (1, "mnist-tui: cannot write a.csv: No space left on device\n")


# --- train


def test_flags_take_the_place_of_a_presets_values(call: Call) -> None:
    small = ["--epochs", "1", "--width=2", "--hidden-units", "8", "--data-dir", "data", "--device", "cpu"]
    code, out, err = call("train", "--preset", "accurate", *small, "--name", "precise", "--json")
    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    (started,) = [event for event in events if event.get("event") == "RunStarted"]
    wanted = attrs.asdict(PRESETS["accurate"]) | {"epochs": 1, "width": 2, "hidden_units": 8}
    assert started["hyperparameters"] == wanted
    (folder,) = Path("runs").glob("*-precise")
    assert read_run(folder)["preset"] == "accurate"
    shutil.rmtree(folder)


# --- predict


def test_pictures_are_predicted(call: Call, tmp_path: Path) -> None:
    test = find("mnist", Path("data")).load_test()
    paths = []
    for index in range(3):
        path = tmp_path / f"{index}.png"
        Image.frombytes("L", (28, 28), bytes(test.digit(index))).save(path)
        paths.append(str(path))
    code, out, err = call("predict", "mine", *paths, "--json", "--device", "cpu")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [entry["path"] for entry in found] == paths
    model, _ = load_model(next(Path("runs").glob("*/checkpoints/best.pt")))
    pixels = torch.frombuffer(bytearray(test.images[: 3 * 784]), dtype=torch.uint8).reshape(-1, 1, 28, 28).float()
    with torch.no_grad():
        expected = model((pixels / 255 - 0.5) / 0.5).softmax(1)
    for entry, row in zip(found, expected.tolist(), strict=True):
        assert set(entry) == {"path", "predicted", "probabilities"}
        assert entry["probabilities"] == pytest.approx(row, abs=1e-5)
        assert entry["predicted"] == row.index(max(row))
    code, out, _ = call("predict", "mine", paths[0], "--device", "cpu")
    assert code == 0
    assert out.startswith(f"{paths[0]}   {found[0]['predicted']} ")
    assert len(out.splitlines()) == 1


@pytest.mark.parametrize(("columns", "lines"), [(80, 15), (40, 25)])
def test_a_terminal_also_shows_what_the_network_sees(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int, lines: int
) -> None:
    Image.frombytes("L", (28, 28), bytes(find("mnist").load_test().digit(0))).save("seen.png")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, _ = call("predict", "mine", "seen.png", "--device", "cpu")
    assert code == 0
    _, *art = re.sub(r"\x1b\[[\d;]*m", "", out).splitlines()
    assert len(art) + 1 == lines
    assert max(map(len, art)) <= columns
    assert any("█" in line for line in art)
    assert sum(line.rstrip().endswith("%") for line in art) == 10


# --- refusals

WRONG_USAGE = [
    (["nope"], "'nope' is neither a command"),
    ([""], "'' is neither a command"),
    (["train", "0.1"], "'0.1' is neither a command"),
    (["evaluate", "a", "b"], "'b' is neither a command"),
    (["--nope"], "unknown option: --nope"),
    (["train", "--nope", "1"], "unknown option: --nope"),
    (["train", "--no-json"], "unknown option: --no-json"),
    (["evaluate"], "MODEL requires an argument"),
    (["predict", "mine"], "IMAGES requires an argument"),
    (["train", "--epochs"], "--epochs requires an argument"),
    (["train", "--epochs", "3", "--epochs", "4"], "--epochs specified multiple times"),
    (["train", "--device", "gpu", "--data-dir", "data"], "'gpu' is no device: use auto, cpu, cuda, cuda:N or mps"),
    (["train", "--threads", "0"], "--threads must be from 1 to 1024, not 0"),
    (["train", "--threads", "1000000"], "--threads must be from 1 to 1024, not 1000000"),
    (["train", "--threads", "x"], "--threads"),
    (["train", "--validation", "-1"], "--validation must be 0 or more"),
    (["train", "--validation", "100", "--data-dir", "data", "--device", "cpu"], "leaves nothing to train on"),
    (["train", "--autosave", "nan"], "--autosave must be 1 or more, not nan"),
    (["train", "--preset", "x"], "there is no preset 'x'"),
    (["train", "--dataset", "cifar"], "no data set 'cifar'"),
    (["train", "--name", "a b", "--data-dir", "data", "--device", "cpu"], "'a b' cannot name a run"),
    (["train", "--name", "mine", "--data-dir", "data", "--device", "cpu"], "use --name mine-2"),
    (["evaluate", "mine", "--threads", "0"], "--threads must be"),
    (["evaluate", "mine", "--device", "gpu", "--data-dir", "data"], "'gpu' is no device"),
    (["--fps", "0"], "--fps must be 0.2 or more"),
    (["tran"], "'tran' is no command: did you mean train?"),
    (["runz", "--json"], "'runz' is no command: did you mean runs?"),
    (["--epochs", "3", "train"], "the command comes first: mnist-tui train"),
    (["--json", "runs"], "the command comes first: mnist-tui runs"),
    (["--name", "train", "--nosuch"], "unknown option: --nosuch: see mnist-tui --help"),
    (["train", "runs"], "train takes no 'runs', which is another command: see mnist-tui train --help"),
    (["train", "--lr", "1"], "unknown option: --lr. Did you mean --learning-rate? see mnist-tui train --help"),
    (["--lr=1"], "Did you mean --learning-rate? see mnist-tui --help"),
    (["train", "--n-epochs", "2"], "Did you mean --epochs?"),
    (["train", "--batch_size2", "2"], "Did you mean --batch-size?"),
    (["evaluate", "mine", "--gpu"], "Did you mean --device cuda?"),
    (["train", "--nosuch"], "unknown option: --nosuch: see mnist-tui train --help"),
    (
        ["--json"],
        "of mnist-tui, but train, evaluate, predict, runs, compare, doctor have it: see mnist-tui --help",
    ),
    (
        ["doctor", "--data-dir", "x"],
        "of mnist-tui doctor, but train, evaluate have it: see mnist-tui --help",
    ),
    (["compare", "--jsno=1"], "unknown option: --jsno. Did you mean --json? see mnist-tui compare --help"),
    (["train", "--decay", "1"], "Did you mean --weight-decay?"),
    (["train", "-lr", "1"], "Did you mean --learning-rate?"),
    (["--hlep"], "unknown option: --hlep. Did you mean --help? see mnist-tui --help"),
    (["train", "--no-gpu"], "unknown option: --no-gpu: see mnist-tui train --help"),
    (["train", "--a\nb\x1b[31m" + 99 * "c"], "unknown option: --a b?[31mccc"),
    (["train", "--start"], "unknown option: --start of mnist-tui train, but mnist-tui has it: see mnist-tui --help"),
    (["--resume"], "--resume needs a run's name, its folder or a checkpoint in it: `mnist-tui runs` lists"),
]


@pytest.mark.parametrize(("words", "sentence"), WRONG_USAGE, ids=lambda value: str(value)[:40])
def test_wrong_usage_is_one_sentence_and_two(
    capfd: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        code = main(words)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    out, err = capfd.readouterr()
    assert code == 2
    assert out == "" or out.startswith("data: mnist")  # a line of `train` before its refusal
    assert sentence in refused((code, "", err))


@pytest.mark.parametrize("knob", [knob for knob in KNOBS.values() if knob.kind != "choice"], ids=lambda knob: knob.name)
@pytest.mark.parametrize("text", ["many", "", "nan", "-1", "1e30", "1_0", "٣", "0x10", "9" * 5000, "--json"])
@pytest.mark.parametrize("equals", [False, True])
def test_a_flag_takes_what_its_row_takes(call: Call, knob: Any, text: str, equals: bool) -> None:
    words = [f"{knob.flag}={text}"] if equals else [knob.flag, text]
    outcome = call("train", *words)
    assert outcome[0] == 2
    sentence = refused(outcome)
    assert sentence.startswith(f"{knob.label} must be {knob.range_text}, not ")
    assert len(sentence) < 160


@pytest.mark.parametrize("text", ["1.5", "2.0", "1e1"])
def test_a_whole_number_takes_no_fraction(call: Call, text: str) -> None:
    assert refused(call("train", "--epochs", text)).endswith(f"from 1 to 10000, not {text}")


def test_a_choice_may_be_typed_in_capitals(call: Call) -> None:
    assert "optimizer must be one of" in refused(call("train", "--optimizer", "lion"))
    assert "epochs must be" in refused(call("train", "--optimizer", "SGD", "--epochs", "0"))


def bad_file(tmp_path: Path) -> str:
    path = tmp_path / "bad.pth"
    path.write_bytes(b"this is no model")
    return str(path)


def test_bad_files_are_one_sentence_and_one(call: Call, tmp_path: Path) -> None:
    picture = tmp_path / "bad.png"
    picture.write_text("this is no picture")
    data = ["--data-dir", "data", "--device", "cpu"]
    for words, sentence in (
        (["evaluate", bad_file(tmp_path), *data], "is not a model of mnist-tui"),
        (["evaluate", "nope", *data], "there is no file and no run called 'nope': the newest runs in runs are mine"),
        (["evaluate", "a" * 5000, *data], "there is no file and no run called 'aaa"),
        (["evaluate", "~nobody-of-this-name", *data], "there is no file and no run called"),
        (["evaluate", str(tmp_path), *data], "holds no checkpoint"),
        (["evaluate", "mine", "--data-dir", "absent"], "absent does not exist"),
        (["predict", "mine", str(picture)], "is not a picture"),
        (["predict", "mine", "absent.png"], "cannot read absent.png"),
        (["predict", "nope", str(picture)], "there is no file and no run called 'nope'"),
    ):
        outcome = call(*words)
        assert outcome[0] == 1, words
        assert sentence in refused(outcome)


def test_a_bad_picture_does_not_hide_the_good_ones(call: Call, tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.png", tmp_path / "good.png"
    bad.write_text("this is no picture")
    Image.frombytes("L", (28, 28), bytes(find("mnist").load_test().digit(0))).save(good)
    code, out, err = call("predict", "mine", str(bad), str(good), "absent.png", "--json", "--device", "cpu")
    assert code == 1
    assert [entry["path"] for entry in json.loads(out)] == [str(good)]
    first, second = err.strip().splitlines()
    assert "bad.png is not a picture" in first
    assert "cannot read absent.png" in second


def test_the_variable_shows_where_an_error_came_from(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_TUI_DEBUG", "1")
    with pytest.raises(Exception, match="no run called 'nope'"):
        call("evaluate", "nope")


def test_an_unexpected_failure_is_one_sentence_too(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError("one\ntwo")

    monkeypatch.setattr("mnist_tui.reports.evaluate", fail)
    outcome = call("evaluate", "mine")
    assert outcome[0] == 1
    sentence = refused(outcome)
    assert sentence == "something unexpected failed: ZeroDivisionError: one two (MNIST_TUI_DEBUG=1 shows where)"
    monkeypatch.setenv("MNIST_TUI_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        call("evaluate", "mine")


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["evaluate", "-h"], ["--version"]])
def test_help_and_version_are_no_error(call: Call, words: list[str]) -> None:
    code, out, err = call(*words)
    assert (code, err) == (0, "")
    assert out.strip()


def test_the_help_names_every_flag(call: Call) -> None:
    _, out, _ = call("train", "--help")
    for flag in [knob.flag for knob in KNOBS.values()] + ["--preset", "--device", "--data-dir", "--json", "--name"]:
        assert flag in out
    assert call("--version")[1].strip() == __version__


@pytest.mark.parametrize("name", ["one", "two"])  # one process: whoever came first, with whatever variable
def test_the_runs_folder_is_read_when_the_command_runs(call: Call, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("MNIST_TUI_RUNS_DIR", name)
    monkeypatch.setenv("COLUMNS", "200")  # the help breaks no line
    assert f"{name} holds no run" in refused(call("evaluate", "nope"))
    assert f"{name} holds no run" in refused(call("compare", "a", "b"))
    assert f"{name} holds no run" in "".join(map(str, call("runs")))
    assert "there is no file and no run called 'nope': two holds no run" in refused(
        call("evaluate", "nope", "--runs-dir", "two", "--threads", "1")
    )
    for command in ("train", "evaluate", "predict", "runs", "compare"):
        assert f"[default: {name}]" in call(command, "--help")[1]


# --- in a process of its own


STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    """A test that fails leaves no process training behind."""
    yield
    for process in STARTED:
        if process.poll() is None:
            process.kill()
            process.communicate()
    STARTED.clear()


def start(*words: str, code: str = "", **more: Any) -> subprocess.Popen[str]:
    """`mnist-tui` with these words, or the Python that stands for it."""
    process = subprocess.Popen(
        [sys.executable, *(["-c", code] if code else ["-m", "mnist_tui"]), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )
    STARTED.append(process)
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def endless(runs_dir: Path, *flags: str, code: str = "") -> subprocess.Popen[str]:
    words = ("train", *SMALL, "--data-dir", "data", "--runs-dir", str(runs_dir), "--epochs", "10000", *flags)
    return start(*words, code=code)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_first(tmp_path: Path, number: int, code: int) -> None:
    process = endless(tmp_path, "--json")
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "BatchesTrained":
        pass
    process.send_signal(number)
    found, out, err = finish(process)
    assert (found, err) == (code, "")
    summary = json.loads(out.splitlines()[-1])
    assert summary["status"] == "stopped"
    assert load_model(Path(summary["model"]))
    assert load_model(Path(summary["checkpoint"]))[1]["step"] <= summary["steps"]
    (folder,) = run_folders(tmp_path)
    assert read_run(folder)["status"] == "stopped"
    assert load_model(folder / "checkpoints" / "last.pt")[1]["step"] == summary["steps"]


def test_a_signal_while_torch_is_loaded_leaves_at_once(tmp_path: Path) -> None:
    process = endless(tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("data: ")
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert (code, err) == (143, "")


def test_a_reader_that_stalls_holds_no_run_that_is_asked_to_end(tmp_path: Path) -> None:
    code = "import mnist_tui.cli, mnist_tui.reaper; mnist_tui.reaper.UNREAD_SECONDS = 0.5; mnist_tui.cli.run()"
    process = endless(tmp_path, "--json", code=code)
    assert process.stdout is not None
    full, deadline = fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ) - select.PIPE_BUF, time.monotonic() + PATIENCE
    while struct.unpack("i", fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4)))[0] < full:
        assert time.monotonic() < deadline
        select.select([], [], [], 0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 143
    (folder,) = run_folders(tmp_path)
    assert read_run(folder)["status"] == "stopped"


def test_a_reader_that_goes_away_ends_the_run_quietly_and_saved(tmp_path: Path) -> None:
    process = endless(tmp_path, "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith('{"event":"EngineLoaded"')
    process.stdout.close()
    err = process.stderr.read()
    assert (process.wait(PATIENCE), err) == (1, "")
    (folder,) = run_folders(tmp_path)
    assert read_run(folder)["status"] == "stopped"
    process.stderr.close()


def test_a_path_that_is_no_text_is_no_obstacle(tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 [/b]")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    words = ["train", *SMALL, "--data-dir", "data", "--runs-dir", odd, "--epochs", "1"]
    code, out, err = finish(start(*words, env=environment))
    assert (code, err) == (0, "")
    assert "saved in" in out
    (folder,) = run_folders(Path(odd))
    assert read_run(folder)["status"] == "done"


def test_the_bare_command_needs_a_terminal() -> None:
    code, out, err = finish(start())
    assert code == 2
    assert "standard input is none: use `mnist-tui train`" in refused((code, out, err))


def test_a_debugged_error_is_a_traceback() -> None:
    code, _, err = finish(start("evaluate", "nope", env={**os.environ, "MNIST_TUI_DEBUG": "1"}))
    assert code != 0
    assert err.startswith("Traceback")
    assert "no run called 'nope'" in err.splitlines()[-1]
