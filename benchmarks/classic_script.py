"""The rival: the script that most people write first for MNIST in PyTorch, in our own words.

`python -m benchmarks.classic_script --epochs 1` trains and prints one JSON object. `DataLoader(shuffle=True)`, the
transforms `ToTensor` and `Normalize`, ReLU before pooling, Adam, and torch's own memory and layout defaults: nothing is
tuned and nothing is slowed down. It logs nothing while it trains, which is in its favour. Where torchvision is not
installed, a data set of plain tensors takes its place, with the same numbers and without Pillow: an image costs 13 µs
there against 100, so a ratio read with it (`loader`) is far lower, and is another figure.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, Dataset

from mnist_tui.core.dataset import BUNDLED, find


@dataclass(frozen=True)
class Result:
    """What a training came to; the accuracy (0..1) is None where no epoch was finished; seconds are of training."""

    images_per_second: float
    accuracy: float | None
    threads: int
    epochs: int
    seconds: float
    loader: str = "torchvision"


class CNN(nn.Module):
    """Two convolutions and two fully connected layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=1, padding=1)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 64 * 7 * 7)
        x = F.relu(self.fc1(x))
        logits: Tensor = self.fc2(x)
        return logits


def train(
    epochs: int,
    batches_limit: int | None,
    seed: int,
    batch_size: int,
    warm_up: int = 0,
    device_name: str = "cpu",
    root: Path | None = None,
    until: float = 2.0,
) -> Result:
    """Train for `epochs`, or until `batches_limit` batches after `warm_up` were timed, or to an accuracy of `until`.

    Each whole epoch is followed by an evaluation.

    The clock runs while batches are loaded and trained on, and stands still in the warm-up and in evaluations.
    """
    if root is None:
        with tempfile.TemporaryDirectory() as folder:
            return train(epochs, batches_limit, seed, batch_size, warm_up, device_name, Path(folder), until)
    lay_out(root)
    device = torch.device(device_name)
    torch.manual_seed(seed)
    train_set, test_set = open_sets(root)
    train_loader: DataLoader[Any] = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    test_loader: DataLoader[Any] = DataLoader(test_set, batch_size=batch_size, shuffle=False)

    model = CNN().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.001)

    left = None if batches_limit is None else warm_up + batches_limit
    images_timed, seconds, step, finished, accuracy = 0, 0.0, 0, 0, None
    for _ in range(epochs):
        model.train()
        began = _now(device)
        for images, labels in islice(train_loader, left):
            images, labels = images.to(device), labels.to(device)
            outputs = model(images)
            loss = criterion(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            if step > warm_up:
                images_timed += len(labels)
            elif step == warm_up:
                began, seconds = _now(device), 0.0
        seconds += _now(device) - began
        if left is not None:
            left = warm_up + (batches_limit or 0) - step
            if left <= 0:
                break
        accuracy = evaluate(model, test_loader, device)
        finished += 1
        if accuracy >= until:
            break
    torch.save(model.state_dict(), root / "cnn_model.pth")
    loader = "plain tensors" if isinstance(train_set, Digits) else "torchvision"
    return Result(images_timed / seconds, accuracy, torch.get_num_threads(), finished, seconds, loader)


def evaluate(model: nn.Module, loader: DataLoader[Any], device: torch.device) -> float:
    """Share of right answers, 0..1."""
    model.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            predicted = model(images).argmax(dim=1)
            total += labels.size(0)
            correct += int((predicted == labels).sum().item())
    return correct / total


class Digits(Dataset[Any]):
    """What `torchvision.datasets.MNIST` gives with both transforms, where there is no torchvision."""

    def __init__(self, train: bool) -> None:
        split = find("mnist").load_train() if train else find("mnist").load_test()
        self.images = torch.frombuffer(bytearray(split.images), dtype=torch.uint8).reshape(-1, 1, 28, 28)
        self.labels = list(split.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images[index].float().div(255).sub_(0.5).div_(0.5), self.labels[index]


def open_sets(root: Path) -> tuple[Dataset[Any], Dataset[Any]]:
    """Training and test set, as torchvision has them where it is installed."""
    try:
        from torchvision import datasets, transforms
    except ImportError:
        return Digits(train=True), Digits(train=False)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
    train_set: Dataset[Any] = datasets.MNIST(root=str(root), train=True, download=False, transform=transform)
    test_set: Dataset[Any] = datasets.MNIST(root=str(root), train=False, download=False, transform=transform)
    return train_set, test_set


def lay_out(root: Path) -> None:
    """The bundled files as torchvision expects them below `root`."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in sorted(BUNDLED.glob("*.gz")):
        (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batches", type=int, help="stop after so many timed batches")
    parser.add_argument("--warm-up", type=int, default=0, help="batches before the clock starts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, help="default: torch's own")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--until", type=float, default=2.0, help="stop after an epoch with this test accuracy, 0..1")
    flags = parser.parse_args()
    if flags.threads:
        torch.set_num_threads(flags.threads)
    result = train(
        flags.epochs, flags.batches, flags.seed, flags.batch_size, flags.warm_up, flags.device, until=flags.until
    )
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
