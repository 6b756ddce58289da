"""Training under the dashboard on a line of 20 kB/s against a line that takes everything: images a second, and keys.

The same run twice a pair, in a pty of 120 x 36 that is read as fast as it writes, or through a throttle; the rates come
from what both record. On the slow line arrow keys are typed meanwhile: from the key to its answer in the bytes that
came through.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from benchmarks.children import environment, python
from benchmarks.dashboard import recorded_rate, training_flags
from benchmarks.key_latency import Typist
from benchmarks.measure import alternate, median, percentile, quantile, report
from benchmarks.terminal import DONE, TRAINING, Terminal, TimedOut


def train(flags: list[object], runs: Path, rate: int, seconds: float) -> tuple[float, list[float], float]:
    """Images a second, milliseconds from key to answer, kB/s; `rate` is what the line takes, 0 for everything."""
    command = python("mnist_tui", "--start", *flags, "--runs-dir", runs)
    latencies: list[float] = []
    with Terminal(command, environment(), runs.parent, rate=rate) as terminal:
        began, place = terminal.wait_for(TRAINING), terminal.mark
        typist = Typist(terminal, random.Random(0))
        deadline = time.perf_counter() + seconds
        while DONE not in terminal.output:
            if time.perf_counter() > deadline:
                raise TimedOut(f"the run was not over after {seconds} s")
            latencies += typist.press(1)
            terminal.pump(0.5)
        kilobytes = (terminal.mark - place) / 1000 / (time.perf_counter() - began)
        terminal.write(b"q")
        code, _ = terminal.wait_for_exit()
        assert code == 0, f"the dashboard left with {code}"
    return recorded_rate(runs), latencies, kilobytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--images", type=int, default=0, help="train on so many digits (at most 9900) instead of all")
    parser.add_argument("--rate", type=int, default=20_000, help="bytes a second that the slow line takes")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds for one run")
    options = parser.parse_args()

    ratios, slow_keys, free_keys = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        flags = training_flags(options.epochs, options.images, options.precision, Path(folder))
        pairs = alternate(
            options.pairs,
            lambda pair: train(flags, Path(folder) / f"slow-{pair}", options.rate, options.time_limit),
            lambda pair: train(flags, Path(folder) / f"free-{pair}", 0, options.time_limit),
        )
        for number, (slow, free) in enumerate(pairs, 1):
            ratios.append(slow[0] / free[0])
            slow_keys += slow[1]
            free_keys += free[1]
            print(
                f"pair {number}: slow {slow[0]:.0f} img/s, {slow[2]:.1f} kB/s; free {free[0]:.0f} img/s, "
                f"{free[2]:.1f} kB/s; {ratios[-1]:.3f}x",
                flush=True,
            )
    line = f"a line of {options.rate / 1000:g} kB/s"
    report(
        f"training on {line}, precision {options.precision}",
        "a line that takes everything",
        ">= 0.97x",
        median(ratios).show(".3f", "x"),
    )
    report(
        f"key to changed screen while training on {line}, {len(slow_keys)} keys",
        f"p95 {quantile(free_keys, 0.95):.0f} ms on a line that takes everything",
        "<= 500 ms (p95)",
        f"p95 {percentile(slow_keys, 0.95).show('.0f', ' ms')}, p50 {quantile(slow_keys, 0.5):.0f} ms",
    )


if __name__ == "__main__":
    main()
