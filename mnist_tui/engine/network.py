"""What every network here has in common, so that training and inspection need not know which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_tui.core.settings import Precision

CLASSES = 10
SIDE = 28

Kind = Literal["classic", "deep"]


@attrs.frozen
class Architecture:
    """Which network, and its sizes.

    Attributes:
        width: channels of the first convolution.
        second_width: channels of the second; of a deep network, of its second stage.
        hidden_units: between the convolutions and the logits.
        kind: `classic` has two convolutions, `deep` has six in three stages.
    """

    width: int = 32
    second_width: int = 64
    hidden_units: int = 128
    kind: Kind = "classic"


class Network(nn.Module):
    """Images (n, 1, 28, 28) to logits (n, 10), over a hidden layer `fc1`.

    Attributes:
        LAYERS: what its figures are told of, from the image on: a name, and how the names of its weights begin.
        RECTIFIED: those whose outputs `activations` gives.
        architecture: its sizes.
        dropout: share of the hidden units that is silenced in training.
        precision: of the maps.
    """

    LAYERS: ClassVar[dict[str, tuple[str, ...]]]
    RECTIFIED: ClassVar[tuple[str, str, str]]

    def __init__(self, architecture: Architecture, dropout: float, precision: Precision) -> None:
        super().__init__()
        self.architecture = architecture
        self.dropout = dropout
        self.precision: Precision = precision
        self.conv1: nn.Conv2d
        self.conv2: nn.Conv2d
        self.fc1: nn.Linear
        self.fc2: nn.Linear

    def answer_as(self, facts: Mapping[str, Any]) -> None:
        """Compute as the run that `facts` tell of did; float32 where they say nothing of it."""
        self.precision = "bf16" if facts.get("precision") == "bf16" else "fp32"

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, 10) float32 of images (n, 1, 28, 28) float32."""
        hidden = self.embed(images)
        if self.dropout and self.training:
            hidden = F.dropout(hidden, self.dropout)
        logits: Tensor = self.fc2(hidden)
        return logits

    def embed(self, images: Tensor) -> Tensor:
        """What the hidden units give (n, hidden units) float32 for `images`, on the fastest path there is."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def activations(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps (n, c1, 14, 14) after the first pooling, (n, c2, 7, 7) after the second, hidden outputs (n, hidden)."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def settle(self, device: torch.device) -> Network:
        """Move to `device`, the weights in the order of memory it is fastest with."""
        return self.to(device).to(memory_format=torch.channels_last)

    @property
    def parameter_count(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.parameters())
