"""One side of `gpu`: seconds of training until an evaluation after an epoch reaches 99 %, with and without the capture.

`python -m benchmarks.gpu_child` prints one JSON object. A training of one epoch that nobody keeps comes first: what a
process loads and sets up once is no training time.
"""

from __future__ import annotations

import argparse
import json

import attrs

from benchmarks.digits import load_splits
from benchmarks.measure import cores
from mnist_tui.core.control import Control
from mnist_tui.core.events import Evaluated
from mnist_tui.core.hyperparameters import PRESETS, Hyperparameters
from mnist_tui.engine import device as devices
from mnist_tui.engine.trainer import Splits, Trainer

GOAL = 0.99
RECIPE = Hyperparameters(batch_size=256, learning_rate=0.005, momentum=0.7, beta2=0.9, schedule="one-cycle", epochs=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=tuple(PRESETS), help="default: batch 256, one-cycle, 3 epochs")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    flags = parser.parse_args()

    device = devices.choose(flags.device)
    devices.prepare(cores())
    splits = load_splits(device.torch)
    recipe = PRESETS[flags.preset] if flags.preset else RECIPE
    recipe = attrs.evolve(recipe, epochs=flags.epochs or recipe.epochs)

    def train(hyperparameters: Hyperparameters) -> dict[str, float | None]:
        return time_to_goal(Trainer(hyperparameters, splits, device.torch, precision=flags.precision), splits)

    train(attrs.evolve(recipe, seed=flags.seed + 1_000_000, epochs=1))
    print(json.dumps(train(attrs.evolve(recipe, seed=flags.seed))))


def time_to_goal(trainer: Trainer, splits: Splits) -> dict[str, float | None]:
    """Seconds to the goal (None where it was not reached), those of them that made the graph, the accuracy reached."""
    best = 0.0
    launcher = trainer.stepper.launcher
    for event in trainer.run(Control()):
        if not isinstance(event, Evaluated):
            continue
        best = max(best, event.accuracy)
        if best >= GOAL:
            break
    capture = launcher.capture_seconds if launcher else 0.0
    return {"seconds": trainer.place.seconds if best >= GOAL else None, "capture": capture, "accuracy": best}


if __name__ == "__main__":
    main()
