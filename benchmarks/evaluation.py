"""Evaluating 10 000 test digits: ours against the classic script's loop, each in a process of its own, alternated.

A process evaluates untrained weights again and again, and tells the median of its seconds: what an evaluation costs
does not depend on the weights. The script's loop loads its digits through the `DataLoader`, as it trains.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch

from benchmarks import classic_script
from benchmarks.children import last_json, python, run
from benchmarks.digits import load_splits
from benchmarks.measure import alternate, cores, median, report
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import device as devices
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.learner import Learner

TARGETS = {"bf16": ">= 5.5x", "fp32": ">= 3.5x"}


def ours(times: int, threads: int, precision: str) -> list[float]:
    """Seconds of each evaluation, as the trainer has it done."""
    devices.prepare(threads)
    device = torch.device("cpu")
    test = load_splits(device).test
    model = Learner(Hyperparameters(), device, "bf16" if precision == "bf16" else "fp32").model
    seconds = []
    for _ in range(times + 1):
        evaluation = evaluate(model, test)
        assert evaluation is not None
        seconds.append(evaluation.seconds)
    return seconds[1:]


def theirs(times: int, threads: int, root: Path) -> list[float]:
    """Seconds of each evaluation, as the script does it."""
    torch.set_num_threads(threads)
    classic_script.lay_out(root)
    _, test = classic_script.open_sets(root)
    loader = torch.utils.data.DataLoader(test, batch_size=64, shuffle=False)
    model = classic_script.CNN()
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        classic_script.evaluate(model, loader, torch.device("cpu"))
        seconds.append(time.perf_counter() - began)
    return seconds[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=11)
    parser.add_argument("--times", type=int, default=5, help="evaluations of a process")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"), help="ours; the script is fp32")
    parser.add_argument("--side", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        if flags.side == "ours":
            return print(json.dumps({"seconds": ours(flags.times, flags.threads, flags.precision)}))
        if flags.side == "theirs":
            return print(json.dumps({"seconds": theirs(flags.times, flags.threads, Path(folder))}))

        def seconds_of(side: str) -> float:
            words = ("--side", side, "--times", flags.times, "--threads", flags.threads, "--precision", flags.precision)
            found = last_json(run(python("benchmarks.evaluation", *words), Path(folder)))
            return float(statistics.median(found["seconds"]))

        ratios = []
        pairs = alternate(flags.pairs, lambda _: seconds_of("ours"), lambda _: seconds_of("theirs"))
        for number, (mine, script) in enumerate(pairs, 1):
            ratios.append(script / mine)
            print(f"pair {number}: ours {mine:.3f} s, classic {script:.3f} s, {ratios[-1]:.2f}x", flush=True)
    report(
        f"an evaluation of 10 000 digits, {flags.precision}, {flags.threads} threads",
        "the classic script's loop",
        TARGETS[flags.precision],
        median(ratios).show(".2f", "x"),
    )


if __name__ == "__main__":
    main()
