"""A run stopped at a random batch and resumed in a new process, against one that never stopped: bit for bit alike?

The real program on 12 800 real digits, two epochs, SIGTERM at a random moment, for every preset and for recipes with
another optimizer, schedule, dropout and augmentation. Weights, optimizer, random state, the loss of every batch and
every evaluation are compared.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from pathlib import Path

from benchmarks.measure import report
from benchmarks.runs import cut_off, finish, only_run, same, train, trains, wait_until, write_digits
from mnist_tui.core.hyperparameters import PRESETS

RECIPES: dict[str, tuple[str, ...]] = {name: ("--preset", name) for name in PRESETS} | {
    "adamw": ("--optimizer", "adamw", "--schedule", "one-cycle", "--dropout", "0.3", "--weight-decay", "0.01"),
    "sgd": ("--optimizer", "sgd", "--learning-rate", "0.02", "--shift", "2", "--rotate", "10", "--batch-size", "100"),
    "rmsprop": ("--optimizer", "rmsprop", "--schedule", "cosine", "--label-smoothing", "0.1", "--gradient-clip", "1"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()

    generator = random.Random(flags.seed)
    equal = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = ("--data-dir", write_digits(place / "data"), "--epochs", 2)
        whole: dict[str, tuple[Path, float]] = {}
        for cut in range(flags.cuts):
            recipe = list(RECIPES)[cut % len(RECIPES)]
            words = (*data, *RECIPES[recipe])
            if recipe not in whole:
                runs = place / f"whole-{recipe}"
                process = train(runs, *words)
                wait_until(lambda runs=runs: trains(runs))  # type: ignore[misc]
                began = time.monotonic()
                finish(process, 0)
                whole[recipe] = only_run(runs), time.monotonic() - began
            runs = place / f"cut-{cut}"
            process = train(runs, *words)
            wait_until(lambda runs=runs: trains(runs))  # type: ignore[misc]
            time.sleep(generator.uniform(0, 0.9 * whole[recipe][1]))
            cut_off(process, signal.SIGTERM)
            code = finish(process, 143, 0)
            run = only_run(runs)
            if code == 143:
                finish(train(runs, "--resume", run), 0)
            alike = same(run, whole[recipe][0])
            equal += alike
            print(f"cut {cut + 1}, {recipe}: {'bit-equal' if alike else 'DIFFERENT'} (exit {code})", flush=True)
    report("runs stopped at a random batch and resumed, bit-equal", "never stopped", "all", f"{equal} of {flags.cuts}")


if __name__ == "__main__":
    main()
