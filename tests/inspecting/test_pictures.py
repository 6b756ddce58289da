from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image

from mnist_tui.engine.centring import centre_canvas
from mnist_tui.engine.checkpoint import serialise, state_of
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.inspecting import (
    Answer,
    JudgeAgain,
    OpenPicture,
    PictureRefused,
    Prepare,
    Prepared,
    Question,
    Unanswered,
    Weights,
)
from mnist_tui.inspecting.inspector import Inspector
from tests.datafiles import cut

DIGIT = bytes(cut(1).digit(0))


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    inspector = Inspector()
    yield inspector
    assert inspector.close()


@pytest.fixture(scope="module")
def model() -> CNN:
    torch.manual_seed(1)
    return CNN(Architecture(2, 3, 5)).eval()


@pytest.fixture(scope="module")
def weights(model: CNN) -> Weights:
    return Weights("nowhere", 7, 0, serialise(state_of(model)))


def answer(inspector: Inspector, question: Question) -> Answer:
    inspector.ask(question)
    assert inspector.wait(20)
    (found,) = inspector.drain()
    assert found.question is question
    return found


def drawn() -> bytes:
    """A bar, far from the middle."""
    return bytes(255 if 3 <= row < 10 and 20 <= column < 23 else 0 for row in range(28) for column in range(28))


def test_a_canvas_is_prepared_as_mnist_was_and_predicted(inspector: Inspector, model: CNN, weights: Weights) -> None:
    found = answer(inspector, Prepare(weights=weights, pixels=drawn()))
    assert isinstance(found, Prepared)
    rows = [row for row in range(28) if any(found.pixels[row * 28 : row * 28 + 28])]
    assert (rows[0], len(rows)) == (4, 20)
    assert found.weights_step == 7
    pixels = torch.frombuffer(bytearray(found.pixels), dtype=torch.uint8).reshape(1, 1, 28, 28)
    with torch.inference_mode():
        logits = model((pixels.float() / 255 - 0.5) / 0.5)[0]
    torch.testing.assert_close(torch.tensor(found.logits), logits)
    torch.testing.assert_close(torch.tensor(found.probabilities), logits.softmax(0))


def test_a_digit_of_mnist_drawn_anywhere_comes_back_to_its_place(inspector: Inspector) -> None:
    moved = DIGIT[28 * 2 + 1 :] + bytes(28 * 2 + 1)
    assert centre_canvas(DIGIT) == centre_canvas(moved)


def test_without_weights_it_is_prepared_alone(inspector: Inspector) -> None:
    found = answer(inspector, Prepare(weights=None, pixels=drawn()))
    assert isinstance(found, Prepared)
    assert any(found.pixels)
    assert (found.weights_step, found.logits, found.probabilities) == (None, (), ())


def test_an_empty_canvas_shows_nothing(inspector: Inspector, weights: Weights) -> None:
    found = answer(inspector, Prepare(weights=weights, pixels=bytes(784)))
    assert isinstance(found, Prepared)
    assert not any(found.pixels)


def test_a_file_is_read_and_predicted(inspector: Inspector, weights: Weights, tmp_path: Path) -> None:
    Image.frombytes("L", (28, 28), DIGIT).save(tmp_path / "a.png")
    found = answer(inspector, OpenPicture(weights=weights, path=tmp_path / "a.png"))
    assert isinstance(found, Prepared)
    assert found.pixels == DIGIT
    assert len(found.logits) == 10


def test_a_file_that_is_no_picture_is_refused_in_a_sentence(inspector: Inspector, tmp_path: Path) -> None:
    found = answer(inspector, OpenPicture(weights=None, path=tmp_path / "absent.png"))
    assert isinstance(found, PictureRefused)
    assert "No such file" in found.message


def test_weights_that_are_gone_are_no_fault_of_the_picture(inspector: Inspector, tmp_path: Path) -> None:
    found = answer(inspector, Prepare(weights=Weights(str(tmp_path), 5, 0), pixels=drawn()))
    assert isinstance(found, Unanswered)


def test_logits_that_are_no_numbers_are_no_probabilities() -> None:
    nan = float("nan")
    assert Prepared(Prepare(weights=None, pixels=b""), b"", 3, (nan, 1.0)).probabilities == (0.0, 0.0)


def test_what_is_prepared_already_is_judged_as_it_is(inspector: Inspector, weights: Weights) -> None:
    found = answer(inspector, JudgeAgain(weights=weights, pixels=drawn()))
    assert isinstance(found, Prepared)
    assert found.pixels == drawn()
    assert (found.weights_step, len(found.logits)) == (7, 10)
