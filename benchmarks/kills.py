"""`kill -9` at random moments of a real run: does every run go on, and can every file be read?

The run saves every second, so that some kills fall into a save. After each, all its checkpoints are read and checked,
and the run is resumed in a new process until it has trained further.
"""

from __future__ import annotations

import argparse
import random
import signal
import tempfile
import time
from pathlib import Path

from benchmarks.measure import report
from benchmarks.runs import cut_off, finish, only_run, train, trains, wait_until, write_digits
from mnist_tui.core.errors import UserError
from mnist_tui.core.events import BatchesTrained, RunContinued
from mnist_tui.core.replay import Replay
from mnist_tui.engine.restoring import read_state


def unreadable(run: Path) -> list[str]:
    """The checkpoints of a run that cannot be gone on from."""
    bad = []
    for path in run.glob("checkpoints/*.pt"):
        try:
            read_state(path)
        except UserError as error:
            bad.append(str(error))
    return bad


def went_on(run: Path) -> bool:
    """Whether batches were trained after the run was resumed."""
    events = Replay(run).read(arrays=False)
    places = [number for number, event in enumerate(events) if isinstance(event, RunContinued)]
    return bool(places) and any(isinstance(event, BatchesTrained) for event in events[places[-1] :])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    flags = parser.parse_args()

    generator = random.Random(flags.seed)
    good, damaged = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = write_digits(place / "data")
        for number in range(1, flags.times + 1):
            runs = place / f"runs-{number}"
            process = train(runs, "--data-dir", data, "--epochs", 100, "--autosave", 1)
            wait_until(lambda runs=runs: trains(runs))  # type: ignore[misc]
            time.sleep(generator.uniform(0, 5))
            cut_off(process, signal.SIGKILL)
            finish(process, -9)
            run = only_run(runs)
            bad = unreadable(run)
            damaged += len(bad)
            process = train(runs, "--resume", run)
            wait_until(lambda run=run: went_on(run))  # type: ignore[misc]
            cut_off(process, signal.SIGTERM)
            finish(process, 143)
            good += not bad
            print(f"kill {number}: went on{''.join('; ' + sentence for sentence in bad)}", flush=True)
    report(
        "`kill -9` at random moments: runs that went on; checkpoints that cannot be read",
        "-",
        "all; 0",
        f"{good} of {flags.times}; {damaged}",
    )


if __name__ == "__main__":
    main()
