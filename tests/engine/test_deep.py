"""The deep network, and the average of weights."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from mnist_tui.core.control import Control
from mnist_tui.core.errors import ModelFileError
from mnist_tui.core.events import CheckpointSaved, Evaluated
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.architectures import architecture_for, architecture_of, blank_network, make_network
from mnist_tui.engine.checkpoint import load_model
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.inference import logits_of
from mnist_tui.engine.insight.cross import fresh_network
from mnist_tui.engine.keeper import Destination
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.network import Architecture
from mnist_tui.engine.probe import probe
from mnist_tui.engine.trainer import Trainer
from tests.engine.small import CPU, splits

SIZES = Architecture(2, 4, 8, "deep")
DEEP = Hyperparameters(network="deep", width=2, hidden_units=8, batch_size=32, epochs=2, weight_average=0.9)
IMAGES = torch.randn(16, 1, 28, 28, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(16) % 10


def test_its_architecture_is_read_from_its_weights() -> None:
    state = make_network(SIZES).state_dict()
    assert architecture_of(state) == SIZES == architecture_for(DEEP)
    filled = blank_network(SIZES)
    filled.load_state_dict(state)
    with pytest.raises(ModelFileError, match=r"has no tensor 'norm3\.running_var'"):
        architecture_of({name: tensor for name, tensor in state.items() if name != "norm3.running_var"})
    with pytest.raises(ModelFileError, match=r"conv6.weight has shape \(8, 3, 3, 3\), where \(8, 8, 3, 3\) is needed"):
        architecture_of({**state, "conv6.weight": torch.zeros(8, 3, 3, 3)})


def test_what_is_looked_into_is_what_predicts() -> None:
    net = make_network(SIZES).eval()
    with torch.inference_mode():
        first, second, hidden = net.activations(IMAGES)
        torch.testing.assert_close(net.fc2(hidden), net(IMAGES))
    assert (first.shape, second.shape, hidden.shape) == ((16, 2, 14, 14), (16, 4, 7, 7), (16, 8))
    assert min(float(first.min()), float(second.min()), float(hidden.min())) == 0
    named = [name for beginnings in net.LAYERS.values() for name in beginnings]
    assert all(sum(name.startswith(each) for each in named) == 1 for name, _ in net.named_parameters())


def test_bfloat16_is_float32_but_for_its_rounding() -> None:
    torch.manual_seed(0)
    exact = make_network(SIZES)
    rounded = make_network(SIZES, precision="bf16")
    rounded.load_state_dict(exact.state_dict())
    gradients = []
    for net in (exact, rounded):
        logits = net(IMAGES)
        assert logits.dtype == torch.float32
        F.cross_entropy(logits, LABELS).backward()  # type: ignore[no-untyped-call]
        gradients.append(torch.cat([weight.grad.flatten() for weight in net.parameters() if weight.grad is not None]))
    assert gradients[1].dtype == torch.float32
    assert 0.9 < float(torch.cosine_similarity(gradients[0], gradients[1], dim=0)) < 1


def test_a_batch_may_be_one_image() -> None:
    learner = Learner(DEEP, CPU)
    learner.model.train()
    before = learner.model.norm7.running_mean.clone()  # type: ignore[union-attr, operator]
    loss, *_ = learner.train_batch(IMAGES[:1], LABELS[:1])
    assert loss.isfinite()
    assert learner.is_finite()
    assert torch.equal(learner.model.norm7.running_mean, before)  # type: ignore[union-attr, arg-type]


def test_a_look_does_not_move_the_statistics() -> None:
    learner = Learner(DEEP, CPU)
    learner.model.train()
    learner.train_batch(IMAGES, LABELS)
    before = {name: tensor.clone() for name, tensor in learner.model.state_dict().items()}
    layers = probe(learner.model, IMAGES)
    assert learner.model.training
    evaluate(learner.model, splits().test)
    after = learner.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [layer.name for layer in layers] == ["conv1-2", "conv3-4", "conv5-6", "fc1", "fc2"]
    assert [layer.dead is None for layer in layers] == [False, False, True, False, True]
    assert all(layer.gradient_norm > 0 for layer in layers)


def test_a_fresh_network_of_a_seed_predicts_and_draws_from_nobody_else() -> None:
    state = torch.get_rng_state()
    nets = [fresh_network(SIZES, seed).eval() for seed in (1, 1, 2)]
    assert torch.equal(torch.get_rng_state(), state)
    same, again, other = (net(IMAGES) for net in nets)
    assert same.isfinite().all()
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_the_average_is_that_of_all_weights_and_statistics() -> None:
    learner = Learner(DEEP, CPU)
    assert learner.average is not None
    wanted = {name: tensor.clone().double() for name, tensor in learner.model.state_dict().items()}
    learner.model.train()
    for number in range(1, 40):
        learner.train_batch(IMAGES, LABELS)
        learner.average_weights()
        decay = min(0.9, (1 + number) / (10 + number))
        for name, tensor in learner.model.state_dict().items():
            wanted[name] = decay * wanted[name] + (1 - decay) * tensor
    assert learner.judged is learner.average.model
    assert not learner.judged.training
    for name, tensor in learner.judged.state_dict().items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor.double(), wanted[name], rtol=1e-4, atol=1e-6)


def test_the_average_begins_and_ends_when_its_setting_does() -> None:
    learner = Learner(Hyperparameters(width=2, hidden_units=8), CPU)
    assert learner.judged is learner.model
    learner.apply(Hyperparameters(width=2, hidden_units=8, weight_average=0.5))
    assert learner.judged is not learner.model
    assert all(map(torch.equal, learner.judged.parameters(), learner.model.parameters()))
    learner.apply(Hyperparameters(width=2, hidden_units=8))
    assert learner.judged is learner.model


def test_what_is_evaluated_is_what_is_kept(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    data = splits()
    trainer = Trainer(DEEP, data, CPU, Destination(tmp_path))
    events = list(islice(trainer.run(Control()), 200))
    told = [event for event in events if isinstance(event, Evaluated)][-1]
    assert any(isinstance(event, CheckpointSaved) for event in events)
    images = data.test.images.numpy().tobytes()
    for path in (tmp_path / "checkpoints" / "last.pt", tmp_path / "cnn_model.pth"):
        model, _ = load_model(path)
        logits = logits_of(model.settle(CPU), images, CPU)
        wanted = torch.frombuffer(bytearray(told.logits), dtype=torch.float32).reshape(-1, 10)
        torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-5)
