"""Training throughput against the classic script: same network, batch size, precision and cores, alternated."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.children import last_json, python, run
from benchmarks.measure import alternate, cores, median, report

_TARGETS = {("cpu", "fp32", 64): ">= 2.7x", ("cpu", "bf16", 64): ">= 3.7x", ("cpu", "bf16", 512): ">= 5x"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=21)
    parser.add_argument("--batches", type=int, default=300, help="timed batches of a process")
    parser.add_argument("--warm-up", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"), help="ours; the script is fp32")
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:

        def rate(module: str, pair: int, *more: object) -> float:
            words = [
                *("--batches", flags.batches, "--warm-up", flags.warm_up, "--batch-size", flags.batch_size),
                *("--threads", flags.threads, "--device", flags.device, "--seed", pair, *more),
            ]
            found = last_json(run(python(f"benchmarks.{module}", *words), Path(folder)))
            assert found["threads"] == flags.threads, f"{module} trained with {found['threads']} threads"
            return float(found["images_per_second"])

        ratios = []
        epochs = (flags.warm_up + flags.batches) * flags.batch_size // 60_000 + 2
        pairs = alternate(
            flags.pairs,
            lambda pair: rate("engine_child", pair, "--precision", flags.precision),
            lambda pair: rate("classic_script", pair, "--epochs", epochs),
        )
        for number, (ours, classic) in enumerate(pairs, 1):
            ratios.append(ours / classic)
            print(f"pair {number}: ours {ours:.0f} img/s, classic {classic:.0f} img/s, {ratios[-1]:.2f}x", flush=True)
    report(
        f"training throughput, batch {flags.batch_size}, {flags.precision}, {flags.device}, {flags.threads} threads",
        "the classic script",
        _TARGETS.get((flags.device, flags.precision, flags.batch_size), "-"),
        median(ratios).show(".2f", "x"),
    )


if __name__ == "__main__":
    main()
