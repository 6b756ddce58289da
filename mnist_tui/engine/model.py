"""The classic network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.settings import Precision
from mnist_tui.engine.blocked import HAS_ONEDNN, HAS_ONEDNN_BF16, BlockedFeatures, convolve
from mnist_tui.engine.network import CLASSES, SIDE, Architecture, Network
from mnist_tui.engine.sparse import SparseFeatures, has_kernels


class CNN(Network):
    """conv 1->32, ReLU, pool, conv 32->64, ReLU, pool, 128 hidden units, ReLU, 10 logits.

    Pooling comes before the ReLU: the two commute, the values are the same, and the ReLU touches a quarter of the
    numbers. On a CPU that there are kernels for, both convolutions are `engine.sparse`; on others the maps stay in
    oneDNN's own blocked layout from the first convolution to the flattening, whose pooling remembers a byte instead of
    an int64 an output. Elsewhere they are channels-last, as the weights are after `settle`. Names and shapes of the
    weights are those of the classic script.
    """

    RECTIFIED = ("conv1", "conv2", "fc1")
    LAYERS = {name: (f"{name}.",) for name in ("conv1", "conv2", "fc1", "fc2")}

    def __init__(
        self, architecture: Architecture | None = None, dropout: float = 0.0, precision: Precision = "fp32"
    ) -> None:
        sizes = architecture or Architecture()
        super().__init__(sizes, dropout, precision)
        self.conv1 = nn.Conv2d(1, sizes.width, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(sizes.width, sizes.second_width, kernel_size=3, stride=1, padding=1)
        self.fc1 = nn.Linear(sizes.second_width * (SIDE // 4) ** 2, sizes.hidden_units)
        self.fc2 = nn.Linear(sizes.hidden_units, CLASSES)

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
        if dtype is not None and images.device.type == "cpu" and images.dtype == torch.float32:
            weights = conv1.weight, conv1.bias, conv2.weight, conv2.bias
            if self._has_kernels and not images.requires_grad:
                by_kernels: Tensor = SparseFeatures.apply(images, *weights, dtype)
                return by_kernels
            if HAS_ONEDNN and not torch.is_grad_enabled():
                maps = images.to_mkldnn(dtype)
                for conv in (conv1, conv2):
                    maps = F.relu(F.max_pool2d(convolve(maps, conv.weight, conv.bias), kernel_size=2, stride=2))
                return maps.to_dense()
            if HAS_ONEDNN and not images.requires_grad:
                blocked: Tensor = BlockedFeatures.apply(images, *weights, dtype)
                return blocked
        maps = images
        for conv in (conv1, conv2):
            maps = F.relu(F.max_pool2d(conv(maps), kernel_size=2, stride=2))
        return maps

    @property
    def _has_kernels(self) -> bool:
        return has_kernels(self.architecture.width, self.architecture.second_width)

    def activations(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the three ReLUs give for `images`: (n, c1, 14, 14), (n, c2, 7, 7), (n, hidden units)."""
        first = F.relu(F.max_pool2d(self.conv1(images), kernel_size=2, stride=2))
        second = F.relu(F.max_pool2d(self.conv2(first), kernel_size=2, stride=2))
        return first, second, F.relu(self.fc1(second.flatten(1)))

    def settle(self, device: torch.device) -> Network:
        """Move to `device`, the weights in the order of memory it is fastest with."""
        blocked = device.type == "cpu" and HAS_ONEDNN and not self._has_kernels
        layout = torch.contiguous_format if blocked else torch.channels_last
        return self.to(device).to(memory_format=layout)
