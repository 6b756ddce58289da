"""A page of the gallery, from the key to the screen at 200x60 while training: the real program in a pseudo-terminal.

Page down and page up alternate at random; a key counts as answered when the large digit's `N of M` has changed and the
frame that says so has ended, so that all of the page has arrived. A key that is not answered counts as two seconds.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from pathlib import Path

from benchmarks.children import environment, python
from benchmarks.measure import percentile, quantile, report
from benchmarks.terminal import FRAME_ENDS, TRAINING, Terminal, TimedOut

PAGE_DOWN, PAGE_UP = b"\x1b[6~", b"\x1b[5~"
PLACE = re.compile(rb"\d of \d")  # the colours are digits too: a pattern that begins with many takes longer than a page
LONGEST = 2.0
SIZES = ("half", "dense", "full")  # in the order of the key


def turn_pages(terminal: Terminal, keys: int, generator: random.Random) -> tuple[list[float], int]:
    """Milliseconds from each key to its page, and the bytes of all pages."""
    latencies, first, depth = [], terminal.mark, 0
    for _ in range(keys):
        down = depth < 2 or (depth < 20 and generator.random() < 0.6)
        depth += 1 if down else -1
        place = terminal.mark
        typed = terminal.write(PAGE_DOWN if down else PAGE_UP)
        try:
            arrived = terminal.wait_until(_page_came, place, LONGEST)
            latencies.append((arrived - typed) * 1000)
        except TimedOut:
            latencies.append(LONGEST * 1000)
        terminal.pump(generator.uniform(0.080, 0.160))
    return latencies, terminal.mark - first


def _page_came(output: bytes) -> bool:
    at = output.find(b" of ")
    while at >= 0 and not PLACE.match(output, at - 1):
        at = output.find(b" of ", at + 1)
    return at >= 0 and output.find(FRAME_ENDS, at) >= 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=120, help="keys at each size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--glyphs", default="half")
    flags = parser.parse_args()

    generator = random.Random(flags.seed)
    with tempfile.TemporaryDirectory() as folder:
        words = ("--start", "--epochs", 100, "--device", "cpu", "--runs-dir", folder, "--glyphs", flags.glyphs)
        with Terminal(python("mnist_tui", *words), environment(), Path(folder), 200, 60) as terminal:
            terminal.wait_for(TRAINING)
            terminal.write(b"i")
            terminal.pump(3.0)
            for size in SIZES:
                turn_pages(terminal, 5, generator)
                latencies, amount = turn_pages(terminal, flags.keys, generator)
                lost = sum(latency >= LONGEST * 1000 for latency in latencies)
                report(
                    f"a page of the gallery while training, key to screen, 200x60, {size} size, {flags.glyphs}",
                    "-",
                    "<= 60 ms (p95)",
                    f"p95 {percentile(latencies, 0.95).show('.1f', ' ms')}, p50 {quantile(latencies, 0.5):.1f} ms, "
                    f"{amount / len(latencies) / 1000:.0f} kB a page" + (f", {lost} keys unanswered" if lost else ""),
                )
                terminal.write(b"v")
                terminal.pump(3.0)


if __name__ == "__main__":
    main()
