"""Training under the dashboard against training without a screen: images a second, charts at the default rate.

The same run twice a pair, once in a pty of 120 x 36, once as `train`; the rates come from what both record in
`metrics.jsonl`, without the first 100 batches. `--images N` trains on few digits, for a quick look.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.children import environment, python, run
from benchmarks.measure import alternate, median, report
from benchmarks.terminal import DONE, FRAME_BEGINS, TRAINING, Terminal

SKIPPED_STEPS = 100


@dataclass(frozen=True)
class Drawn:
    """A run under the dashboard: images, frames and kilobytes (1000 bytes) a second while it trained."""

    rate: float
    frames: float
    kilobytes: float


def recorded_rate(runs: Path) -> float:
    """Images a second of the only run below `runs`, from its events after the first batches."""
    (metrics,) = runs.glob("*/metrics.jsonl")
    images, seconds = 0, 0.0
    for line in metrics.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] == "BatchesTrained" and event["first_step"] > SKIPPED_STEPS:
            images += event["batch_size"] * len(event["losses"])
            seconds += event["seconds"]
    return images / seconds


def train_headless(flags: list[object], runs: Path) -> float:
    """Images a second without a screen."""
    run(python("mnist_tui", "train", *flags, "--runs-dir", runs), runs.parent)
    return recorded_rate(runs)


def train_drawn(flags: list[object], runs: Path, seconds: float) -> Drawn:
    """The same under the dashboard, to its end and out."""
    command = python("mnist_tui", "--start", *flags, "--runs-dir", runs)
    with Terminal(command, environment(), runs.parent) as terminal:
        began = terminal.wait_for(TRAINING)
        ended = terminal.wait_for(DONE, seconds=seconds)
        terminal.write(b"q")
        code, _ = terminal.wait_for_exit()
        assert code == 0, f"the dashboard left with {code}"
        sent = terminal.between(began, ended)
        return Drawn(
            recorded_rate(runs), sent.count(FRAME_BEGINS) / (ended - began), len(sent) / 1000 / (ended - began)
        )


def training_flags(epochs: int, images: int, precision: str, folder: Path, device: str = "cpu") -> list[object]:
    """What a run is asked for: on all digits, or on the first `images` of them, written to `folder`."""
    flags: list[object] = ["--epochs", epochs, "--device", device, "--precision", precision]
    if images:
        from tests.datafiles import write_idx

        write_idx(folder / "data", train=images, test=100)
        flags += ["--data-dir", folder / "data"]
    return flags


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--images", type=int, default=0, help="train on so many digits (at most 9900) instead of all")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds for one run")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        flags = training_flags(options.epochs, options.images, options.precision, Path(folder), options.device)
        pairs = alternate(
            options.pairs,
            lambda pair: train_drawn(flags, Path(folder) / f"drawn-{pair}", options.time_limit),
            lambda pair: train_headless(flags, Path(folder) / f"headless-{pair}"),
        )
        ratios, drawings = [], []
        for number, (drawn, headless) in enumerate(pairs, 1):
            ratios.append(drawn.rate / headless)
            drawings.append(drawn)
            print(
                f"pair {number}: dashboard {drawn.rate:.0f} img/s, headless {headless:.0f} img/s, {ratios[-1]:.3f}x; "
                f"{drawn.frames:.1f} frames/s, {drawn.kilobytes:.1f} kB/s",
                flush=True,
            )
    how = f"precision {options.precision}, {options.device}"
    report(
        f"frames drawn a second while training, 120x36, {how}",
        "-",
        "-",
        f"{statistics.median(drawn.frames for drawn in drawings):.1f}",
    )
    report(
        f"bytes to the terminal while training, 120x36, {how}",
        "-",
        "<= 20 kB/s",
        median([drawn.kilobytes for drawn in drawings]).show(".1f", " kB/s"),
    )
    report(
        f"throughput under the dashboard, charts at the default rate, {how}",
        "`mnist-tui train`",
        ">= 0.97x",
        median(ratios).show(".3f", "x"),
    )


if __name__ == "__main__":
    main()
