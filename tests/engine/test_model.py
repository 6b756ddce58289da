import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.errors import ModelFileError
from mnist_tui.engine import model
from mnist_tui.engine.architectures import architecture_of
from mnist_tui.engine.blocked import HAS_ONEDNN_BF16
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from tests.engine.small import TINY, network


class Classic(nn.Module):
    """The network as the classic script writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=1, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 64 * 7 * 7)
        x = F.relu(self.fc1(x))
        logits: Tensor = self.fc2(x)
        return logits


@pytest.fixture(params=[True, False], ids=["kernels", "no kernels"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With kernels, where they exist, and without."""
    if not request.param:
        monkeypatch.setattr(model, "has_kernels", lambda *_: False)


IMAGES = torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_it_is_the_network_of_the_classic_script() -> None:
    torch.manual_seed(3)
    ours = CNN()
    torch.manual_seed(3)
    classic = Classic()
    with torch.no_grad():
        torch.testing.assert_close(ours(IMAGES), classic(IMAGES), rtol=1e-5, atol=1e-5)
    assert ours.parameter_count == sum(p.numel() for p in classic.parameters()) == 421_642


def test_weights_travel_to_the_classic_script_and_back() -> None:
    torch.manual_seed(1)
    classic, ours, other = Classic(), CNN(), CNN()
    ours.load_state_dict(classic.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(ours(IMAGES), classic(IMAGES), rtol=1e-5, atol=1e-5)
        classic.load_state_dict(other.state_dict())
        torch.testing.assert_close(other(IMAGES), classic(IMAGES), rtol=1e-5, atol=1e-5)
    assert list(classic.state_dict()) == list(ours.state_dict())


def test_gradients_are_those_of_the_classic_script() -> None:
    ours, classic = CNN(), Classic()
    classic.load_state_dict(ours.state_dict())
    labels = torch.arange(16) % 10
    for net in (ours, classic):
        F.cross_entropy(net(IMAGES), labels).backward()  # type: ignore[no-untyped-call]
    for (name, mine), theirs in zip(ours.named_parameters(), classic.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("sizes", [Architecture(16, 32, 8), TINY, Architecture(5, 3, 8), Architecture(20, 40, 4)])
@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.usefixtures("kernels")
def test_gradients_are_the_same_with_and_without_one_of_the_images(sizes: Architecture, count: int) -> None:
    """Without one the maps take the short way of `engine.sparse` or `engine.blocked`; with one autograd does it all."""
    net = network(sizes)
    labels = torch.arange(count)
    found = []
    for images in (IMAGES[:count], IMAGES[:count].clone().requires_grad_()):
        net.zero_grad()
        F.cross_entropy(net(images), labels).backward()  # type: ignore[no-untyped-call]
        found.append([parameter.grad for parameter in net.parameters()])
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("blocked", [True, False])
@pytest.mark.usefixtures("kernels")
def test_bfloat16_is_float32_but_for_its_rounding(blocked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through kernels or oneDNN's blocked maps, and by autocast where the processor has none."""
    if blocked and not HAS_ONEDNN_BF16:
        pytest.skip("oneDNN has no bfloat16 on this processor")
    monkeypatch.setattr(model, "HAS_ONEDNN_BF16", blocked)
    exact = network(Architecture(8, 16, 32))
    rounded = CNN(exact.architecture, precision="bf16")
    rounded.load_state_dict(exact.state_dict())
    labels = torch.arange(16) % 10
    gradients = []
    for net in (exact, rounded):
        logits = net(IMAGES)
        assert logits.dtype == torch.float32
        F.cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
        found = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
        assert {gradient.dtype for gradient in found} == {torch.float32}
        gradients.append(torch.cat([gradient.flatten() for gradient in found]))
    assert torch.cosine_similarity(gradients[0], gradients[1], dim=0) > 0.995
    assert not torch.equal(gradients[0], gradients[1])
    with torch.inference_mode():
        torch.testing.assert_close(rounded(IMAGES), exact(IMAGES), rtol=0.05, atol=0.02)
        assert not torch.equal(rounded(IMAGES), exact(IMAGES))


def test_dropout_acts_in_training_only() -> None:
    net = CNN(Architecture(4, 8, 64), dropout=0.5)
    with torch.no_grad():
        assert not torch.equal(net.train()(IMAGES), net(IMAGES))
        assert torch.equal(net.eval()(IMAGES), net(IMAGES))
        still = net(IMAGES)
        net.dropout = 0.0
        assert torch.equal(net.train()(IMAGES), still)


@pytest.mark.parametrize("sizes", [Architecture(), TINY, Architecture(5, 3, 1)])
def test_the_architecture_is_read_from_the_weights(sizes: Architecture) -> None:
    assert architecture_of(network(sizes).state_dict()) == sizes


def without(name: str) -> dict[str, object]:
    state: dict[str, object] = dict(network().state_dict())
    del state[name]
    return state


@pytest.mark.parametrize("name", list(CNN(TINY).state_dict()))
def test_a_missing_tensor_is_named(name: str) -> None:
    with pytest.raises(ModelFileError, match=f"has no tensor '{name}'"):
        architecture_of(without(name))
    with pytest.raises(ModelFileError, match=f"has no tensor '{name}'"):
        architecture_of({**network().state_dict(), name: [1.0, 2.0]})


@pytest.mark.parametrize(
    ("name", "tensor", "words"),
    [
        ("conv3.weight", torch.zeros(1), "holds 'conv3.weight', which this network does not have"),
        (7, torch.zeros(1), "holds '7', which"),
        ("conv1.weight", torch.zeros(1, 3, 3, 3), r"conv1.weight has shape \(1, 3, 3, 3\), where \(1, 1, 3, 3\)"),
        ("conv1.weight", torch.zeros(()), "a number where the network has a tensor"),
        ("conv2.weight", torch.zeros(2, 2, 3, 3), r"conv2.weight has shape .* where \(2, 1, 3, 3\) is needed"),
        ("fc1.weight", torch.zeros(3, 99), r"fc1.weight has shape \(3, 99\), where \(3, 98\) is needed"),
        ("fc2.weight", torch.zeros(26, 3), r"fc2.weight has shape \(26, 3\), where \(10, 3\) is needed"),
        ("fc1.weight", torch.zeros(0, 98), "holds an empty tensor"),
        ("conv1.weight", torch.zeros(0, 1, 3, 3), "holds an empty tensor"),
    ],
)
def test_a_tensor_of_another_network_is_named(name: str, tensor: Tensor, words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        architecture_of({**network().state_dict(), name: tensor})


def test_reading_the_architecture_of_a_huge_network_costs_no_memory() -> None:
    state = {name: tensor.to("meta") for name, tensor in network().state_dict().items()}
    huge = 10**9
    state["fc1.weight"] = torch.empty(huge, 98, device="meta")
    state["fc1.bias"] = torch.empty(huge, device="meta")
    state["fc2.weight"] = torch.empty(10, huge, device="meta")
    assert architecture_of(state).hidden_units == huge
