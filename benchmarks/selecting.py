"""Digits filtered and sorted by a table of predictions, against a plain loop over the same figures.

Ten thousand digits of a network that is wrong about some; a query of four conditions and an order. The figures that
the conditions need are there for both sides, as they are on the screen after the first key.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.measure import alternate, median, report
from mnist_tui.core.predictions import Predictions, select
from mnist_tui.core.query import Condition, Query, Sort
from mnist_tui.core.search import parse

QUERIES = ("", "wrong", "true:4,9 conf<0.999", "right true:3,5,8 margin>0.1 conf:0.2-0.9999 index<9000")
SORTS: tuple[Sort, ...] = ("loss", "margin", "entropy", "quality", "confidence", "index")
TARGET_MS = 30


def table_of(digits: int) -> Predictions:
    """Predictions that are mostly right, by 97 of 100."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, digits)
    logits = generator.normal(size=(digits, 10)).astype(np.float32) * 2
    logits[np.arange(digits), labels] += 6
    return Predictions(logits, labels, 1)


class Loop:
    """The rival: lists of plain numbers, and one digit after the other."""

    def __init__(self, table: Predictions) -> None:
        self.columns: dict[str, list[float]] = {
            "true": table.labels.tolist(),
            "pred": table.predicted.tolist(),
            "conf": table.confidence.tolist(),
            "confidence": table.confidence.tolist(),
            "loss": table.losses.tolist(),
            "margin": table.margin.tolist(),
            "entropy": table.entropy.tolist(),
            "quality": table.label_quality.tolist(),
            "index": list(range(len(table))),
        }

    def select(self, query: Query, sort: Sort) -> list[int]:
        """As `select`."""
        wanted = [
            index for index in range(len(self.columns["true"])) if all(self._meets(c, index) for c in query.conditions)
        ]
        column, sign = self.columns[sort], -1 if sort in ("loss", "confidence", "entropy") else 1
        return sorted(wanted, key=lambda index: sign * column[index])

    def _meets(self, condition: Condition, index: int) -> bool:
        columns = self.columns
        if condition.field == "is":
            return (columns["true"][index] != columns["pred"][index]) == ("wrong" in condition.choices)
        value = columns[condition.field][index]
        if condition.choices:
            return value in condition.choices
        over = value > condition.low if condition.above else value >= condition.low
        return over and (value < condition.high if condition.below else value <= condition.high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=15, help="pairs of every query and order")
    parser.add_argument("--digits", type=int, default=10_000)
    flags = parser.parse_args()
    table = table_of(flags.digits)
    loop = Loop(table)
    ratios: list[float] = []
    ours: list[float] = []
    for text in QUERIES:
        query = parse(text).query
        for sort in SORTS:
            assert select(table, query, sort) == loop.select(query, sort), (text, sort)
            pairs = list(alternate(flags.pairs, Timed(table, query, sort), Timed(loop, query, sort)))
            ratios += [slow / fast for fast, slow in pairs]
            ours += [fast for fast, _ in pairs]
            print(
                f"{text or 'all'} by {sort}: {middle([fast for fast, _ in pairs]):.2f} ms, "
                f"the loop {middle([slow for _, slow in pairs]):.2f} ms"
            )
    report(
        f"{flags.digits} digits filtered and sorted, {len(QUERIES)} queries in {len(SORTS)} orders",
        "a plain Python loop",
        f"<= {TARGET_MS} ms",
        f"median {middle(ours):.2f} ms, worst {max(ours):.2f} ms; the loop takes {median(ratios).show('.1f', 'x')}",
    )


class Timed:
    """Milliseconds of one selection."""

    def __init__(self, what: Predictions | Loop, query: Query, sort: Sort) -> None:
        self.what, self.query, self.sort = what, query, sort

    def __call__(self, _: int) -> float:
        began = time.perf_counter()
        if isinstance(self.what, Loop):
            self.what.select(self.query, self.sort)
        else:
            select(self.what, self.query, self.sort)
        return (time.perf_counter() - began) * 1000


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


if __name__ == "__main__":
    main()
