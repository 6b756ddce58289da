"""Training on a GPU against the classic script, with and without CUDA graphs; training time to 99 %.

Images a second at batch 64, both sides on the same machine, alternated; the time to 99 % with and without the capture.

On a machine without a CUDA device it says so and ends with exit code 2. It needs neither Textual nor torchvision.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.children import environment, last_json, python
from benchmarks.measure import alternate, median, report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--batches", type=int, default=9_000, help="timed batches of ours in a process")
    parser.add_argument("--classic-batches", type=int, default=900, help="timed batches of the script in a process")
    parser.add_argument("--warm-up", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"), help="ours; the script is fp32")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seeds", type=int, default=5, help="trainings to 99 %%")
    parser.add_argument("--preset", help="of the trainings to 99 %%")
    flags = parser.parse_args()

    from mnist_tui.core.errors import UsageError
    from mnist_tui.engine import device as devices

    try:
        device = devices.choose(flags.device)
    except UsageError as error:
        print(f"gpu: nothing was measured: {error}", file=sys.stderr)
        return 2
    if device.torch.type != "cuda":
        print(f"gpu: nothing was measured: {flags.device} is no CUDA device", file=sys.stderr)
        return 2
    print(f"{device.name}, batch {flags.batch_size}, ours in {flags.precision}, the script in fp32", flush=True)

    with tempfile.TemporaryDirectory() as folder:

        def child(module: str, *words: object, graphs: bool = True) -> dict[str, Any]:
            done = subprocess.run(
                python(f"benchmarks.{module}", *words, "--device", flags.device),
                cwd=Path(folder),
                env=environment(MNIST_TUI_GRAPHS=str(int(graphs))),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            return last_json(done.stdout)

        common = ("--batch-size", flags.batch_size, "--warm-up", flags.warm_up)

        def ours(pair: int, graphs: bool) -> float:
            words = (*common, "--batches", flags.batches, "--precision", flags.precision, "--seed", pair)
            return float(child("engine_child", *words, graphs=graphs)["images_per_second"])

        def classic(pair: int) -> float:
            epochs = (flags.warm_up + flags.classic_batches) * flags.batch_size // 60_000 + 2
            words = (*common, "--batches", flags.classic_batches, "--epochs", epochs, "--seed", pair)
            found = child("classic_script", *words)
            loaders.add(found["loader"])
            return float(found["images_per_second"])

        loaders: set[str] = set()
        ratios: list[float] = []
        without: list[float] = []
        both = alternate(flags.pairs, lambda pair: (ours(pair, True), ours(pair, False)), classic)
        for number, ((graphed, launched), script) in enumerate(both, 1):
            ratios.append(graphed / script)
            without.append(launched / script)
            print(
                f"pair {number}: graphs {graphed:.0f} img/s, no graphs {launched:.0f} img/s, "
                f"classic {script:.0f} img/s, {ratios[-1]:.1f}x and {without[-1]:.1f}x",
                flush=True,
            )
        what = f"training throughput, batch {flags.batch_size}, {flags.precision}, {device.name}"
        target = ">= 100x" if flags.batch_size == 64 else "-"
        rival = f"the classic script, {' and '.join(loaders)}"
        report(f"{what}, CUDA graphs", rival, target, median(ratios).show(".1f", "x"))
        report(f"{what}, launch by launch", rival, "-", median(without).show(".1f", "x"))

        preset = ("--preset", flags.preset) if flags.preset else ()
        found = [child("gpu_child", "--seed", seed, *preset) for seed in range(flags.seeds)]
    for seed, run in enumerate(found):
        print(f"seed {seed}: {run}", flush=True)
    reached = [run for run in found if run["seconds"] is not None]
    of = f"{len(reached)} of {len(found)} seeds reached it"
    if reached:
        training = median([run["seconds"] - run["capture"] for run in reached]).show(".3f", " s")
        total = median([run["seconds"] for run in reached]).show(".3f", " s")
        report(f"training time to 99 %, {device.name}, without capture; {of}", "-", "<= 0.3 s", training)
        report(f"training time to 99 %, {device.name}, with capture; {of}", "-", "-", total)
    else:
        print(f"training time to 99 %: {of}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
