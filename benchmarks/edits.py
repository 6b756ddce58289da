"""Edits and undos while the classic network trains on real digits: how soon they are in force, and on the screen.

In the engine: from the wish to the event, which comes before the next batch. On the screen (a pty of 120 x 36):
from the key to the mark's label in the terminal.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.children import environment, python
from benchmarks.digits import load_splits
from benchmarks.measure import cores, report
from benchmarks.terminal import TRAINING, Terminal
from mnist_tui.core.control import Control
from mnist_tui.core.events import HyperparametersApplied, Rewound
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import device as devices
from mnist_tui.engine.keeper import Destination
from mnist_tui.engine.trainer import Trainer

GAP_SECONDS = 1.5  # changes of one setting within a second are one edit, and one mark


def in_the_engine(times: int, folder: Path) -> None:
    """Edits and undos of a trainer in a thread of its own, asked for at moments that fall anywhere in a batch."""
    devices.prepare(cores())
    device = devices.choose("cpu").torch
    splits = load_splits(device)
    (folder / "checkpoints").mkdir(parents=True)
    control = Control()
    heard: list[tuple[float, object]] = []

    def train() -> None:
        trainer = Trainer(Hyperparameters(epochs=1000), splits, device, Destination(folder, 1e9))
        heard.extend((time.perf_counter(), event) for event in trainer.run(control))

    thread = threading.Thread(target=train)
    thread.start()
    edits: list[float] = []
    undos: list[float] = []
    rate = 0.001
    for number in range(2 * times):
        time.sleep(GAP_SECONDS + 0.0037 * (number % 7))
        known = len(heard)
        asked = time.perf_counter()
        kind: type = HyperparametersApplied if number % 2 == 0 else Rewound
        if number % 2 == 0:
            rate = 0.002 if rate == 0.001 else 0.001
            control.edit({"learning_rate": rate})
        else:
            control.undo()
            rate = 0.001
        while not any(isinstance(event, kind) for _, event in heard[known:]):
            time.sleep(0.0005)
        told = next(when for when, event in heard[known:] if isinstance(event, kind))
        (edits if number % 2 == 0 else undos).append((told - asked) * 1000)
    control.stop()
    thread.join()
    _tell("wish to applied edit, checkpoint written before it", "the next batch", edits)
    _tell("wish to undone edit, classic network", "<= 200 ms", undos)


def on_the_screen(times: int, folder: Path) -> None:
    """From `]` or `[` to the label of its mark, while training."""
    command = python("mnist_tui", "--start", "--device", "cpu", "--epochs", 100, "--runs-dir", folder / "runs")
    waits = []
    with Terminal(command, environment(), folder) as terminal:
        terminal.wait_for(TRAINING)
        terminal.pump(3.0)
        for number in range(times):
            key, label = (b"]", b"0.001\xe2\x86\x920.002") if number % 2 == 0 else (b"[", b"0.002\xe2\x86\x920.001")
            since = terminal.mark
            pressed = terminal.write(key)
            waits.append((terminal.wait_for(label, since=since) - pressed) * 1000)
            terminal.pump(GAP_SECONDS + 0.013 * (number % 5))
    _tell("key to the mark's label in the terminal, 120x36", "applied + <= 150 ms", waits)


def _tell(what: str, target: str, milliseconds: list[float]) -> None:
    ordered = sorted(milliseconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    text = f"median {statistics.median(ordered):.0f} ms, p95 {p95:.0f} ms, worst {ordered[-1]:.0f} ms of {len(ordered)}"
    report(what, "-", target, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        in_the_engine(flags.times, Path(folder) / "engine")
        on_the_screen(flags.times, Path(folder))


if __name__ == "__main__":
    main()
