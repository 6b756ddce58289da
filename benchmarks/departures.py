"""Five ways to lose the dashboard while it trains: is the run resumable, the exit code right, and how long did it take?

SIGTERM, SIGHUP, Ctrl+C typed twice, a closed terminal, and SIGTERM while nobody reads the terminal.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.children import environment, python, saved_run
from benchmarks.measure import median, report
from benchmarks.terminal import TRAINING, Terminal
from mnist_tui.core.errors import UserError
from mnist_tui.engine.restoring import read_state

STALL_SECONDS = 4.0  # by then the terminal's 4 kB are full, and the program is stuck in writing
Leave = Callable[[Terminal], None]


def _interrupt(terminal: Terminal) -> None:
    since = terminal.mark
    terminal.write(b"\x03")
    terminal.wait_for(b"leave?", since=since, seconds=10)
    terminal.write(b"\x03")


WAYS: dict[str, tuple[Leave, int]] = {
    "SIGTERM": (lambda terminal: terminal.send(signal.SIGTERM), 143),
    "SIGHUP": (lambda terminal: terminal.send(signal.SIGHUP), 129),
    "Ctrl+C": (_interrupt, 130),
    "closed terminal": (lambda terminal: terminal.hang_up(), 129),
    "stalled terminal": (lambda terminal: terminal.send(signal.SIGTERM), 143),
}


def leave(runs: Path, way: str, train_for: float) -> float:
    """Seconds from the event to the end of the process.

    Raises:
        AssertionError: the exit code or the run is not as it should be.
    """
    act, expected = WAYS[way]
    command = python("mnist_tui", "--start", "--epochs", 100, "--device", "cpu", "--runs-dir", runs)
    with Terminal(command, environment(), runs.parent) as terminal:
        terminal.wait_for(TRAINING)
        terminal.pump(train_for)
        if way == "stalled terminal":
            time.sleep(STALL_SECONDS)
        asked = time.perf_counter()
        act(terminal)
        code, gone = terminal.wait_for_exit(reading=way not in {"closed terminal", "stalled terminal"})
    assert code == expected, f"{way}: exit code {code}"
    try:
        read_state(saved_run(runs) / "checkpoints" / "last.pt")
    except UserError as error:
        raise AssertionError(f"{way}: {error}") from None
    return gone - asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    flags = parser.parse_args()

    generator = random.Random(flags.seed)
    times: list[float] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for way in flags.ways:
            for number in range(1, flags.times + 1):
                try:
                    seconds = leave(Path(folder) / f"{way} {number}".replace(" ", "-"), way, generator.uniform(0.5, 2))
                except AssertionError as error:
                    failed.append(str(error))
                    print(f"{way} {number}: {error}", flush=True)
                    continue
                times.append(seconds)
                print(f"{way} {number}: {seconds:.2f} s", flush=True)
    count = flags.times * len(flags.ways)
    report(
        f"{', '.join(flags.ways)}, {flags.times} times each: resumable, with the right exit code; worst time",
        "-",
        "all; <= 4 s",
        f"{count - len(failed)} of {count}; {max(times):.2f} s, median {median(times).show('.2f', ' s')}",
    )


if __name__ == "__main__":
    main()
