import pytest
import torch
import torch.nn.functional as F

from mnist_tui.engine import evaluate as module
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.evaluate import evaluate
from tests.datafiles import cut
from tests.engine.small import CPU, network

COUNT = 23


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    """Three slices, the last one short."""
    monkeypatch.setattr(module, "SLICE", 10)
    return Batches(cut(COUNT), CPU)


def test_it_equals_a_naive_loop(batches: Batches) -> None:
    net = network().eval()
    result = evaluate(net, batches)
    assert result is not None
    losses, hits = [], 0
    with torch.no_grad():
        for index in range(COUNT):
            image, label = batches.gather(torch.tensor([index]))
            logits = net(image)
            torch.testing.assert_close(result.logits[index], logits[0], rtol=1e-4, atol=1e-5)
            losses.append(float(F.cross_entropy(logits, label)))
            hits += int(logits.argmax()) == int(label)
    assert result.loss == pytest.approx(sum(losses) / COUNT, rel=1e-5)
    assert result.accuracy == hits / COUNT
    assert result.logits.shape == (COUNT, 10)
    assert result.logits.dtype == torch.float32
    assert result.seconds > 0


@pytest.mark.parametrize("training", [True, False])
def test_the_models_mode_is_put_back_and_dropout_is_off(batches: Batches, training: bool) -> None:
    net = network().train(training)
    net.dropout = 0.9
    state = torch.get_rng_state()
    first, second = evaluate(net, batches), evaluate(net, batches)
    assert net.training == training
    assert first is not None
    assert second is not None
    assert torch.equal(first.logits, second.logits)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_interrupted_evaluation_gives_nothing_and_looks_before_every_slice(batches: Batches) -> None:
    net = network().train()
    for looks in range(3):
        answers = iter([False] * looks + [True])
        assert evaluate(net, batches, lambda answers=answers: next(answers)) is None  # type: ignore[misc]
        assert net.training
    answers = iter([False] * 3)
    assert evaluate(net, batches, lambda: next(answers)) is not None


def test_the_mode_is_put_back_after_an_error_too(batches: Batches) -> None:
    net = network().train()
    batches.images = batches.images[:, :, :5]
    with pytest.raises(RuntimeError):
        evaluate(net, batches)
    assert net.training


def test_training_can_go_on_afterwards(batches: Batches) -> None:
    net = network().train()
    evaluate(net, batches)
    images, labels = batches.slice(0, COUNT)
    F.cross_entropy(net(images), labels).backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in net.parameters())
