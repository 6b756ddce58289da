"""Looking into the network changes nothing of what is trained."""

from __future__ import annotations

import attrs
import torch

from mnist_tui.core.control import Control
from mnist_tui.core.dataset import Split
from mnist_tui.core.events import Evaluated
from mnist_tui.engine.trainer import Trainer
from mnist_tui.inspecting import CrossJudge, JudgeSplit, Prepare, Weights
from mnist_tui.inspecting.inspector import Inspector
from mnist_tui.inspecting.reasons import Activate, Explain
from tests.engine.small import CPU, SMALL, splits

SPLITS = splits(train=600, test=100)
DROPPING = attrs.evolve(SMALL, dropout=0.5, epochs=2)  # draws from torch's own random state in every batch


def digits() -> Split:
    images = SPLITS.train.images.numpy().tobytes()
    return Split(images, SPLITS.train.labels.byte().numpy().tobytes())


def trained(inspector: Inspector | None) -> dict[str, torch.Tensor]:
    """The weights in the end; with an inspector, questions are asked after each evaluation and answered meanwhile."""
    trainer = Trainer(DROPPING, SPLITS, CPU)
    for event in trainer.run(Control()):
        if inspector is not None and isinstance(event, Evaluated):
            weights, split = Weights("nowhere", event.step, 0, event.weights), digits()
            pixels = bytes(split.digit(0))
            inspector.ask(CrossJudge(weights=weights, digits=split))
            inspector.ask(JudgeSplit(weights=weights, name="training", digits=split))
            inspector.ask(Explain(weights=weights, pixels=pixels, heat="occlusion", target=3, against=-1))
            inspector.ask(Activate(weights=weights, pixels=pixels))
            inspector.ask(Prepare(weights=weights, pixels=pixels))
    return {name: weight.clone() for name, weight in trainer.model.state_dict().items()}


def test_a_training_is_bit_for_bit_the_same_while_it_is_looked_into() -> None:
    alone = trained(None)
    inspector = Inspector()
    try:
        watched = trained(inspector)
        assert inspector.wait(60)
        kinds = {type(answer).__name__ for answer in inspector.drain()}
    finally:
        assert inspector.close()
    assert {"CrossJudged", "SplitJudged", "Explained", "Activated", "Prepared"} <= kinds
    for name, weight in alone.items():
        assert torch.equal(weight, watched[name]), name
