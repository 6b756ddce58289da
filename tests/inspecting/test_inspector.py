import io
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mnist_tui.core.dataset import Split, find
from mnist_tui.core.sheet import Caption
from mnist_tui.engine.checkpoint import save_checkpoint, serialise, state_of
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.inspecting import (
    JudgeAgain,
    JudgeSplit,
    Prepared,
    ReadTraining,
    SheetWritten,
    SplitJudged,
    TrainingRead,
    Unanswered,
    Weights,
    Working,
    WriteSheet,
)
from mnist_tui.inspecting.inspector import Inspector

SMALL = Architecture(2, 3, 5)


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    inspector = Inspector()
    yield inspector
    assert inspector.close()


@pytest.fixture(scope="module")
def model() -> CNN:
    torch.manual_seed(1)
    return CNN(SMALL).eval()


@pytest.fixture(scope="module")
def digits() -> Split:
    test = find("mnist").load_test()
    return Split(test.images[: 784 * 1300], test.labels[:1300])


def weights_of(model: CNN, step: int = 7) -> Weights:
    return Weights("nowhere", step, 0, serialise(state_of(model)))


def expected(model: CNN, images: bytes) -> torch.Tensor:
    pixels = torch.frombuffer(bytearray(images), dtype=torch.uint8).reshape(-1, 1, 28, 28)
    with torch.inference_mode():
        logits: torch.Tensor = model((pixels.float() / 255 - 0.5) / 0.5)
    return logits


def test_a_picture_is_predicted(inspector: Inspector, model: CNN, digits: Split) -> None:
    inspector.ask(JudgeAgain(weights=weights_of(model), pixels=digits.images[:784]))
    assert inspector.wait(20)
    (answer,) = inspector.drain()
    assert isinstance(answer, Prepared)
    assert answer.weights_step == 7
    torch.testing.assert_close(torch.tensor([answer.logits]), expected(model, digits.images[:784]))


def test_a_split_is_judged_in_slices(inspector: Inspector, model: CNN, digits: Split) -> None:
    inspector.ask(JudgeSplit(weights=weights_of(model), name="training", digits=digits))
    assert inspector.wait(20)
    *working, answer = inspector.drain()
    assert isinstance(answer, SplitJudged)
    assert [round(part.done, 2) for part in working if isinstance(part, Working)] == [0.38, 0.77, 1.0]
    rows = torch.tensor(struct.unpack(f"{13000}f", answer.logits)).reshape(-1, 10)
    torch.testing.assert_close(rows, expected(model, digits.images))


def test_the_training_digits_are_read(inspector: Inspector) -> None:
    inspector.ask(ReadTraining(source=find("mnist")))
    assert inspector.wait(30)
    (answer,) = inspector.drain()
    assert isinstance(answer, TrainingRead)
    assert len(answer.digits) == 60_000


def sheet_of(digits: Split, path: Path) -> WriteSheet:
    captions = tuple(Caption(index, "7", "9", 0.5) for index in range(100))
    return WriteSheet(path=str(path), heading=("a", "b"), captions=captions, pixels=digits.images[:78400])


def test_a_contact_sheet_is_written(inspector: Inspector, digits: Split, tmp_path: Path) -> None:
    question = sheet_of(digits, tmp_path / "sheet.png")
    inspector.ask(question)
    assert inspector.wait(60)
    *working, answer = inspector.drain()
    assert [part.done for part in working if isinstance(part, Working)] == [0.4, 0.8, 1.0]
    assert answer == SheetWritten(question)
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_contact_sheet_that_cannot_be_written_is_one_sentence(
    inspector: Inspector, digits: Split, tmp_path: Path
) -> None:
    path = tmp_path / "gone" / "sheet.png"
    inspector.ask(sheet_of(digits, path))
    assert inspector.wait(60)
    answer = inspector.drain()[-1]
    assert isinstance(answer, Unanswered)
    assert answer.message == f"cannot write {path}: No such file or directory"


