import io
import math
import struct
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_tui.core.events import Evaluated
from mnist_tui.core.predictions import Predictions, pack_evaluation, select
from mnist_tui.core.query import ALL, SORTS, WRONG, Sort

scores = st.floats(-30, 30, width=32)
rows = st.lists(
    st.tuples(st.lists(scores, min_size=10, max_size=10), st.integers(0, 9)),
    min_size=1,
    max_size=25,
)


def packed(logits: Sequence[Sequence[float]]) -> bytes:
    flat = [value for row in logits for value in row]
    return struct.pack(f"{len(flat)}f", *flat)


def table_of(pairs: Sequence[tuple[Sequence[float], int]], step: int = 7) -> Predictions:
    return Predictions.from_bytes(packed([row for row, _ in pairs]), bytes(label for _, label in pairs), step)


def one_hot(digit: int, height: float = 5.0) -> list[float]:
    return [height if i == digit else 0.0 for i in range(10)]


@pytest.fixture(scope="module")
def random_table() -> Predictions:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(300, 10)).astype(np.float32) * 3
    return Predictions(logits, generator.integers(0, 10, 300), 7)


@given(rows)
def test_every_figure_equals_its_definition(pairs: list[tuple[list[float], int]]) -> None:
    table = table_of(pairs)
    assert len(table) == len(pairs)
    assert table.step == 7
    right = 0
    for index, (row, label) in enumerate(pairs):
        total = math.fsum(math.exp(score) for score in row)
        shares = [math.exp(score) / total for score in row]
        predicted = row.index(max(row))
        right += predicted == label
        others = max(share for digit, share in enumerate(shares) if digit != label)
        assert list(table.bars(index)) == pytest.approx(shares, abs=1e-6)
        assert int(table.predicted[index]) == predicted
        assert float(table.confidence[index]) == pytest.approx(max(shares), abs=1e-6)
        assert float(table.margin[index]) == pytest.approx(shares[label] - others, abs=1e-6)
        assert float(table.losses[index]) == pytest.approx(math.log(total) - row[label], rel=1e-5, abs=1e-5)
        assert table.describe(index) == {
            "index": index,
            "true": label,
            "predicted": predicted,
            "probability": pytest.approx(shares[predicted], abs=1e-6),
            "probability_true": pytest.approx(shares[label], abs=1e-6),
            "loss": pytest.approx(math.log(total) - row[label], rel=1e-5, abs=1e-5),
        }
    assert table.accuracy == pytest.approx(right / len(pairs))


def test_huge_logits_overflow_nothing() -> None:
    table = table_of([([3e38] + [-3e38] * 9, 0), ([3e38] + [-3e38] * 9, 1)])
    assert list(table.bars(0)) == [1.0] + [0.0] * 9
    assert float(table.losses[0]) == 0.0
    assert not math.isnan(table.losses[1])


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_diverged_network_still_gives_a_table(broken: float) -> None:
    table = table_of([([broken] * 10, 3), (one_hot(4), 4)])
    assert select(table, ALL, "index") == [0, 1]
    assert sum(map(sum, table.confusion())) == 2
    assert table.describe(1)["predicted"] == 4
    for sort in SORTS:
        assert sorted(select(table, ALL, sort)) == [0, 1]


def test_logits_of_other_digits_are_refused() -> None:
    with pytest.raises(ValueError, match="3 predictions for 2 labels"):
        Predictions.from_bytes(packed([one_hot(1)] * 3), bytes(2), 1)


def keys(table: Predictions, sort: Sort, chosen: list[int]) -> list[float]:
    columns = {
        "loss": -table.losses,
        "confidence": -table.confidence,
        "margin": table.margin,
        "entropy": -table.entropy,
        "quality": table.label_quality,
    }
    return [float(columns[sort][index]) for index in chosen] if sort != "index" else [float(i) for i in chosen]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("only", ["all", "wrong", "right"])
@pytest.mark.parametrize("true", [None, 3])
@pytest.mark.parametrize("predicted", [None, 5])
def test_filters_compose_and_sorts_rank(
    random_table: Predictions, sort: Sort, only: str, true: int | None, predicted: int | None
) -> None:
    table = random_table
    query = ALL if only == "all" else ALL.choose("is", only)
    query = query if true is None else query.choose("true", true)
    query = query if predicted is None else query.choose("pred", predicted)
    chosen = select(table, query, sort)
    expected = {
        index
        for index in range(len(table))
        if (only == "all" or (table.predicted[index] != table.labels[index]) == (only == "wrong"))
        and (true is None or table.labels[index] == true)
        and (predicted is None or table.predicted[index] == predicted)
    }
    assert set(chosen) == expected
    assert len(chosen) == len(expected)
    assert keys(table, sort, chosen) == sorted(keys(table, sort, chosen))
    assert all(type(index) is int for index in chosen)


def test_equals_stay_in_order() -> None:
    pairs = [(one_hot(1, 1.0 + index % 3), 2) for index in range(300)]
    table = table_of(pairs)
    falling = [index for height in (2, 1, 0) for index in range(height, 300, 3)]
    rising = [index for height in (0, 1, 2) for index in range(height, 300, 3)]
    orders = {"index": list(range(300)), "entropy": rising}  # the flattest row is the least sure
    for sort in SORTS:
        assert select(table, ALL, sort) == orders.get(sort, falling)


def test_hardest_first_is_the_surest_mistake() -> None:
    table = table_of([(one_hot(1), 1), (one_hot(2, 9.0), 3), (one_hot(2, 4.0), 3)])
    assert select(table) == [1, 2, 0]
    assert select(table, WRONG, "margin") == [1, 2]


def test_the_confusion_matrix_counts_every_digit_once(random_table: Predictions) -> None:
    brute = [[0] * 10 for _ in range(10)]
    for label, predicted in zip(random_table.labels, random_table.predicted, strict=True):
        brute[int(label)][int(predicted)] += 1
    assert random_table.confusion() == brute


def test_figures_of_a_class_follow_from_the_confusion(random_table: Predictions) -> None:
    table = random_table.confusion()
    for digit, figures in enumerate(random_table.per_class()):
        hits = table[digit][digit]
        claimed = sum(row[digit] for row in table)
        assert figures.support == sum(table[digit])
        assert figures.precision == pytest.approx(hits / claimed)
        assert figures.recall == pytest.approx(hits / figures.support)
        assert figures.f1 == pytest.approx(2 * hits / (claimed + figures.support))


def test_a_class_without_digits_has_figures_of_zero() -> None:
    figures = table_of([(one_hot(1), 1), (one_hot(1), 2)]).per_class()
    assert (figures[1].precision, figures[1].recall, figures[1].support) == (0.5, 1.0, 1)
    assert (figures[2].precision, figures[2].recall, figures[2].f1) == (0.0, 0.0, 0.0)
    assert (figures[9].precision, figures[9].recall, figures[9].f1, figures[9].support) == (0.0, 0.0, 0.0, 0)


def test_an_evaluation_file_holds_step_branch_and_logits() -> None:
    logits = packed([one_hot(1), one_hot(2)])
    content = np.load(io.BytesIO(pack_evaluation(Evaluated(40, 2, "test", 0.1, 0.9, logits, 0.1, branch=3))))
    assert (int(content["step"]), int(content["branch"])) == (40, 3)
    assert content["logits"].dtype == np.float32
    assert content["logits"].shape == (2, 10)
    assert content["logits"].tobytes() == logits
