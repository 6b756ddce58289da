"""Looking into a digit: each question, from asking it to its answer, alone and while a training runs in the process.

The training is a thread of batches of 64 as the trainer runs them; how far it slows and its longest batch are read
while questions of one kind follow each other without a pause, which nobody at a keyboard does.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from benchmarks.digits import load_splits
from benchmarks.measure import quantile, report
from mnist_tui.core.dataset import Split, find
from mnist_tui.engine.checkpoint import serialise, state_of
from mnist_tui.engine.model import CNN
from mnist_tui.inspecting import Question, ReadTraining, Unanswered, Weights
from mnist_tui.inspecting.inspector import Inspector
from mnist_tui.inspecting.reasons import Activate, Explain, FindNeighbours, Heat

TARGETS = {
    "gradient": "<= 100 ms",
    "contrast": "<= 100 ms",
    "occlusion": "<= 400 ms",
    "every layer's maps": "-",
    "features of 60 000 training digits": "-",
    "neighbours": "<= 150 ms",
}


class Training:
    """Batches of 64 in a thread of its own.

    Attributes:
        seconds: of each batch so far.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._over = threading.Event()
        self._splits = load_splits(torch.device("cpu"))

    def _main(self) -> None:
        model = CNN().settle(torch.device("cpu"))
        optimizer = torch.optim.Adam(model.parameters())
        generator = torch.Generator().manual_seed(0)
        while not self._over.is_set():
            began = time.perf_counter()
            images, labels = self._splits.train.gather(torch.randint(0, 60_000, (64,), generator=generator))
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            self.seconds.append(time.perf_counter() - began)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Train meanwhile."""
        self._over.clear()
        thread = threading.Thread(target=self._main, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()


def milliseconds(inspector: Inspector, question: Question) -> float:
    """From asking to the last answer."""
    began = time.perf_counter()
    inspector.ask(question)
    if not inspector.wait(300):
        raise TimeoutError(question.topic)
    took = (time.perf_counter() - began) * 1000
    refused = [answer.message for answer in inspector.drain() if isinstance(answer, Unanswered)]
    if refused:
        raise RuntimeError(refused[0])
    return took


def questions(state: bytes, digits: Split) -> dict[str, Callable[[int], Question]]:
    """The question of each figure, for the digit of a number; features are made anew for other weights."""
    source = find("mnist")
    weights = Weights("", 1, 0, state)

    def pixels(number: int) -> bytes:
        return bytes(digits.digit(number % len(digits)))

    def explain(heat: Heat) -> Callable[[int], Question]:
        return lambda n: Explain(weights=weights, pixels=pixels(n), heat=heat, target=n % 10, against=(n + 1) % 10)

    def features(number: int) -> Question:
        return FindNeighbours(weights=Weights("", 2 + number, 0, state), source=source, pixels=pixels(number))

    return {
        "gradient": explain("gradient"),
        "contrast": explain("contrast"),
        "occlusion": explain("occlusion"),
        "every layer's maps": lambda n: Activate(weights=weights, pixels=pixels(n)),
        "features of 60 000 training digits": features,
        "neighbours": lambda n: FindNeighbours(weights=weights, source=source, pixels=pixels(n)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=40, help="of each question, alone and while training")
    parser.add_argument("--features", type=int, default=2, help="times that all features are made")
    flags = parser.parse_args()
    torch.manual_seed(0)
    state = serialise(state_of(CNN()))
    inspector, training = Inspector(), Training()
    source = find("mnist")
    milliseconds(inspector, ReadTraining(source=source))
    with training.running():
        time.sleep(5)
    usual = statistics.median(training.seconds)
    for name, question in questions(state, source.load_test()).items():
        whole = name.startswith("features")
        times = flags.features if whole else flags.times
        milliseconds(inspector, question(1000))  # neighbours: makes the features
        alone = [milliseconds(inspector, question(number)) for number in range(times)]
        with training.running():
            time.sleep(0.5)
            training.seconds.clear()
            beside = [milliseconds(inspector, question(2000 + number)) for number in range(times)]
            batches = list(training.seconds) or [0.0]
        report(
            name,
            "-",
            TARGETS[name],
            f"{statistics.median(alone):.0f} ms, p95 {quantile(alone, 0.95):.0f} ms; while training "
            f"{statistics.median(beside):.0f} ms, p95 {quantile(beside, 0.95):.0f} ms, its batches "
            f"{statistics.fmean(batches) / usual:.2f}x as long, the longest {max(batches) * 1000:.0f} ms",
        )
    inspector.close()


if __name__ == "__main__":
    main()
