"""Training with everything recorded, against training that records nothing, alternated in one process.

Recorded are metrics, `run.json` and checkpoints, with the heartbeat and the look into `control/` of a run that
somebody may watch. A window of the default size is shorter than the default autosave: `--autosave 4` has one
checkpoint in each, fifteen times as many as a user has.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from itertools import islice
from pathlib import Path

from benchmarks.digits import load_splits
from benchmarks.measure import alternate, cores, median, report
from mnist_tui.core.control import Control
from mnist_tui.core.events import BatchesTrained
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.recorder import Recorder
from mnist_tui.engine import device as devices
from mnist_tui.engine.keeper import Destination
from mnist_tui.engine.trainer import Trainer
from mnist_tui.runner.post import Post


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--batches", type=int, default=400, help="batches of a window")
    parser.add_argument("--autosave", type=float, default=60.0, help="seconds between checkpoints")
    flags = parser.parse_args()

    device = devices.choose("cpu")
    devices.prepare(cores())
    splits = load_splits(device.torch)
    endless = Hyperparameters(epochs=10_000)
    steps = flags.batches

    def images_per_second(trainer: Trainer, control: Control, recorder: Recorder | None, post: Post | None) -> float:
        """Over one window of a run, from its second drain on."""
        events = trainer.run(control)
        course = post.events(events) if post else events
        images, began = 0, math.nan
        for event in course:
            if recorder:
                recorder.record(event)
            if isinstance(event, BatchesTrained):
                if math.isnan(began):
                    began = time.perf_counter()
                else:
                    images += event.batch_size * len(event.losses)
                if event.last_step >= steps:
                    break
        return images / (time.perf_counter() - began)

    def recorded(_: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder)
            for name in ("checkpoints", "evaluations"):
                (run / name).mkdir()
            control = Control()
            trainer = Trainer(endless, splits, device.torch, Destination(run, autosave=flags.autosave))
            recorder = Recorder(run, {"run": "benchmark"})
            with Post(run, control) as post:
                rate = images_per_second(trainer, control, recorder, post)
            recorder.close()
            assert recorder.trouble == "", recorder.trouble
        return rate

    def bare(_: int) -> float:
        return images_per_second(Trainer(endless, splits, device.torch), Control(), None, None)

    list(islice((bare(0), recorded(0)), 2))  # kernels are chosen, caches filled
    ratios = []
    for number, (on, off) in enumerate(alternate(flags.pairs, recorded, bare), 1):
        ratios.append(on / off)
        print(f"pair {number}: recorded {on:.0f} img/s, bare {off:.0f} img/s, {ratios[-1]:.3f}x", flush=True)
    report(
        f"training throughput with all recording on, a checkpoint every {flags.autosave:g} s",
        "recording nothing",
        ">= 0.98x",
        median(ratios).show(".3f", "x"),
    )


if __name__ == "__main__":
    main()
