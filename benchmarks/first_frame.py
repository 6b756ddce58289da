"""Time from fork to the first complete frame of `mnist-tui`, against an empty Textual app in the same terminal.

A frame is complete when its last line was painted and the cursor went home, which is how Textual ends every paint,
synchronized or not (the first one comes before the terminal has answered that it can synchronize). Ours must also show
its three panels: `hyperparameters`, `loss` and `test digits`. Both draw at most 120 times a second and start warm: ours
has been started, and left, once.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.children import environment, python
from benchmarks.measure import report, starts
from benchmarks.terminal import Terminal

ROWS = 36
LAST_LINE = f"\x1b[{ROWS};1H".encode()
HOME = b"\x1b[1;1H"
PANELS = (b"hyperparameters", b"loss", b"test digits")


def complete(output: bytes, words: tuple[bytes, ...]) -> bool:
    """Whether `output` holds a whole paint by whose end all `words` were there."""
    places = [output.find(word) for word in (*words, LAST_LINE)]
    return min(places) >= 0 and HOME in output[max(places) :]


def seconds_to_frame(module: str, words: tuple[bytes, ...], directory: Path, *, leave: bool = False) -> float:
    """From fork to the last byte of the first complete frame; with `leave` the program then ends in its own way."""
    more = {
        "XDG_CACHE_HOME": str(directory / "cache"),
        "TEXTUAL_FPS": "120",
        "MNIST_TUI_RUNS_DIR": str(directory / "runs"),
        "PYTHONDONTWRITEBYTECODE": "",  # compiled once, as after an installation, though not into the tree
        "PYTHONPYCACHEPREFIX": str(directory / "bytecode"),
    }
    with Terminal(python(module), environment(**more), directory, rows=ROWS) as terminal:
        seconds = terminal.wait_until(lambda output: complete(output, words), 0) - terminal.started
        if leave:
            terminal.write(b"q")
            terminal.wait_for_exit()
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10)
    flags = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:

        def ours(pair: int) -> float:
            return seconds_to_frame("mnist_tui", PANELS, Path(folder))

        def empty(pair: int) -> float:
            return seconds_to_frame("benchmarks.empty_app", (), Path(folder))

        seconds_to_frame("mnist_tui", PANELS, Path(folder), leave=True)  # as after an installation and one start
        read = starts(flags.pairs, ours, empty, "empty app")
    report(
        "first complete frame, 120x36",
        "an empty Textual app",
        "<= 1.3x",
        read,
    )


if __name__ == "__main__":
    main()
