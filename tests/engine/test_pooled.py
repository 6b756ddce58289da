"""The deep network's training by kernels, against torch's own operators and autograd."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import deep
from mnist_tui.engine.architectures import kernels_for, make_network
from mnist_tui.engine.kernels import host
from mnist_tui.engine.kernels.host import Host
from mnist_tui.engine.network import Architecture
from mnist_tui.engine.patches import normalised_convolution
from mnist_tui.engine.pooled import PooledConvolution, has_pooled
from tests.engine.small import CPU, kernels_anew

by_kernels = pytest.mark.skipif(not has_pooled(28, 8, 8), reason="there are no kernels for this processor")
SIZES = Architecture(8, 16, 8, "deep")


def whole(*size: int) -> Tensor:
    """Small whole numbers, with which every sum is exact, and maxima are often found in several places of the four."""
    return torch.randint(-2, 3, size).float()


@by_kernels
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("processor", [Host(16, 32), Host(8, 16)], ids=["avx512", "avx2"])
@pytest.mark.parametrize(
    ("side", "c1", "c2", "count"), [(28, 16, 16, 1), (28, 8, 24, 3), (14, 32, 32, 17), (14, 4, 8, 2)]
)
def test_maps_and_gradients_are_those_of_torch(
    side: int,
    c1: int,
    c2: int,
    count: int,
    processor: Host,
    order: torch.memory_format,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host, "host", lambda: processor)  # vectors that this one has not are cut in two
    torch.manual_seed(side + c1)
    given, weight = whole(count, c1, side, side).requires_grad_(), whole(c2, c1, 3, 3).requires_grad_()
    gradient = whole(count, c2, side // 2, side // 2)
    with kernels_anew():
        found = PooledConvolution.apply(
            (given * 1).contiguous(memory_format=order), weight
        )  # it takes for itself what it is given
        mine = torch.autograd.grad(found, (given, weight), gradient)
    expected = F.max_pool2d(F.conv2d(F.relu(given), weight, padding=1), 2)
    assert torch.equal(found, expected)
    for one, other in zip(mine, torch.autograd.grad(expected, (given, weight), gradient), strict=True):
        assert torch.equal(one, other)


@by_kernels
def test_what_is_no_number_stays_none() -> None:
    maps, weight = torch.rand(1, 8, 28, 28), torch.rand(8, 8, 3, 3)
    maps[0, 3, 11, 20] = torch.nan
    pooled = PooledConvolution.apply(maps.clone(), weight)
    expected = F.max_pool2d(F.conv2d(F.relu(maps), weight, padding=1), 2)
    assert torch.equal(pooled.isnan(), expected.isnan())
    assert pooled.isnan().any()


@by_kernels
def test_any_number_of_threads_gives_the_same_bits() -> None:
    torch.manual_seed(0)
    given, weight = torch.randn(13, 8, 14, 14), torch.randn(8, 8, 3, 3).requires_grad_()
    gradient, threads, found = torch.randn(13, 8, 7, 7), torch.get_num_threads(), []
    try:
        for number in (1, 2, 5):
            torch.set_num_threads(number)
            (of_weight,) = torch.autograd.grad(PooledConvolution.apply(given.clone(), weight), weight, gradient)
            found.append(of_weight)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize("count", [1, 5])
def test_the_first_maps_are_normalised_without_a_look_at_them(count: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(count, 1, 28, 28) * 2 - 1
    conv, norm = nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
    nn.init.uniform_(norm.weight)
    nn.init.uniform_(norm.bias)
    weights = [conv.weight, norm.weight, norm.bias]
    gradient = torch.randn(count, 8, 28, 28)
    outcomes, statistics = [], []
    for ours in (True, False):
        norm.reset_running_stats()
        maps = normalised_convolution(images, conv, norm) if ours else norm(conv(images))
        outcomes.append([maps, *torch.autograd.grad(maps, weights, gradient)])
        statistics.append({name: buffer.clone() for name, buffer in norm.named_buffers()})
    torch.testing.assert_close(*outcomes, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(*statistics, rtol=1e-5, atol=1e-6)
    assert len(statistics[0]) == 3


def test_maps_that_hardly_vary_are_normalised_as_well() -> None:
    """A filter for noise sees smooth images: the variance of its maps is a small difference of large numbers."""
    torch.manual_seed(0)
    window = torch.hann_window(28, periodic=False)
    images = F.interpolate(torch.rand(64, 1, 4, 4) + 2, size=28, mode="bicubic") * torch.outer(window, window)
    conv, norm = nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1, eps=1e-9)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]))
    found = normalised_convolution(images, conv, norm)
    expected = norm.double()(conv.double()(images.double()))
    assert float((found - expected).detach().abs().max() / expected.detach().abs().max()) < 5e-4


@pytest.mark.parametrize("size", [1, 30])
def test_of_one_grey_the_normalisation_leaves_the_bias(size: int) -> None:
    conv, norm = nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1)
    with torch.no_grad():
        conv.weight.zero_()[0, 0, 1, 1] = 100
    for grey in torch.linspace(-1, 1, 41).tolist():
        maps = normalised_convolution(torch.full((size, 1, 28, 28), grey), conv, norm)
        assert maps.isfinite().all(), grey


@by_kernels
def test_somebody_elses_autocast_changes_no_size_of_number() -> None:
    net = make_network(SIZES).settle(CPU).train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(torch.rand(4, 1, 28, 28))
    assert logits.isfinite().all()


@by_kernels
def test_it_is_differentiated_once() -> None:
    weight = torch.rand(8, 8, 3, 3).requires_grad_()
    pooled = PooledConvolution.apply(torch.rand(2, 8, 14, 14), weight)
    (first,) = torch.autograd.grad(pooled.square().sum(), weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()  # type: ignore[no-untyped-call]


@by_kernels
def test_the_network_is_trained_alike_with_kernels_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    images, labels = torch.rand(12, 1, 28, 28) * 2 - 1, torch.arange(12) % 10
    assert deep.has_deep_kernels(SIZES)
    outcomes = []
    for there in (True, False):
        monkeypatch.setattr(deep, "has_deep_kernels", lambda _, there=there: there)
        torch.manual_seed(1)
        net = make_network(SIZES).settle(CPU).train()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [weight.grad for weight in net.parameters() if weight.grad is not None]
        outcomes.append([loss.detach(), *gradients, *net.buffers()])
    assert len(outcomes[0]) == len(outcomes[1]) > 40
    for one, other in zip(*outcomes, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-3, atol=2e-4)


@by_kernels
def test_kernels_play_their_part_in_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Tensor] = []

    def convolve(images: Tensor, *_: object) -> Tensor:
        called.append(images)
        return images.repeat(1, 8, 1, 1)

    monkeypatch.setattr(deep, "normalised_convolution", convolve)
    net, images = make_network(SIZES).settle(CPU), torch.rand(4, 1, 28, 28)
    net.train()(images)
    assert len(called) == 1
    net.train()(images.clone().requires_grad_())
    with torch.no_grad():
        net.train()(images)
    net.eval()(images)
    make_network(SIZES, precision="bf16").train()(images)
    make_network(Architecture(2, 4, 8, "deep")).train()(images)
    assert len(called) == 1


@by_kernels
def test_a_run_says_what_they_are_written_in() -> None:
    wide = Hyperparameters(network="deep", width=16)
    assert kernels_for(wide, CPU) in {"AVX2", "AVX-512"}
    assert kernels_for(Hyperparameters(network="deep", width=2), CPU) == "none"
    assert kernels_for(wide, CPU, "bf16") is None
    assert kernels_for(wide, torch.device("mps")) is None
