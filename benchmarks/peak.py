"""How much of what this machine's matrix multiplication gives at best is in a training step of the classic network.

In one process rounds of matrix products, of several sizes, alternate with rounds of whole training steps, from the
gather of the images to the optimizer. A step's work is counted as its multiplications and additions in convolutions and
linear layers, forward and backward, without a gradient of the images; whatever else it does counts as lost time. A
product with a zero counts as work, whether it is done or passed over.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.digits import load_splits
from benchmarks.measure import median, report
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import device as devices
from mnist_tui.engine.learner import Learner

SIZES = (512, 1024, 1536, 2048, 3072)


def work(width: int = 32, hidden: int = 128) -> int:
    """Floating-point operations of one image in a step: two for each product that is summed."""
    first = 9 * width * 28**2
    second = 9 * width * 2 * width * 14**2
    hidden_layer, last = 2 * width * 7**2 * hidden, hidden * 10
    return 2 * (2 * first + 3 * (second + hidden_layer + last))


def seconds_of(work: Callable[[], object], times: int) -> float:
    """The median of `times` measurements."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batches", type=int, default=40, help="steps of a round")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    flags = parser.parse_args()

    devices.prepare(flags.threads)
    device = torch.device("cpu")
    train = load_splits(device).train
    learner = Learner(Hyperparameters(batch_size=flags.batch_size), device, flags.precision)
    learner.model.train()
    order = train.order(0, 1)
    position = 0

    def step() -> None:
        nonlocal position
        position = (position + flags.batch_size) % (len(train) - flags.batch_size)
        learner.train_batch(*train.gather(order[position : position + flags.batch_size]))

    dtype = torch.bfloat16 if flags.precision == "bf16" else torch.float32
    squares = [torch.randn(size, size).to(dtype) for size in SIZES]
    for _ in range(20):
        step()
    for square in squares:
        torch.mm(square, square)
    shares = []
    for number in range(1, flags.rounds + 1):
        peaks = {
            len(square): 2 * len(square) ** 3 / seconds_of(lambda square=square: torch.mm(square, square), 3)  # type: ignore[misc]
            for square in squares
        }
        size, peak = max(peaks.items(), key=lambda each: each[1])
        rate = work() * flags.batch_size / seconds_of(step, flags.batches)
        shares.append(100 * rate / peak)
        print(
            f"round {number}: {rate / 1e9:.1f} of {peak / 1e9:.1f} GFLOP/s ({size} x {size}), {shares[-1]:.1f} %",
            flush=True,
        )
    threads = f"{flags.threads} thread" + ("s" if flags.threads > 1 else "")
    report(
        f"a training step, batch {flags.batch_size}, {flags.precision}, {threads}",
        "the machine's best matrix product",
        ">= 75 %" if (flags.threads, flags.precision) == (1, "fp32") else "-",
        median(shares).show(".1f", " %"),
    )


if __name__ == "__main__":
    main()
