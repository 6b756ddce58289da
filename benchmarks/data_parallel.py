"""`torchrun` with several processes of one thread against one process with as many threads: the same global batch.

Both run `train --json`; the rate is that of the summary, whose clock is the training's: without start and evaluations.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.children import last_json, python, run
from benchmarks.measure import alternate, cores, median, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--processes", type=int, default=max(2, cores()), help="of one thread, or one GPU, each")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--validation", type=int, default=0, help="training images left out, to be quick")
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16"))
    flags = parser.parse_args()

    on_cpu = flags.device == "cpu"
    words = ["--json", "--device", flags.device, "--epochs", flags.epochs, "--batch-size", flags.batch_size]
    words += ["--validation", flags.validation, "--precision", flags.precision]
    torchrun = ["--standalone", "--nproc-per-node", flags.processes, "-m", "mnist_tui", "train"]

    with tempfile.TemporaryDirectory() as folder:

        def rate(world_size: int) -> float:
            if world_size == 1:
                command = python("mnist_tui", "train", *words, *(("--threads", flags.processes) if on_cpu else ()))
            else:
                one = ("--threads", 1) if on_cpu else ()
                command = python("torch.distributed.run", *torchrun, *words, *one)
            found = last_json(run(command, Path(folder)))
            assert (found["status"], found["world_size"]) == ("done", world_size), found
            return float(found["train_images_per_second"])

        ratios = []
        pairs = alternate(flags.pairs, lambda _: rate(flags.processes), lambda _: rate(1))
        for number, (team, alone) in enumerate(pairs, 1):
            ratios.append(team / alone)
            print(f"pair {number}: team {team:.0f} img/s, alone {alone:.0f} img/s, {ratios[-1]:.2f}x", flush=True)
    report(
        f"data-parallel training in {flags.processes} processes, global batch {flags.batch_size}, {flags.device}, "
        f"precision {flags.precision}",
        f"one process with {flags.processes} threads" if on_cpu else "one process with one GPU",
        "-",
        median(ratios).show(".2f", "x"),
    )


if __name__ == "__main__":
    main()
