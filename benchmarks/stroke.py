"""From the mouse on the canvas to moving bars: a real app in a pseudo-terminal, the network idle.

A left press, a drag of one cell, and its release draw a short stroke; it counts as answered when the bytes that arrived
hold a percentage of the bars that was not there before. Between two strokes the canvas is cleared, so that every
stroke moves a bar. The run is stopped after its first evaluation, whose weights judge.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from pathlib import Path

from benchmarks.children import environment, python
from benchmarks.measure import percentile, quantile, report
from benchmarks.terminal import PAUSED, TRAINING, Terminal, TimedOut

LONGEST = 2.0
PERCENTAGE = re.compile(rb"\d+\.\d%")
LEFT_EDGE, TOP = 4, 4  # of the canvas at 120 x 36, as a mouse report counts
CELLS = (56, 28)


def mouse(button: int, x: int, y: int, *, up: bool = False) -> bytes:
    """An SGR report of a button at a cell, counted from 1."""
    return f"\x1b[<{button};{x};{y}{'m' if up else 'M'}".encode()


def stroke(terminal: Terminal, generator: random.Random) -> float:
    """Milliseconds from a stroke to moving bars; it goes on from a short one, which was judged."""
    x = LEFT_EDGE + generator.randrange(8, CELLS[0] - 16)
    y = TOP + generator.randrange(6, CELLS[1] - 8)
    terminal.write(mouse(0, x, y) + mouse(32, x + 4, y))
    terminal.pump(generator.uniform(0.25, 0.35))
    since = terminal.mark
    sent = terminal.write(mouse(32, x + generator.randrange(4, 8), y + generator.choice((-6, 6))))
    try:
        arrived = terminal.wait_until(lambda output: bool(PERCENTAGE.search(output)), since, LONGEST)
    except TimedOut:
        return LONGEST * 1000
    finally:
        terminal.write(mouse(0, x, y, up=True) + b"c")
        terminal.pump(generator.uniform(0.15, 0.25))
    return (arrived - sent) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strokes", type=int, default=100)
    parser.add_argument("--busy", action="store_true", help="while it trains, too")
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()

    generator = random.Random(flags.seed)
    with tempfile.TemporaryDirectory() as folder:
        command = python("mnist_tui", "--start", "--epochs", 100, "--device", "cpu", "--runs-dir", folder)
        where = environment(MNIST_TUI_DRAWINGS=f"{folder}/drawings")
        with Terminal(command, where, Path(folder)) as terminal:
            terminal.wait_for(TRAINING)
            terminal.pump(2.0)
            terminal.write(b"e")
            terminal.wait_for(b"test ", b" %")
            states = [("while not training", PAUSED)] + ([("while training", TRAINING)] if flags.busy else [])
            for words, state in states:
                since = terminal.mark
                terminal.write(b" ")
                terminal.wait_for(state, since=since)
                if state == PAUSED:
                    since = terminal.mark
                    terminal.write(b"d")
                    terminal.wait_for(b"draw: medium", since=since)
                    terminal.pump(1.0)
                for _ in range(5):
                    stroke(terminal, generator)
                latencies = [stroke(terminal, generator) for _ in range(flags.strokes)]
                lost = sum(latency >= LONGEST * 1000 for latency in latencies)
                report(
                    f"a stroke to moving bars {words}, 120x36, {len(latencies)} strokes",
                    "-",
                    "<= 60 ms (p95)" if state == PAUSED else "-",
                    f"p95 {percentile(latencies, 0.95).show('.1f', ' ms')}, p50 {quantile(latencies, 0.5):.1f} ms"
                    + (f", {lost} strokes unanswered" if lost else ""),
                )


if __name__ == "__main__":
    main()
