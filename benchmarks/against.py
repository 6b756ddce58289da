"""Training throughput of the working tree against another commit: what a change costs the classic preset.

The other commit is checked out into a temporary folder; both sides run `benchmarks.engine_child`, alternated, in
processes of their own.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

from benchmarks.children import environment, last_json, python
from benchmarks.measure import alternate, median, report

ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit")
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--batches", type=int, default=300, help="timed batches of a process")
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", other, flags.commit], cwd=ROOT, check=True)
        try:

            def rate(tree: Path, pair: int) -> float:
                command = python("benchmarks.engine_child", "--batches", flags.batches, "--seed", pair)
                environment_there = {**environment(), "PYTHONPATH": str(tree)}
                done = subprocess.run(
                    command, cwd=tree, env=environment_there, check=True, capture_output=True, text=True
                )
                return float(last_json(done.stdout)["images_per_second"])

            pairs = alternate(flags.pairs, lambda pair: rate(ROOT, pair), lambda pair: rate(other, pair))
            ratios = []
            for number, (here, there) in enumerate(pairs, 1):
                ratios.append(here / there)
                print(f"pair {number}: here {here:.0f} img/s, there {there:.0f} img/s, {ratios[-1]:.3f}x", flush=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", other], cwd=ROOT, check=True)
    report(
        "training throughput, classic preset", f"commit {flags.commit[:7]}", ">= 0.98x", median(ratios).show(".3f", "x")
    )


if __name__ == "__main__":
    main()
