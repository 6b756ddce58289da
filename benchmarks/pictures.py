"""Accuracy on photographs of test digits, made on the spot, against the digits themselves, by a network of one epoch.

Each kind of photograph is of the same digits: paper in uneven light, wide margins, dust, chalk, JPEG noise, a thin pen.
Also how like the originals they come back (Pearson's correlation, the better of shifts by a pixel), and how soon.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.measure import report
from mnist_tui.core.dataset import Split, find
from mnist_tui.core.errors import UserError
from mnist_tui.engine.batches import normalise
from mnist_tui.engine.inference import logits_of
from mnist_tui.engine.model import CNN
from mnist_tui.engine.pictures import read_picture
from tests.datafiles import cut
from tests.photographs import KINDS, pen


def trained(train: Split, images: int, seed: int = 0) -> CNN:
    """The classic network after `images` of them, in batches of 64."""
    torch.manual_seed(seed)
    model = CNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    pixels = torch.frombuffer(bytearray(train.images), dtype=torch.uint8).reshape(-1, 1, 28, 28)
    labels = torch.frombuffer(bytearray(train.labels), dtype=torch.uint8).long()
    for some in torch.split(torch.randperm(len(labels))[:images], 64):
        loss = torch.nn.functional.cross_entropy(model(normalise(pixels[some])), labels[some])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return model.eval()


def accuracy(model: CNN, pictures: list[bytes], labels: bytes) -> float:
    guesses = logits_of(model, b"".join(pictures), torch.device("cpu")).argmax(1).tolist()
    hits = [guess == label for guess, label in zip(guesses, labels, strict=True)]
    return statistics.fmean(hits)


def likeness(a: bytes, b: bytes) -> float:
    one, other = (np.frombuffer(pixels, np.uint8).reshape(28, 28).astype(float) for pixels in (a, b))
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(float(np.corrcoef(np.roll(one, by, (0, 1)).ravel(), other.ravel())[0, 1]) for by in shifts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=int, default=200)
    parser.add_argument("--images", type=int, default=60_000, help="training images")
    flags = parser.parse_args()

    digits = cut(flags.digits, seed=4)
    originals = [bytes(digits.digit(index)) for index in range(len(digits))]
    model = trained(find("mnist").load_train(), flags.images)
    straight = accuracy(model, originals, digits.labels)
    print(f"the digits themselves: {straight:.1%}", flush=True)
    worst = 1.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        for name, make in {**KINDS, "pen": pen}.items():
            seen, like, seconds = [], [], []
            for index, original in enumerate(originals):
                path.write_bytes(make(original, index))
                began = time.perf_counter()
                try:
                    pixels = read_picture(path)
                except UserError:
                    pixels = bytes(784)
                seconds.append(time.perf_counter() - began)
                seen.append(pixels)
                like.append(likeness(pixels, original) if any(pixels) else 0.0)
            size = Image.open(io.BytesIO(path.read_bytes())).size
            found = accuracy(model, seen, digits.labels)
            worst = min(worst, found)
            report(
                f"accuracy on {len(seen)} digits, {name} (the last of {size[0]}x{size[1]})",
                f"the digits themselves, {straight:.1%}",
                "-",
                f"{found:.1%}; correlation mean {statistics.fmean(like):.3f}, worst {min(like):.3f}; "
                f"{statistics.median(seconds) * 1000:.0f} ms each",
            )
    print(f"worst kind: {straight - worst:.1%} below the digits themselves", flush=True)


if __name__ == "__main__":
    main()
