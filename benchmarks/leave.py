"""From `q` and Enter while training to a process that is gone, with exit code 0 and the run on the disk.

Enter follows as soon as the question is on the screen; the clock runs from `q` until the process was reaped.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

from benchmarks.children import environment, python, saved_run
from benchmarks.measure import median, report
from benchmarks.terminal import ENTER, TRAINING, Terminal

SAVED = ("cnn_model.pth", "checkpoints/last.pt")


def seconds_to_leave(runs: Path, train_for: float) -> tuple[float, float]:
    """From `q`, and from Enter, to the end of the process."""
    command = python("mnist_tui", "--start", "--epochs", 100, "--device", "cpu", "--runs-dir", runs)
    with Terminal(command, environment(), runs.parent) as terminal:
        terminal.wait_for(TRAINING)
        terminal.pump(train_for)
        since = terminal.mark
        asked = terminal.write(b"q")
        terminal.wait_for(b"leave?", b"Stop and save", since=since, seconds=10)
        answered = terminal.write(ENTER)
        code, gone = terminal.wait_for_exit()
    assert code == 0, f"exit code {code}"
    run = saved_run(runs)
    for name in SAVED:
        assert (run / name).stat().st_size > 0, f"{name} is empty"
    return gone - asked, gone - answered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()

    generator = random.Random(flags.seed)
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, flags.times + 1):
            train_for = generator.uniform(1.0, 3.0)
            from_question, from_answer = seconds_to_leave(Path(folder) / f"runs-{number}", train_for)
            times.append(from_question)
            print(f"leaving {number}: {from_question:.2f} s from q, {from_answer:.2f} s from Enter", flush=True)
    report(
        f"`q`, Enter while training to a saved run and no process, worst of {len(times)}",
        "-",
        "<= 2 s",
        f"{max(times):.2f} s; median {median(times).show('.2f', ' s')}",
    )


if __name__ == "__main__":
    main()
