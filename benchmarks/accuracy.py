"""Test accuracy of the classic preset over seeds; with `--script` the classic script's over the same seeds too."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.children import last_json, python, run
from benchmarks.measure import cores, mean, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0, 1, … so many")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--precisions", nargs="+", default=["fp32"], choices=("fp32", "bf16"))
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--script", action="store_true", help="the classic script as well")
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:

        def ours(precision: str, seed: int) -> float:
            words = [
                "train",
                "--preset",
                "classic",
                "--precision",
                precision,
                "--threads",
                flags.threads,
                "--epochs",
                flags.epochs,
                "--seed",
                seed,
                "--json",
            ]
            summary = last_json(run(python("mnist_tui", *words, "--runs-dir", folder), Path(folder)))
            assert summary["status"] == "done", summary
            return float(summary["test_accuracy"])

        def classic(seed: int) -> float:
            words = ["--epochs", flags.epochs, "--seed", seed]
            return float(last_json(run(python("benchmarks.classic_script", *words), Path(folder)))["accuracy"])

        found = {
            f"preset classic, {precision}": measured(
                f"preset classic, {precision}", partial(ours, precision), flags.seeds
            )
            for precision in flags.precisions
        }
        if flags.script:
            found["the classic script"] = measured("the classic script", classic, flags.seeds)
    for who, accuracies in found.items():
        spread = f", {min(accuracies):.2f} to {max(accuracies):.2f} over {len(accuracies)} seeds"
        report(
            f"test accuracy after {flags.epochs} epochs, {who}",
            "-",
            ">= 98.8 % (mean)" if who.startswith("preset") else "-",
            mean(accuracies).show(".2f", " %") + spread,
        )


def measured(who: str, train: Callable[[int], float], seeds: int) -> list[float]:
    """The accuracies in per cent, a line each."""
    accuracies = []
    for seed in range(seeds):
        began = time.perf_counter()
        accuracies.append(train(seed) * 100)
        print(f"seed {seed}: {who} {accuracies[-1]:.2f} % in {time.perf_counter() - began:.0f} s", flush=True)
    return accuracies


if __name__ == "__main__":
    main()
