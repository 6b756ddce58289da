"""The dashboard, standing still every other window of time: the child of `benchmarks.screen_cost`.

`python -m benchmarks.blinking_app SECONDS LOG words…`: the words are the program's own; each line of LOG is the moment,
the images and the seconds of some batches.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

from mnist_tui.cli import main as program
from mnist_tui.core.events import BatchesTrained
from mnist_tui.runner.local import LocalRunner
from mnist_tui.tui.app import MnistApp


def main() -> int:
    seconds, path, *words = sys.argv[1:]
    began: list[float] = []
    tick, tell = MnistApp.tick, LocalRunner._tell

    def blinking_tick(self: MnistApp) -> None:
        if self.session.progress.phase == "training" and not began:
            began.append(time.perf_counter())
        if not began or int((time.perf_counter() - began[0]) / float(seconds)) % 2 == 0:
            tick(self)

    with open(path, "w", encoding="ascii") as log:

        def logging_tell(self: LocalRunner, *arguments: Any) -> None:
            event = arguments[-1]
            if isinstance(event, BatchesTrained) and began:
                moment = time.perf_counter() - began[0]
                log.write(f"{moment} {len(event.losses) * event.batch_size} {event.seconds}\n")
            tell(self, *arguments)

        MnistApp.tick = blinking_tick  # type: ignore[method-assign]
        LocalRunner._tell = logging_tell  # type: ignore[method-assign, assignment]
        return program(words)


def windows(path: str, seconds: float, settle: float = 0.3) -> Iterator[tuple[int, float]]:
    """Images a second in each window; what was trained in its first `settle` seconds belongs to neither."""
    sums: dict[int, list[float]] = {}
    with open(path, encoding="ascii") as log:
        for line in log:
            moment, images, spent = map(float, line.split())
            if moment % seconds >= settle:
                window = sums.setdefault(int(moment / seconds), [0.0, 0.0])
                window[0] += images
                window[1] += spent
    for number, (images, spent) in sorted(sums.items()):
        if spent > seconds / 2:
            yield number, images / spent


if __name__ == "__main__":
    raise SystemExit(main())
