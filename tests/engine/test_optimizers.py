import copy
from typing import Any

import attrs
import pytest
import torch

from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.engine.optimizers import apply_live, make_optimizer, make_step, restore_optimizer

KINDS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}


def weight() -> torch.Tensor:
    return torch.tensor([1.0, -2.0], requires_grad=True)


def step(optimizer: torch.optim.Optimizer, parameter: torch.Tensor) -> None:
    optimizer.zero_grad()
    (parameter**2).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def momentum_of(group: dict[str, Any]) -> float:
    return float(group["betas"][0] if "betas" in group else group["momentum"])


@pytest.mark.parametrize("name", KNOBS["optimizer"].choices)
def test_each_choice_is_its_optimizer_with_the_values_asked_for(name: str) -> None:
    wanted = Hyperparameters(optimizer=name, learning_rate=0.25, momentum=0.5, weight_decay=0.125)
    optimizer = make_optimizer([weight()], wanted)
    assert type(optimizer) is KINDS[name]
    (group,) = optimizer.param_groups
    assert (group["lr"], momentum_of(group), group["weight_decay"]) == (0.25, 0.5, 0.125)


def test_the_default_is_torchs_own_adam() -> None:
    ours, theirs = weight(), weight()
    mine, plain = make_optimizer([ours], Hyperparameters()), torch.optim.Adam([theirs], lr=0.001)
    for _ in range(5):
        step(mine, ours)
        step(plain, theirs)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", KNOBS["optimizer"].choices)
def test_an_edit_takes_effect_and_keeps_the_state(name: str) -> None:
    start = Hyperparameters(optimizer=name, learning_rate=0.01)
    parameter = weight()
    optimizer = make_optimizer([parameter], start)
    step(optimizer, parameter)
    state = {key: value for key, value in optimizer.state[parameter].items() if torch.is_tensor(value)}
    apply_live(optimizer, attrs.evolve(start, learning_rate=0.5, momentum=0.25, weight_decay=0.5))
    (group,) = optimizer.param_groups
    assert (group["lr"], momentum_of(group), group["weight_decay"]) == (0.5, 0.25, 0.5)
    for key, value in state.items():
        assert optimizer.state[parameter][key] is value
    if "betas" in group:
        assert group["betas"][1] == 0.999
    before = parameter.detach().clone()
    step(optimizer, parameter)
    assert (parameter.detach() - before).abs().max() > 0.05


@pytest.mark.parametrize("name", KNOBS["optimizer"].choices)
def test_every_legal_momentum_is_one_the_optimizer_takes(name: str) -> None:
    for momentum in (KNOBS["momentum"].low, KNOBS["momentum"].high):
        parameter = weight()
        optimizer = make_optimizer([parameter], Hyperparameters(optimizer=name, momentum=momentum))
        step(optimizer, parameter)
        apply_live(optimizer, Hyperparameters(optimizer=name, momentum=0.0, learning_rate=10.0, weight_decay=1.0))
        step(optimizer, parameter)


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd", "rmsprop"])
def test_momentum_may_be_raised_from_nothing_while_it_trains(kind: str) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = make_optimizer([weight], Hyperparameters(optimizer=kind, momentum=0.0))
    for momentum in (0.0, 0.5, 0.0, 0.9):
        apply_live(optimizer, Hyperparameters(optimizer=kind, momentum=momentum))
        optimizer.zero_grad()
        (weight**2).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert torch.isfinite(weight).all()


@pytest.mark.parametrize("name", KNOBS["optimizer"].choices)
def test_a_step_is_the_optimizers_own_through_every_live_edit(name: str) -> None:
    start = Hyperparameters(optimizer=name, weight_decay=0.01)
    edited = attrs.evolve(start, learning_rate=0.1, momentum=0.3, weight_decay=0.25)
    ours, theirs = weight(), weight()
    mine, plain = make_optimizer([ours], start), make_optimizer([theirs], start)
    take_step = make_step(mine)
    for values in (start, start, edited, edited):
        for optimizer, parameter, take in ((mine, ours, take_step), (plain, theirs, plain.step)):
            apply_live(optimizer, values)
            optimizer.zero_grad()
            (parameter**2).sum().backward()  # type: ignore[no-untyped-call]
            take()
    assert ours.tolist() == theirs.tolist()
    for state, wanted in zip(mine.state_dict()["state"].values(), plain.state_dict()["state"].values(), strict=True):
        torch.testing.assert_close(state, wanted, rtol=0, atol=0)


@pytest.mark.parametrize("name", KNOBS["optimizer"].choices)
@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format], ids=["last", "first"])
def test_a_state_of_another_order_of_memory_belongs_to_the_same_weights(name: str, order: torch.memory_format) -> None:
    """As between a GPU and a CPU, or between processors with kernels and without."""
    settings = Hyperparameters(optimizer=name, learning_rate=0.1)
    start = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    gradients = [torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2)]

    def stepped(parameter: torch.Tensor, optimizer: torch.optim.Optimizer, gradient: torch.Tensor) -> None:
        parameter.grad = torch.empty_like(parameter).copy_(gradient)
        make_step(optimizer)()

    one = start.clone().requires_grad_()
    mine = make_optimizer([one], settings)
    stepped(one, mine, gradients[0])
    other = one.detach().clone().contiguous(memory_format=order).requires_grad_()
    theirs = make_optimizer([other], settings)
    restore_optimizer(theirs, copy.deepcopy(mine.state_dict()))
    stepped(one, mine, gradients[1])
    stepped(other, theirs, gradients[1])
    assert torch.equal(one, other)
