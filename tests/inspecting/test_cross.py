"""Training digits judged by networks that have not seen them."""

import numpy as np
import torch

from mnist_tui.core.dataset import Split
from mnist_tui.engine.checkpoint import serialise, state_of
from mnist_tui.engine.insight.cross import FOLDS, cross_judge, fresh_network
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.inspecting import CrossJudge, CrossJudged, Weights, Working
from mnist_tui.inspecting.inspector import Inspector
from tests.datafiles import cut

SMALL = Architecture(4, 8, 16)
CPU = torch.device("cpu")


def judged(digits: Split) -> tuple[list[float], np.ndarray]:
    question = CrossJudge(weights=Weights("", 1, 0), digits=digits)
    *working, answer = [answer for answer in cross_judge(question, SMALL, CPU) if answer is not None]
    assert isinstance(answer, CrossJudged)
    logits = np.frombuffer(answer.logits, dtype=np.float32).reshape(-1, 10)
    return [part.done for part in working if isinstance(part, Working)], logits


def test_every_digit_is_judged_the_same_each_time_and_the_global_generator_is_not_touched() -> None:
    digits = cut(700)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    done, logits = judged(digits)
    assert torch.equal(torch.get_rng_state(), before)
    assert logits.shape == (700, 10)
    assert (logits != 0).any(axis=1).all()
    assert done == sorted(done)
    assert done[-1] == 1.0
    np.testing.assert_array_equal(judged(digits)[1], logits)


def test_no_network_has_seen_what_it_judges() -> None:
    """Another label of a digit changes what is made of the other folds, and never of its own."""
    digits = cut(90)
    labels = bytearray(digits.labels)
    labels[17] = (labels[17] + 5) % 10
    changed = (judged(digits)[1] != judged(Split(digits.images, bytes(labels)))[1]).any(axis=1)
    assert not changed[17]
    assert changed.sum() == 90 - 90 // FOLDS


def test_a_fresh_network_is_spread_as_torch_spreads_it() -> None:
    torch.manual_seed(0)
    ours, theirs = fresh_network(Architecture(), 1), CNN(Architecture())
    for ours_weight, theirs_weight in zip(ours.parameters(), theirs.parameters(), strict=True):
        if ours_weight.numel() > 200:
            assert abs(ours_weight.std().item() / theirs_weight.std().item() - 1) < 0.15
        assert abs(ours_weight.mean().item()) < 0.5 * ours_weight.abs().max().item()


def test_the_inspector_answers_with_the_architecture_of_the_weights() -> None:
    inspector = Inspector()
    weights = Weights("nowhere", 7, 0, serialise(state_of(CNN(SMALL))))
    before = torch.get_rng_state()
    inspector.ask(CrossJudge(weights=weights, digits=cut(200)))
    assert inspector.wait(30)
    assert isinstance(inspector.drain()[-1], CrossJudged)
    assert torch.equal(torch.get_rng_state(), before)  # it belongs to a training beside this
    assert inspector.close()
