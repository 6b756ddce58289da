import pytest
import torch

from mnist_tui.engine.learner import Learner
from mnist_tui.engine.probe import probe, snapshot
from tests.engine.small import CPU, SMALL, splits


def test_every_figure_is_that_of_its_layer() -> None:
    learner = Learner(SMALL, CPU)
    images, labels = splits(32, 1).train.slice(0, 32)
    before = snapshot(learner.model)
    learner.train_batch(images, labels)
    layers = probe(learner.model, images, before)
    assert tuple(layer.name for layer in layers) == tuple(learner.model.LAYERS)
    maps = [*learner.model.activations(images), None]
    for layer, activations in zip(layers, maps, strict=True):
        part = learner.model.get_submodule(layer.name)
        weights = torch.cat([weight.detach().flatten() for weight in part.parameters()])
        old = torch.cat([before[f"{layer.name}.{name}"].flatten() for name, _ in part.named_parameters()])
        gradient = torch.cat([weight.grad.flatten() for weight in part.parameters() if weight.grad is not None])
        assert layer.weight_norm == pytest.approx(float(weights.norm()))
        assert layer.gradient_norm == pytest.approx(float(gradient.norm()))
        assert layer.update_ratio == pytest.approx(float((weights - old).norm() / weights.norm()))
        if activations is None:
            assert layer.dead is None
        else:
            silent = [bool((unit <= 0).all()) for unit in activations.transpose(0, 1)]
            assert layer.dead == pytest.approx(sum(silent) / len(silent))


def test_what_is_not_asked_for_is_left_out() -> None:
    for layer in probe(Learner(SMALL, CPU).model):
        assert layer.weight_norm > 0
        assert (layer.gradient_norm, layer.update_ratio, layer.dead) == (0.0, None, None)
