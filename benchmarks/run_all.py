"""Every benchmark with its full settings, one after the other; a markdown table of the figures on stdout.

What the benchmarks themselves print goes to stderr. `--quick` only proves that they run: its figures mean nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

from benchmarks.children import ROOT, environment, python
from benchmarks.measure import FIGURE, SEPARATOR, machine

FULL: tuple[tuple[str, ...], ...] = (
    ("chart_redraw",),
    ("strips",),
    ("first_frame",),
    ("first_batch",),
    ("key_latency",),
    ("gallery_page",),
    ("gallery_scroll",),
    ("leave",),
    ("throughput",),
    ("throughput", "--precision", "bf16"),
    ("throughput", "--batch-size", "512", "--batches", "80", "--warm-up", "10", "--pairs", "5", "--precision", "bf16"),
    ("peak",),
    ("evaluation",),
    ("evaluation", "--precision", "bf16"),
    ("choices",),
    ("data_parallel",),
    ("dashboard",),
    ("screen_cost",),
    ("slow_link",),
    ("paused",),
    ("accuracy", "--script"),
    ("accuracy", "--precisions", "fp32", "bf16", "--seeds", "10"),
    ("goal",),
    ("presets", "classic"),
    ("presets", "accurate"),
    ("edits",),
    ("health",),
    ("resume",),
    ("kills",),
    ("departures",),
    ("recording",),
    ("recording", "--autosave", "4"),
    ("label_errors",),
    ("selecting",),
    ("refresh",),
    ("insight",),
    ("stroke",),
    ("pictures",),
    ("export",),
    ("scale",),
)
QUICK: tuple[tuple[str, ...], ...] = (
    ("chart_redraw", "--pairs", "3", "--many", "20000"),
    ("strips", "--pairs", "3"),
    ("first_frame", "--pairs", "1"),
    ("first_batch", "--pairs", "1"),
    ("key_latency", "--keys", "4", "--block", "2"),
    ("gallery_page", "--keys", "4"),
    ("gallery_scroll",),
    ("leave", "--times", "1"),
    ("throughput", "--pairs", "1", "--batches", "20", "--warm-up", "5"),
    ("peak", "--rounds", "1", "--batches", "3"),
    ("evaluation", "--pairs", "1", "--times", "1"),
    ("choices", "--pairs", "1", "--batches", "4"),
    ("presets", "fast", "--seeds", "1", "--", "--epochs", "1"),
    ("data_parallel", "--pairs", "1", "--validation", "56000"),
    ("dashboard", "--pairs", "1", "--images", "9000", "--epochs", "2"),
    ("screen_cost", "--epochs", "1", "--seconds", "1"),
    ("slow_link", "--pairs", "1", "--images", "9000", "--epochs", "2"),
    ("paused", "--seconds", "2"),
    ("accuracy", "--seeds", "1", "--epochs", "1"),
    ("edits", "--times", "1"),
    ("resume", "--cuts", "1"),
    ("kills", "--times", "1"),
    ("departures", "--times", "1"),
    ("recording", "--pairs", "1", "--batches", "40"),
    ("label_errors", "--epochs", "1", "--times", "3"),
    ("selecting", "--pairs", "1"),
    ("refresh", "--times", "3"),
    ("insight", "--times", "2", "--features", "1"),
    ("stroke", "--strokes", "5"),
    ("pictures", "--digits", "5", "--images", "6000"),
    ("export", "--times", "1"),
    ("scale", "--images", "1400000", "--batches", "100", "--warm-up", "20", "--timed", "20", "--pairs", "1"),
)


def figures_of(module: str, *words: str) -> list[str]:
    """Run one benchmark, pass its lines on, and return the rows of the table it came to."""
    command = python(f"benchmarks.{module}", *words)
    rows = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", file=sys.stderr, flush=True)
            if line.startswith(FIGURE):
                read, figure, rival, where = line.removeprefix(FIGURE).rstrip("\n").split(SEPARATOR)
                value, _, target = read.partition(" target ")
                rows.append(f"| {figure} | {rival} | {target} | {value} | {where} |")
    if child.returncode:
        rows.append(f"| {module} | - | - | failed with exit code {child.returncode} | {machine()} |")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    flags = parser.parse_args()

    rows: list[str] = []
    for module, *words in QUICK if flags.quick else FULL:
        began = time.perf_counter()
        print(f"--- {module} {' '.join(words)}", file=sys.stderr, flush=True)
        rows += figures_of(module, *words)
        print(f"--- {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print("| figure | rival | target | read | where |\n| --- | --- | --- | --- | --- |")
    for row in rows:
        print(row)
    return int(any("failed with exit code" in row for row in rows))


if __name__ == "__main__":
    sys.exit(main())
