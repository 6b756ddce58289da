"""From a key to the changed screen while training, and paused as the reference, in alternated blocks of one run.

An arrow key on the digits panel changes picture, bars and filmstrip; it counts as answered when the panel's `N of M`
has changed in the bytes that arrived. (Once an epoch the digits are sorted anew, which may answer a key too early.)
A key follows 60-140 ms after the one before, though never before its answer, and counts as two seconds where none came.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import TypeAlias

from benchmarks.children import environment, python
from benchmarks.measure import percentile, quantile, report
from benchmarks.terminal import LEFT, PAUSED, RIGHT, TRAINING, Terminal, TimedOut

Position: TypeAlias = tuple[int, int]
POSITION = re.compile(rb"(\d[\d ]*) of (\d[\d ]*\d) ")
LONGEST = 2.0


class Typist:
    """Types arrow keys into a dashboard and reads how long each takes."""

    def __init__(self, terminal: Terminal, generator: random.Random) -> None:
        self._terminal = terminal
        self._random = generator
        self._place = 0
        self._position: Position = (0, 0)
        self._right = True

    def press(self, keys: int) -> list[float]:
        """Milliseconds from each of `keys` keys to its answer."""
        terminal, latencies = self._terminal, []
        for _ in range(keys):
            position, last = self._catch_up()
            turned = self._random.random() < 0.2
            self._right = position < last and (position <= 1 or self._right != turned)
            typed = terminal.write(RIGHT if self._right else LEFT)
            gap = self._random.uniform(0.060, 0.140)
            try:
                arrived = terminal.wait_until(partial(_moved, before=self._position), self._place, LONGEST)
                latencies.append((arrived - typed) * 1000)
            except TimedOut:
                latencies.append(LONGEST * 1000)
            terminal.pump(gap - latencies[-1] / 1000)
        return latencies

    def _catch_up(self) -> Position:
        """The cursor's place and the last one, by the newest bytes."""
        self._position = _latest(bytes(self._terminal.output[self._place :])) or self._position
        self._place = self._terminal.mark
        return self._position


def _latest(output: bytes) -> Position | None:
    found = POSITION.findall(output)
    if not found:
        return None
    position, total = (int(digits.replace(b" ", b"")) for digits in found[-1])
    return position, total


def _moved(output: bytes, before: Position) -> bool:
    return _latest(output) not in {None, before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=160, help="keys while training, and as many while paused")
    parser.add_argument("--block", type=int, default=20, help="keys between two changes of state")
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()

    training: list[float] = []
    paused: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        command = python("mnist_tui", "--start", "--epochs", 100, "--device", "cpu", "--runs-dir", folder)
        with Terminal(command, environment(), Path(folder)) as terminal:
            typist = Typist(terminal, random.Random(flags.seed))
            terminal.wait_for(TRAINING)
            terminal.pump(3.0)
            typist.press(5)
            block = 0
            while len(training) < flags.keys:
                block += 1
                count = min(flags.block, flags.keys - len(training))
                training += (busy := typist.press(count))
                since = terminal.mark
                terminal.write(b" ")
                terminal.wait_for(PAUSED, since=since)
                terminal.pump(0.5)
                paused += (idle := typist.press(count))
                since = terminal.mark
                terminal.write(b" ")
                terminal.wait_for(TRAINING, since=since)
                terminal.pump(1.0)
                print(f"block {block}: training {_show(busy)}, paused {_show(idle)}", flush=True)
    for state, target, latencies in (("paused", "-", paused), ("training", "<= 8/30 ms (p50/p95)", training)):
        lost = sum(latency >= LONGEST * 1000 for latency in latencies)
        report(
            f"key to changed screen while {state}, 120x36, {len(latencies)} keys",
            "-" if state == "paused" else "the same run while paused",
            target,
            f"p95 {percentile(latencies, 0.95).show('.1f', ' ms')}, p50 {quantile(latencies, 0.5):.1f} ms"
            + (f", {lost} keys unanswered" if lost else ""),
        )


def _show(latencies: list[float]) -> str:
    return f"p50 {quantile(latencies, 0.5):.1f} p95 {quantile(latencies, 0.95):.1f} ms"


if __name__ == "__main__":
    main()
