"""The kernels that pass over zeros, against torch's own convolutions, pooling and autograd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.engine.kernels import host
from mnist_tui.engine.kernels.host import Host
from mnist_tui.engine.sparse import SparseFeatures, has_kernels
from tests.engine.small import kernels_anew

pytestmark = pytest.mark.skipif(not has_kernels(32, 64), reason="there are no kernels for this processor")
HERE = host.host()


@pytest.fixture(params=[Host(16, 32), Host(8, 16)], ids=["avx512", "avx2"])
def processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A processor that this one can stand for, and nothing made for another one."""
    wanted: Host = request.param
    if HERE is None or wanted.lanes > HERE.lanes:
        pytest.skip("this processor has no such registers")
    monkeypatch.setattr(host, "host", lambda: wanted)
    with kernels_anew():
        yield wanted


@pytest.fixture
def threads() -> Iterator[None]:
    """The number of torch's threads is put back."""
    number = torch.get_num_threads()
    yield
    torch.set_num_threads(number)


def weights(c1: int, c2: int, scale: float = 1.0) -> list[Tensor]:
    """Weights and biases of two convolutions, small whole numbers times `scale`: without one every sum is exact."""
    torch.manual_seed(5)
    sizes = [(c1, 1, 3, 3), (c1,), (c2, c1, 3, 3), (c2,)]
    return [(scale * torch.randint(-2, 3, size)).requires_grad_() for size in sizes]


def digits(count: int) -> Tensor:
    """Images of whole numbers, in which maxima are often found in several places of the four."""
    return torch.randint(-1, 2, (count, 1, 28, 28)).float()


def by_torch(images: Tensor, weight1: Tensor, bias1: Tensor, weight2: Tensor, bias2: Tensor) -> Tensor:
    first = F.relu(F.max_pool2d(F.conv2d(images, weight1, bias1, padding=1), 2))
    return F.relu(F.max_pool2d(F.conv2d(first, weight2, bias2, padding=1), 2))


@pytest.mark.parametrize("channels", [(16, 32), (32, 64), (48, 16), (8, 24), (4, 8), (64, 32)])
@pytest.mark.parametrize("count", [1, 11])
@pytest.mark.usefixtures("processor")
def test_maps_and_gradients_are_those_of_torch(channels: tuple[int, int], count: int) -> None:
    images, some = digits(count), weights(*channels)
    expected, found = by_torch(images, *some), SparseFeatures.apply(images, *some)
    assert torch.equal(found, expected)
    gradient = torch.randint(-2, 3, expected.shape).float()
    for mine, theirs in zip(
        torch.autograd.grad(found, some, gradient), torch.autograd.grad(expected, some, gradient), strict=True
    ):
        assert torch.equal(mine, theirs)


@pytest.mark.usefixtures("threads")
def test_any_number_of_threads_gives_the_same_bits() -> None:
    images, some = torch.rand(13, 1, 28, 28), weights(32, 64, 0.1371)
    gradient = torch.randn(13, 64, 7, 7)
    found = []
    for number in (1, 2, 5):
        torch.set_num_threads(number)
        maps = SparseFeatures.apply(images, *some)
        found.append(torch.autograd.grad(maps, some, gradient))
    for others in found[1:]:
        for one, other in zip(found[0], others, strict=True):
            assert torch.equal(one, other)


@pytest.mark.usefixtures("processor")
def test_in_bfloat16_the_second_convolution_is_rounded_and_the_gradients_go_the_same_way() -> None:
    images, some = torch.rand(9, 1, 28, 28), weights(32, 64, 0.1371)
    exact = SparseFeatures.apply(images, *some)
    rounded = SparseFeatures.apply(images, *some, torch.bfloat16)
    assert rounded.dtype == torch.bfloat16
    first = F.relu(F.max_pool2d(F.conv2d(images, some[0], some[1], padding=1), 2)).bfloat16()
    second = F.conv2d(first, some[2].bfloat16(), some[3].bfloat16(), padding=1)
    torch.testing.assert_close(rounded, F.relu(F.max_pool2d(second, 2)), rtol=0.02, atol=0.1)
    gradient = torch.randn_like(exact)
    pairs = zip(
        torch.autograd.grad(rounded, some, gradient.bfloat16()), torch.autograd.grad(exact, some, gradient), strict=True
    )
    for mine, theirs in pairs:
        assert mine.dtype == torch.float32
        assert torch.cosine_similarity(mine.flatten(), theirs.flatten(), dim=0) > 0.99


def test_what_is_no_number_goes_on_as_such() -> None:
    """Else a diverged training would look as if all were well."""
    some = weights(16, 32)
    with torch.no_grad():
        some[0][3, 0, 1, 1] = torch.nan
    assert SparseFeatures.apply(digits(2), *some).isnan().any()
    with torch.no_grad():
        some[0][3, 0, 1, 1] = 0.0
        some[3][5] = torch.nan
    maps = SparseFeatures.apply(digits(2), *some)
    assert maps[:, 5].isnan().all()
    assert torch.autograd.grad(maps, some, maps.detach())[3][5].isnan()


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_is_no_number_wins_in_any_of_the_four_places(place: tuple[int, int]) -> None:
    some = [torch.zeros_like(each) for each in weights(16, 32)]
    for weight in (some[0], some[2]):
        weight[:, :, 1, 1] = 1.0
    images = torch.ones(1, 1, 28, 28)
    images[0, 0, 6 + place[0], 8 + place[1]] = torch.nan
    expected = by_torch(images, *some)
    assert expected.isnan().any()
    assert torch.equal(SparseFeatures.apply(images, *some).isnan(), expected.isnan())


def test_images_in_another_order_of_memory_are_the_same_images() -> None:
    images, some = digits(6), weights(16, 32)
    turned = images.permute(0, 1, 3, 2)
    expected = SparseFeatures.apply(turned.contiguous(), *some)
    assert torch.equal(SparseFeatures.apply(turned, *some), expected)


def test_no_image_is_no_map() -> None:
    assert SparseFeatures.apply(torch.empty(0, 1, 28, 28), *weights(16, 32)).shape == (0, 32, 7, 7)


@pytest.mark.parametrize("channels", [(5, 3), (1, 2), (32, 63), (6, 12)])
def test_channels_that_fill_no_vector_have_no_kernel(channels: tuple[int, int]) -> None:
    assert not has_kernels(*channels)


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64"), ("Windows", "x86_64")])
def test_elsewhere_there_are_none(system: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    has_kernels.cache_clear()
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert not has_kernels(32, 64)
    has_kernels.cache_clear()


def test_somebody_elses_autocast_changes_no_size_of_number() -> None:
    images, some = digits(3), weights(32, 64)
    with torch.autocast("cpu", torch.bfloat16):
        found = SparseFeatures.apply(images, *some)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, by_torch(images, *some), rtol=0.05, atol=2.0)