def test_what_cannot_be_answered_is_said_and_the_next_question_is_answered(
    inspector: Inspector, model: CNN, tmp_path: Path
) -> None:
    inspector.ask(JudgeAgain(weights=Weights(str(tmp_path), 5, 0), pixels=bytes(784)))
    assert inspector.wait(20)
    (answer,) = inspector.drain()
    assert isinstance(answer, Unanswered)
    assert "no checkpoint that can be read" in answer.message
    inspector.ask(JudgeAgain(weights=weights_of(model), pixels=bytes(784)))
    assert inspector.wait(20)
    assert isinstance(inspector.drain()[-1], Prepared)


def test_weights_that_are_not_kept_are_those_of_the_nearest_checkpoint(
    inspector: Inspector, model: CNN, tmp_path: Path
) -> None:
    (tmp_path / "checkpoints").mkdir()
    torch.manual_seed(2)
    for name, step in (("last", 900), ("best", 400)):
        other = model if name == "best" else CNN(SMALL)
        optimizer = torch.optim.Adam(other.parameters())
        save_checkpoint(tmp_path / "checkpoints" / f"{name}.pt", other, optimizer, {"step": step, "branch": 0})
    (tmp_path / "checkpoints" / "edit-0001.pt").write_bytes(b"torn")
    inspector.ask(JudgeAgain(weights=Weights(str(tmp_path), 500, 0), pixels=bytes(784)))
    assert inspector.wait(20)
    (answer,) = inspector.drain()
    assert isinstance(answer, Prepared)
    assert answer.weights_step == 400
    torch.testing.assert_close(torch.tensor([answer.logits]), expected(model, bytes(784)))


def test_a_checkpoint_that_is_written_later_is_taken_once_it_is_nearer(
    inspector: Inspector, model: CNN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_tui.engine.insight.weights.SAVING_SECONDS", 0.0)
    (tmp_path / "checkpoints").mkdir()
    steps = []
    for step in (600, 938):
        optimizer = torch.optim.Adam(model.parameters())
        save_checkpoint(tmp_path / "checkpoints" / "last.pt", model, optimizer, {"step": step, "branch": 0})
        inspector.ask(JudgeAgain(weights=Weights(str(tmp_path), 938, 0), pixels=bytes(784)))
        assert inspector.wait(20)
        (answer,) = inspector.drain()
        assert isinstance(answer, Prepared)
        steps.append(answer.weights_step)
    assert steps == [600, 938]


def test_a_newer_question_takes_the_place_of_an_older_one(inspector: Inspector, model: CNN, digits: Split) -> None:
    for step in range(20):
        inspector.ask(JudgeSplit(weights=weights_of(model, step), name="training", digits=digits))
    inspector.ask(JudgeAgain(weights=weights_of(model), pixels=bytes(784)))
    assert inspector.wait(30)
    answers = inspector.drain()
    judged = [answer.weights_step for answer in answers if isinstance(answer, SplitJudged)]
    assert judged[-1] == 19
    assert len(judged) < 20
    kinds = [type(answer) for answer in answers]
    assert kinds.index(Prepared) < kinds.index(SplitJudged)  # a short question comes between the slices of a long one


def test_closing_ends_the_thread_in_the_middle_of_a_long_question(model: CNN, digits: Split) -> None:
    inspector = Inspector()
    inspector.ask(JudgeAgain(weights=weights_of(model), pixels=bytes(784)))
    assert inspector.wait(20)
    inspector.ask(JudgeSplit(weights=weights_of(model), name="training", digits=digits))
    assert inspector.close()
    assert "inspector" not in {thread.name for thread in threading.enumerate()}
    inspector.ask(JudgeAgain(weights=weights_of(model), pixels=bytes(784)))
    assert not inspector.busy


def test_the_state_of_weights_is_a_plain_state_dict(model: CNN) -> None:
    state = torch.load(io.BytesIO(weights_of(model).state), weights_only=True)
    assert set(state) == set(model.state_dict())
