from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
import torch

from mnist_tui.core.dataset import Source, Split, find
from mnist_tui.engine.checkpoint import serialise, state_of
from mnist_tui.engine.insight.answering import Answering
from mnist_tui.engine.insight.saliency import PATCH
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.inspecting import Answer, JudgeSplit, Question, SplitJudged, TrainingRead, Weights, Working
from mnist_tui.inspecting.reasons import (
    Activate,
    Activated,
    Explain,
    Explained,
    FiltersRead,
    FindNeighbours,
    Heat,
    NeighboursFound,
    ReadFilters,
)

SMALL = Architecture(2, 3, 5)
Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def model() -> CNN:
    torch.manual_seed(4)
    return CNN(SMALL).eval()


@pytest.fixture(scope="module")
def digits() -> Split:
    test = find("mnist").load_test()
    return Split(test.images[: 784 * 1300], test.labels[:1300])


@pytest.fixture
def answering(digits: Split, monkeypatch: pytest.MonkeyPatch) -> Answering:
    monkeypatch.setattr(Source, "load_train", lambda self: digits)
    return Answering("cpu", None)


def weights_of(model: CNN, step: int = 7) -> Weights:
    return Weights("nowhere", step, 0, serialise(state_of(model)))


def broken(model: CNN) -> CNN:
    other = CNN(SMALL)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        other.fc1.weight.fill_(torch.nan)
    return other


def ask(answering: Answering, question: Question) -> list[Answer]:
    return [answer for answer in answering.answer(question) if answer is not None]


def heat(answering: Answering, model: CNN, pixels: bytes, heat: Heat, target: int, against: int = -1) -> Floats:
    question = Explain(weights=weights_of(model), pixels=pixels, heat=heat, target=target, against=against)
    (answer,) = ask(answering, question)
    assert isinstance(answer, Explained)
    assert answer.weights_step == 7
    return np.frombuffer(answer.heat, dtype=np.float32).reshape(28, 28)


def logits(model: CNN, ink: torch.Tensor) -> torch.Tensor:
    """By the plainest way there is, in double precision: `ink` (n, 28, 28), 0..1."""
    exact = CNN(SMALL).double().eval()
    exact.load_state_dict(model.state_dict())
    with torch.no_grad():
        _, _, hidden = exact.activations((ink.double()[:, None] - 0.5) / 0.5)
        return cast(torch.Tensor, exact.fc2(hidden))


def ink_of(pixels: bytes) -> torch.Tensor:
    return torch.frombuffer(bytearray(pixels), dtype=torch.uint8).reshape(28, 28).double() / 255


@pytest.mark.parametrize(("kind", "against"), [("gradient", -1), ("contrast", 4)])
def test_gradients_are_those_of_finite_differences(answering: Answering, model: CNN, kind: Heat, against: int) -> None:
    # Of noise: on plain paper the maxima of the pooling tie, and there is no derivative.
    pixels = np.random.default_rng(1).integers(0, 256, 784, dtype=np.uint8).tobytes()
    found = heat(answering, model, pixels, kind, 9, against)
    ink, nudge = ink_of(pixels), 1e-6
    for place in (200, 300, 406, 410, 500):
        up, down = ink.flatten().clone(), ink.flatten().clone()
        up[place] += nudge
        down[place] -= nudge
        above, below = logits(model, torch.stack([up, down]).reshape(2, 28, 28))
        expected = (above - below) / (2 * nudge)
        wanted = expected[9] - (expected[against] if against >= 0 else 0)
        assert found.flatten()[place] == pytest.approx(float(wanted), rel=1e-3, abs=1e-6)


def test_occlusion_is_the_drop_of_the_probability_under_a_grey_patch(
    answering: Answering, model: CNN, digits: Split
) -> None:
    pixels = bytes(digits.digit(8))
    found = heat(answering, model, pixels, "occlusion", 5)
    ink, half = ink_of(pixels), PATCH // 2
    for row, column in ((0, 0), (3, 27), (14, 14), (20, 9)):
        covered = ink.clone()
        covered[max(0, row - half) : row + half + 1, max(0, column - half) : column + half + 1] = 128 / 255
        whole, left = logits(model, torch.stack([ink, covered])).softmax(1)[:, 5]
        assert found[row, column] == pytest.approx(float(whole - left), abs=1e-6)


@pytest.mark.parametrize("kind", ["gradient", "occlusion", "contrast"])
def test_a_blank_picture_and_a_network_that_diverged_are_answered(answering: Answering, model: CNN, kind: Heat) -> None:
    assert np.isfinite(heat(answering, model, bytes(784), kind, 1, 2)).all()
    assert heat(answering, broken(model), bytes(784), kind, 1, 2).shape == (28, 28)


