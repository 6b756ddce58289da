"""Training time to 99 % test accuracy: the preset `fast` to its end, against the classic script until an epoch has it.

Pairs of one seed, alternated, each side in a process of its own; seconds are of training, without loading and without
evaluations. The script may look after every epoch and stop at the first that is good enough; the preset runs its two
epochs and is judged once, by the mean of its seeds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.children import last_json, python, run
from benchmarks.measure import alternate, cores, mean, median, report
from benchmarks.presets import outcome

GOAL = 0.99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10, help="seeds 0, 1, ... so many")
    parser.add_argument("--precision", default="bf16", choices=("auto", "fp32", "bf16"), help="ours")
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--most-epochs", type=int, default=30, help="of the script")
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:

        def ours(seed: int) -> tuple[float, float]:
            words = ["--preset", "fast", "--precision", flags.precision, "--threads", flags.threads, "--seed", seed]
            lines = run(python("mnist_tui", "train", *words, "--json", "--runs-dir", folder), Path(folder))
            accuracy, seconds, _ = outcome([json.loads(line) for line in lines.splitlines()], held_out=False)
            return 100 * accuracy, seconds

        def theirs(seed: int) -> tuple[float, float]:
            words = ("--epochs", flags.most_epochs, "--until", GOAL, "--threads", flags.threads, "--seed", seed)
            found = last_json(run(python("benchmarks.classic_script", *words), Path(folder)))
            return 100 * found["accuracy"], found["seconds"]

        accuracies, seconds, ratios = [], [], []
        for seed, (fast, script) in enumerate(alternate(flags.pairs, ours, theirs)):
            accuracies.append(fast[0])
            seconds.append(fast[1])
            ratios.append(script[1] / fast[1])
            print(
                f"seed {seed}: fast {fast[0]:.2f} % in {fast[1]:.2f} s, "
                f"the script {script[0]:.2f} % in {script[1]:.1f} s, {ratios[-1]:.1f}x",
                flush=True,
            )
    report(
        f"preset fast, {flags.precision}, test accuracy over {len(accuracies)} seeds, and its training",
        "-",
        ">= 99.0 % (mean), <= 5 s",
        f"{mean(accuracies).show('.3f', ' %')}; {median(seconds).show('.2f', ' s')}",
    )
    report(
        "training time to 99 % test accuracy",
        "the classic script, its first epoch with 99 %",
        ">= 12x",
        median(ratios).show(".1f", "x"),
    )


if __name__ == "__main__":
    main()
