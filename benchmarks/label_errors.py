"""Likely label errors of MNIST's test digits after a short training: how far they are those that cleanlab names."""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from benchmarks.measure import report
from mnist_tui.core.dataset import find
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.predictions import Predictions
from mnist_tui.core.predictions.label_errors import ranking, suggested
from mnist_tui.engine.batches import Batches, permutation
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.learner import Learner

CPU = torch.device("cpu")
TOP = 50


def judge(epochs: int) -> Predictions:
    """The test digits, as the classic network judges them after `epochs`."""
    source = find("mnist")
    train, test = Batches(source.load_train(), CPU), source.load_test()
    learner = Learner(Hyperparameters(), CPU)
    for epoch in range(1, epochs + 1):
        for indices in torch.split(permutation(0, epoch, len(train), CPU), learner.hyperparameters.batch_size):
            learner.train_batch(*train.gather(indices))
    result = evaluate(learner.model, Batches(test, CPU))
    assert result is not None
    return Predictions.from_bytes(result.logits.numpy().tobytes(), test.labels, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--times", type=int, default=20)
    arguments = parser.parse_args()
    from cleanlab.filter import find_label_issues

    table = judge(arguments.epochs)
    seconds = []
    for number in range(arguments.times):
        again = Predictions(table.logits, table.labels, number)
        began = time.perf_counter()
        ours = ranking(again).tolist()
        seconds.append(time.perf_counter() - began)
    probabilities = table.probabilities.astype(np.float64)
    theirs = find_label_issues(
        table.labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    ).tolist()
    top = min(TOP, len(theirs))
    shared = len(set(ours[:top]) & set(theirs[:top]))
    milliseconds = 1000 * statistics.median(seconds)
    report(
        f"top {top} likely label errors of the test digits that are cleanlab's too",
        "cleanlab, find_label_issues",
        ">= 90 %",
        f"{shared / max(1, top):.0%}, of {len(ours)} found (cleanlab {len(theirs)}) in {milliseconds:.1f} ms, "
        f"accuracy {table.accuracy:.2%}",
    )
    classes = suggested(table)
    for index in ours[:10]:
        quality = table.label_quality[index]
        print(
            f"  test digit {index:>5}: labelled {table.labels[index]}, rather {classes[index]}, quality {quality:.1e}"
        )


if __name__ == "__main__":
    main()
