"""A preset over seeds: accuracy at its end, and what it costs. `--validation N` judges it on held-out training digits.

A preset is chosen by its accuracy on held-out digits; its test accuracy is told once, for the one that was chosen.
What stands behind a `--` are flags of `train` that take the place of the preset's: `presets accurate -- --epochs 5`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.children import python, run
from benchmarks.measure import cores, mean, report

TARGETS = {"fast": ">= 99.0 % (mean of 10 seeds), <= 5 s", "accurate": ">= 99.65 % (mean of 3 seeds), <= 15 min"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=("classic", "fast", "accurate"))
    parser.add_argument("--seeds", type=int, default=10, help="seeds 0, 1, ... so many")
    parser.add_argument("--validation", type=int, default=0)
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--device", default="cpu")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    flags, other = parser.parse_args(given[:end]), given[end + 1 :]

    accuracies, seconds, wall = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(flags.seeds):
            words = ["train", "--preset", flags.preset, "--precision", flags.precision, "--threads", flags.threads]
            words += ["--device", flags.device, "--validation", flags.validation, "--seed", seed, "--json"]
            lines = run(python("mnist_tui", *words, "--runs-dir", folder, *other), Path(folder))
            accuracy, trained, whole = outcome(list(map(json.loads, lines.splitlines())), flags.validation > 0)
            accuracies.append(100 * accuracy)
            seconds.append(trained)
            wall.append(whole)
            print(f"seed {seed}: {accuracies[-1]:.2f} % {trained:.2f} s of training, {whole:.2f} s in all", flush=True)
    spread = f", standard deviation {statistics.stdev(accuracies):.3f}" if len(accuracies) > 1 else ""
    report(
        " ".join(["preset", flags.preset, flags.precision, *other])
        + (f", {flags.validation} held-out digits" if flags.validation else ", test digits"),
        "-",
        TARGETS.get(flags.preset, "-"),
        f"{mean(accuracies).show('.3f', ' %')}{spread}, {min(accuracies):.2f} to {max(accuracies):.2f}; "
        f"{statistics.median(seconds):.2f} s of training, {statistics.median(wall):.2f} s with evaluations (medians)",
    )


def outcome(events: Sequence[dict[str, Any]], held_out: bool) -> tuple[float, float, float]:
    """Accuracy of the last evaluation (0..1), seconds of training, seconds of the run with its evaluations."""
    summary = events[-1]
    assert summary["status"] == "done", summary
    trained = sum(event["seconds"] for event in events if event.get("event") == "BatchesTrained")
    split = "validation" if held_out else "test"
    last = [event for event in events if event.get("event") == "Evaluated" and event["split"] == split][-1]
    return last["accuracy"], trained, summary["seconds"]


if __name__ == "__main__":
    main()
