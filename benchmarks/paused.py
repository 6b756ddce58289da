"""What the dashboard costs a core: the screen's thread while training, and all of the program while nothing happens.

A run is looked at for some seconds, then paused, then stopped; CPU time is the scheduler's. The reader takes every byte
at once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.children import environment, python
from benchmarks.measure import report
from benchmarks.terminal import PAUSED, TRAINING, Terminal

STOPPED = "■ stopped".encode()


def cpu_seconds(pid: int, threads: str = "*") -> float:
    """What the threads of a process ran so far, from the scheduler: ticks of 10 ms miss or double bursts."""
    tasks = Path(f"/proc/{pid}/task").glob(f"{threads}/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def watch(terminal: Terminal, seconds: float, threads: str = "*") -> tuple[float, float]:
    """CPU as a share of one core, and kilobytes a second, over `seconds`."""
    place, used, began = terminal.mark, cpu_seconds(terminal.pid, threads), time.perf_counter()
    terminal.pump(seconds)
    passed = time.perf_counter() - began
    return (cpu_seconds(terminal.pid, threads) - used) / passed, (terminal.mark - place) / 1000 / passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        command = python("mnist_tui", "--start", "--epochs", 100, "--device", "cpu", "--runs-dir", folder)
        with Terminal(command, environment(), Path(folder)) as terminal:
            terminal.wait_for(TRAINING)
            terminal.pump(3.0)
            share, _ = watch(terminal, flags.seconds, str(terminal.pid))
            report("CPU of the screen's thread while training, 120x36", "-", "-", f"{share:.2%}")
            for state, keys, sign in (("paused", b" ", PAUSED), ("after a run", b"xx", STOPPED)):
                since = terminal.mark
                for key in keys:
                    terminal.write(bytes([key]))
                    terminal.pump(0.3)
                terminal.wait_for(sign, since=since)
                terminal.pump(7.0)  # toasts are gone then
                share, kilobytes = watch(terminal, flags.seconds)
                report(f"CPU of the dashboard, {state}, 120x36", "-", "<= 1 % of a core", f"{share:.2%}")
                report(f"bytes to the terminal, {state}, 120x36", "-", "<= 3 kB/s", f"{kilobytes:.2f} kB/s")


if __name__ == "__main__":
    main()
