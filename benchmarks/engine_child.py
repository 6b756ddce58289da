"""One side of `throughput`: our trainer, prepared as the runner prepares it, over a number of batches.

`python -m benchmarks.engine_child --batches 300` prints one JSON object. The clock is the wall's, between the events
the trainer yields: drawing the epoch's order and bringing losses down are in it, evaluations are not.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch

from benchmarks.digits import load_splits
from benchmarks.measure import cores
from mnist_tui.core.control import Control
from mnist_tui.core.events import BatchesTrained
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import device as devices
from mnist_tui.engine.trainer import Trainer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=300)
    parser.add_argument("--warm-up", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--data-dir", type=Path, help="another set in MNIST's files; large ones are streamed")
    parser.add_argument("--plain-memory", action="store_true", help="glibc gives memory back, as it does by default")
    flags = parser.parse_args()

    device = devices.choose(flags.device)
    if flags.plain_memory:
        torch.set_num_threads(flags.threads)
    else:
        devices.prepare(flags.threads)
    splits = load_splits(device.torch, flags.data_dir)
    steps = flags.warm_up + flags.batches
    epochs = math.ceil(steps * flags.batch_size / len(splits.train)) + 1
    hyperparameters = Hyperparameters(batch_size=flags.batch_size, seed=flags.seed, epochs=epochs)
    trainer = Trainer(hyperparameters, splits, device.torch, precision=flags.precision)

    images, seconds = 0, 0.0
    last = time.perf_counter()
    for event in trainer.run(Control()):
        now = time.perf_counter()
        if isinstance(event, BatchesTrained) and event.first_step > flags.warm_up:
            images += event.batch_size * len(event.losses)
            seconds += now - last
        last = now
        if isinstance(event, BatchesTrained) and event.last_step >= steps:
            break
    print(json.dumps({"images_per_second": images / seconds, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