def test_every_layer_of_a_picture_is_answered(answering: Answering, model: CNN, digits: Split) -> None:
    (answer,) = ask(answering, Activate(weights=weights_of(model), pixels=bytes(digits.digit(5))))
    assert isinstance(answer, Activated)
    with torch.no_grad():
        first, second, hidden = model.activations((ink_of(bytes(digits.digit(5))).float()[None, None] - 0.5) / 0.5)
    assert (answer.first.channels, answer.first.side, answer.second.channels, answer.second.side) == (2, 14, 3, 7)
    for packed, expected in (
        (answer.first.maps, first),
        (answer.second.maps, second),
        (answer.hidden, hidden),
        (answer.logits, model.fc2(hidden).detach()),
    ):
        np.testing.assert_allclose(np.frombuffer(packed, np.float32), expected.flatten().numpy(), rtol=1e-4, atol=1e-5)


def test_filters_are_the_weights_and_their_norms(answering: Answering, model: CNN) -> None:
    (answer,) = ask(answering, ReadFilters(weights=weights_of(model)))
    assert isinstance(answer, FiltersRead)
    assert (answer.channels, answer.second_channels) == (2, 3)
    kernels = np.frombuffer(answer.kernels, np.float32).reshape(2, 3, 3)
    np.testing.assert_array_equal(kernels, model.conv1.weight.detach().numpy()[:, 0])
    norms = np.frombuffer(answer.norms, np.float32).reshape(3, 2)
    assert norms[2, 1] == pytest.approx(float((model.conv2.weight.detach()[2, 1] ** 2).sum() ** 0.5), rel=1e-5)


def neighbours(weights: Weights, pixels: bytes, without: int = -1) -> FindNeighbours:
    return FindNeighbours(weights=weights, source=find("mnist"), pixels=pixels, count=20, without=without)


@pytest.mark.parametrize("without", [-1, 77])
def test_neighbours_are_those_of_brute_force(answering: Answering, model: CNN, digits: Split, without: int) -> None:
    pixels = bytes(digits.digit(77))
    *_, answer = ask(answering, neighbours(weights_of(model), pixels, without))
    assert isinstance(answer, NeighboursFound)
    images = torch.frombuffer(bytearray(digits.images), dtype=torch.uint8).reshape(-1, 1, 28, 28)
    with torch.no_grad():
        features = model.activations((images.float() / 255 - 0.5) / 0.5)[2].double()
    distances = (features - features[77]).pow(2).sum(1).sqrt()
    order = [index for index in distances.argsort().tolist() if index != without][:20]
    found = answer.neighbours
    np.testing.assert_allclose([n.distance for n in found], distances[order].numpy(), rtol=1e-3, atol=1e-4)
    assert {n.index for n in found[:15]} <= set(order)
    assert all(n.label == digits.labels[n.index] for n in found)
    assert (found[0].index == 77) == (without == -1)


def test_features_are_made_once_for_neighbours_and_for_the_training_gallery(
    answering: Answering, model: CNN, digits: Split
) -> None:
    weights = weights_of(model)
    working, read, *grown, judged, found = ask(answering, neighbours(weights, bytes(784)))
    assert isinstance(working, Working)
    assert isinstance(read, TrainingRead)
    assert [round(part.done, 2) for part in grown if isinstance(part, Working)] == [0.38, 0.77, 1.0]
    assert isinstance(judged, SplitJudged)
    assert judged.question.digits is read.digits is digits
    assert isinstance(found, NeighboursFound)
    again = ask(answering, neighbours(weights, bytes(digits.digit(1))))
    assert [type(answer) for answer in again] == [NeighboursFound]
    (same,) = ask(answering, JudgeSplit(weights=weights, name="training", digits=read.digits))
    assert isinstance(same, SplitJudged)
    assert same.logits == judged.logits
    other = ask(answering, neighbours(weights_of(model, 8), bytes(784)))
    assert sum(isinstance(answer, Working) for answer in other) == 3
    assert not any(isinstance(answer, TrainingRead) for answer in other)


def test_features_that_were_begun_are_gone_on_with(answering: Answering, model: CNN, digits: Split) -> None:
    first = answering.answer(neighbours(weights_of(model), bytes(784)))
    assert [type(next(first)) for _ in range(3)] == [Working, TrainingRead, Working]
    rest = ask(answering, neighbours(weights_of(model), bytes(digits.digit(2))))
    assert [round(part.done, 2) for part in rest if isinstance(part, Working)] == [0.77, 1.0]


def test_what_a_question_cut_off_in_the_last_slice_did_not_tell_the_next_one_tells(
    answering: Answering, model: CNN, digits: Split
) -> None:
    first = answering.answer(neighbours(weights_of(model), bytes(784)))
    while not (isinstance(answer := next(first), Working) and answer.done == 1):
        pass
    rest = ask(answering, neighbours(weights_of(model), bytes(digits.digit(2))))
    assert [type(answer) for answer in rest] == [SplitJudged, NeighboursFound]


def test_a_network_that_diverged_has_no_neighbours(answering: Answering, model: CNN) -> None:
    *_, answer = ask(answering, neighbours(weights_of(broken(model)), bytes(784)))
    assert isinstance(answer, NeighboursFound)
    assert answer.neighbours == ()
