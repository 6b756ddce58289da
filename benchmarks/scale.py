"""A training split that does not fit in memory: what the program's memory does, and what streaming costs in speed.

Without a directory a synthetic set is written to a temporary one (7.8 GB for ten million images) and removed. The
memory is the resident set of `mnist-tui train` on it, read at every line that it prints, once the warm-up has filled
the window and written checkpoints; beside it, that of the same training on the 60 000 of MNIST, which are resident.
The speed is that of our trainer on the streamed set, against our trainer on those 60 000, alternated.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.children import ROOT, environment, last_json, python, run
from benchmarks.measure import alternate, cores, median, report
from benchmarks.synthetic import write_set
from mnist_tui.core.dataset import find
from mnist_tui.core.large import is_large, open_large


@dataclass(frozen=True)
class Memory:
    """MB at every line after the warm-up; batches trained in all; seconds to the first."""

    readings: list[float]
    batches: int
    first_seconds: float

    @property
    def growth(self) -> float:
        """MB that it ever was above its beginning."""
        return max(self.readings) - self.readings[0]

    def __str__(self) -> str:
        quarters = [self.readings[(len(self.readings) - 1) * quarter // 4] for quarter in range(5)]
        return (
            f"{', '.join(f'{reading:.0f}' for reading in quarters)} MB at each quarter of the way, at most "
            f"{max(self.readings):.0f}; {self.batches} batches, the first after {self.first_seconds:.1f} s"
        )


def memory_of(runs: Path, flags: argparse.Namespace, *which: object) -> Memory:
    """Train with the program itself for the wanted batches, and stop it; `which` are flags that say on what."""
    words = ["train", *which, "--runs-dir", runs, "--json", "--device", flags.device, "--epochs", 1000]
    words += ["--batch-size", flags.batch_size, "--threads", flags.threads, "--autosave", 5]
    began, first, batches = time.perf_counter(), 0.0, 0
    readings: list[float] = []
    with subprocess.Popen(
        python("mnist_tui", *words), cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as child:
        process = psutil.Process(child.pid)
        assert child.stdout is not None
        for line in child.stdout:
            event = json.loads(line)
            if event.get("event") != "BatchesTrained":
                continue
            first = first or time.perf_counter() - began
            batches = event["first_step"] + len(event["losses"]) - 1
            if batches > flags.warm_up:
                readings.append(process.memory_info().rss / 1e6)
            if batches >= flags.warm_up + flags.batches:
                break
        child.terminate()  # SIGINT is ignored by who is started in the background of a script
        child.communicate()
    assert child.returncode == 143, f"the training ended with {child.returncode}"
    return Memory(readings, batches, first)


def measure(data: Path, flags: argparse.Namespace) -> None:
    """Print both figures for the set in `data`."""
    source = find("mnist", data)
    if not is_large(source):
        sys.exit(f"{data} holds no training images that would be streamed: more than 1 GiB, in a plain file")
    split = open_large(source)
    assert split is not None
    images = f"{len(split):,}".replace(",", " ")
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs"
        resident = memory_of(runs, flags)
        print(f"60 000 images, resident: {resident}", flush=True)
        found = memory_of(runs, flags, "--data-dir", data)
        print(f"{images} images, streamed: {found}", flush=True)
        report(
            f"growth of the memory of a training on {images} images, {flags.batches} batches of {flags.batch_size}",
            f"60 000 resident images: {resident.growth:.0f} MB",
            "<= 20 MB",
            f"{found.growth:.0f} MB (of {max(found.readings):.0f} MB)",
        )

        def rate(number: int, *more: object) -> float:
            words = ["--batches", flags.timed, "--warm-up", 30, "--batch-size", flags.batch_size]
            words += ["--threads", flags.threads, "--device", flags.device, "--seed", number, *more]
            return float(last_json(run(python("benchmarks.engine_child", *words), Path(folder)))["images_per_second"])

        ratios = []
        pairs = alternate(flags.pairs, lambda pair: rate(pair, "--data-dir", data), lambda pair: rate(pair))
        for number, (streamed, held) in enumerate(pairs, 1):
            ratios.append(streamed / held)
            print(
                f"pair {number}: streamed {streamed:.0f} img/s, resident {held:.0f} img/s, {ratios[-1]:.3f}x",
                flush=True,
            )
    report(
        f"training throughput on {images} streamed images, batch {flags.batch_size}, {flags.device}, "
        f"{flags.threads} threads",
        "60 000 resident images",
        ">= 0.97x",
        median(ratios).show(".3f", "x"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, nargs="?", help="a set that is there already, absolute or from here")
    parser.add_argument("--images", type=int, default=10_000_000, help="of the set that is written")
    parser.add_argument("--batches", type=int, default=5000, help="that the memory is watched over")
    parser.add_argument("--warm-up", type=int, default=2100, help="batches; two groups of 65 536 images fill it")
    parser.add_argument("--timed", type=int, default=1500, help="timed batches of a process of a pair")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--device", default="cpu")
    flags = parser.parse_args()
    if flags.directory is not None:
        measure(flags.directory.absolute(), flags)
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            write_set(Path(folder), flags.images)
        except OSError as error:
            sys.exit(str(error))
        measure(Path(folder), flags)


if __name__ == "__main__":
    main()
