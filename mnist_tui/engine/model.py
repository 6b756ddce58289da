"""The classic network, and the architecture read back from any state_dict of its family."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.errors import ModelFileError
from mnist_tui.core.settings import Precision
from mnist_tui.engine.blocked import HAS_ONEDNN, HAS_ONEDNN_BF16, BlockedFeatures, convolve

CLASSES = 10
SIDE = 28


@attrs.frozen
class Architecture:
    """Sizes of the network: channels of the two convolutions, hidden units."""

    width: int = 32
    second_width: int = 64
    hidden_units: int = 128


class CNN(nn.Module):
    """conv 1->32, ReLU, pool, conv 32->64, ReLU, pool, 128 hidden units, ReLU, 10 logits.

    Pooling comes before the ReLU: the two commute, the values are the same, and the ReLU touches a quarter of the
    numbers. On a CPU the maps stay in oneDNN's own blocked layout from the first convolution to the flattening, whose
    pooling remembers a byte instead of an int64 an output: 0.92 of a training step of channels-last maps on two cores.
    Elsewhere they are channels-last, as the weights are after `settle`. Names and shapes of the weights are those of
    the classic script.
    """

    def __init__(
        self, architecture: Architecture | None = None, dropout: float = 0.0, precision: Precision = "fp32"
    ) -> None:
        super().__init__()
        self.architecture = architecture or Architecture()
        sizes = self.architecture
        self.dropout = dropout
        self.precision: Precision = precision
        self.conv1 = nn.Conv2d(1, sizes.width, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(sizes.width, sizes.second_width, kernel_size=3, stride=1, padding=1)
        self.fc1 = nn.Linear(sizes.second_width * (SIDE // 4) ** 2, sizes.hidden_units)
        self.fc2 = nn.Linear(sizes.hidden_units, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, 10) float32 of images (n, 1, 28, 28) float32."""
        hidden = self.embed(images)
        if self.dropout and self.training:
            hidden = F.dropout(hidden, self.dropout)
        logits: Tensor = self.fc2(hidden)
        return logits

    def embed(self, images: Tensor) -> Tensor:
        """What the hidden units give (n, hidden units) float32 for `images`, on the fastest path there is."""
        # The classic script flattens channels-first, and so must we for its weights to mean the same.
        if self.precision == "fp32" or images.requires_grad:
            return F.relu(self.fc1(self._features(images, torch.float32).flatten(1)))
        if images.device.type == "cpu" and HAS_ONEDNN_BF16:
            features = self._features(images, torch.bfloat16).flatten(1)
            weight, bias = self.fc1.weight.bfloat16(), self.fc1.bias.bfloat16()
            return F.relu(F.linear(features, weight, bias).float())
        with torch.autocast(images.device.type, torch.bfloat16, cache_enabled=False):  # as CUDA graphs want it
            hidden: Tensor = self.fc1(self._features(images, None).flatten(1))
        return F.relu(hidden.float())

    def _features(self, images: Tensor, dtype: torch.dtype | None) -> Tensor:
        """Maps (n, c2, 7, 7) computed in `dtype`; None leaves that to autocast."""
        conv1, conv2 = self.conv1, self.conv2
        blocked = HAS_ONEDNN and dtype is not None and images.device.type == "cpu" and images.dtype == torch.float32
        if blocked and torch.is_grad_enabled() and not images.requires_grad:
            learned: Tensor = BlockedFeatures.apply(images, conv1.weight, conv1.bias, conv2.weight, conv2.bias, dtype)
            return learned
        if blocked and not torch.is_grad_enabled():
            maps = images.to_mkldnn(dtype)
            for conv in (conv1, conv2):
                maps = F.relu(F.max_pool2d(convolve(maps, conv.weight, conv.bias), kernel_size=2, stride=2))
            return maps.to_dense()
        maps = images
        for conv in (conv1, conv2):
            maps = F.relu(F.max_pool2d(conv(maps), kernel_size=2, stride=2))
        return maps

    def activations(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the three ReLUs give for `images`: (n, c1, 14, 14), (n, c2, 7, 7), (n, hidden units)."""
        first = F.relu(F.max_pool2d(self.conv1(images), kernel_size=2, stride=2))
        second = F.relu(F.max_pool2d(self.conv2(first), kernel_size=2, stride=2))
        return first, second, F.relu(self.fc1(second.flatten(1)))

    def settle(self, device: torch.device) -> CNN:
        """Move to `device`, the weights in the order of memory it is fastest with."""
        blocked = device.type == "cpu" and HAS_ONEDNN
        layout = torch.contiguous_format if blocked else torch.channels_last
        return self.to(device).to(memory_format=layout)

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.parameters())


def blank_network(architecture: Architecture) -> CNN:
    """A network on the CPU whose weights are yet to be filled in.

    Unlike `CNN`, it draws nothing from torch's global generator, which belongs to the training that may go on beside.
    """
    with torch.device("meta"):
        model = CNN(architecture)
    return model.to_empty(device="cpu")


def architecture_of(state: Mapping[str, object]) -> Architecture:
    """The sizes a state_dict was made with.

    Raises:
        ModelFileError: its names or shapes are not this network's; the sentence names the first that is wrong.
    """
    expected = (
        "conv1.weight",
        "conv1.bias",
        "conv2.weight",
        "conv2.bias",
        "fc1.weight",
        "fc1.bias",
        "fc2.weight",
        "fc2.bias",
    )
    for name in expected:
        if not isinstance(state.get(name), Tensor):
            raise ModelFileError(f"it has no tensor {name!r}, which the network needs")
    extra = sorted(set(map(str, state)) - set(expected))
    if extra:
        raise ModelFileError(f"it holds {extra[0]!r}, which this network does not have")
    shapes = {name: tuple(state[name].shape) for name in expected}  # type: ignore[attr-defined]
    if any(len(shapes[name]) < 1 for name in expected):
        raise ModelFileError("it holds a number where the network has a tensor")
    if any(0 in shape for shape in shapes.values()):
        raise ModelFileError("it holds an empty tensor")
    sizes = Architecture(shapes["conv1.weight"][0], shapes["conv2.weight"][0], shapes["fc1.weight"][0])
    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in _plan(sizes).items()}
    for name in expected:
        if shapes[name] != wanted[name]:
            raise ModelFileError(f"{name} has shape {shapes[name]}, where {wanted[name]} is needed")
    return sizes


def _plan(sizes: Architecture) -> dict[str, Tensor]:
    """Empty tensors of the network's shapes; on the meta device they cost nothing."""
    features = sizes.second_width * (SIDE // 4) ** 2
    return {
        "conv1.weight": torch.empty(sizes.width, 1, 3, 3),
        "conv1.bias": torch.empty(sizes.width),
        "conv2.weight": torch.empty(sizes.second_width, sizes.width, 3, 3),
        "conv2.bias": torch.empty(sizes.second_width),
        "fc1.weight": torch.empty(sizes.hidden_units, features),
        "fc1.bias": torch.empty(sizes.hidden_units),
        "fc2.weight": torch.empty(CLASSES, sizes.hidden_units),
        "fc2.bias": torch.empty(CLASSES),
    }
