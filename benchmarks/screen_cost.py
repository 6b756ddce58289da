"""What the screen costs the training, within one process: windows in which it is drawn against ones in which it is not.

A process differs from the next by more than the screen costs (memory, neighbours), so `benchmarks.dashboard` needs many
pairs; here neighbouring windows of one run in a pty of 120 x 36 are compared.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.blinking_app import windows
from benchmarks.children import environment, python
from benchmarks.measure import median, report
from benchmarks.terminal import DONE, TRAINING, Terminal


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a window")
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        words = ("--start", "--epochs", flags.epochs, "--device", "cpu", "--runs-dir", Path(folder) / "runs")
        command = python("benchmarks.blinking_app", flags.seconds, log, *words)
        with Terminal(command, environment(), Path(folder)) as terminal:
            terminal.wait_for(TRAINING)
            terminal.wait_for(DONE, seconds=1800)
            terminal.write(b"q")
            terminal.wait_for_exit()
        rates = dict(windows(str(log), flags.seconds))
    drawn = [number for number in rates if number % 2 == 0 and {number - 1, number + 1} <= set(rates)]
    ratios = [rates[number] / ((rates[number - 1] + rates[number + 1]) / 2) for number in drawn]
    report(
        f"throughput while the screen is drawn, {len(ratios)} windows of {flags.seconds:g} s",
        "the windows before and after, not drawn",
        ">= 0.95x",
        median(ratios).show(".3f", "x"),
    )


if __name__ == "__main__":
    main()
