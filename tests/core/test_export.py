import csv
import io
import json
import math

import numpy as np
import pytest

from mnist_tui.core.predictions import Predictions, select
from mnist_tui.core.predictions.export import COLUMNS, Selection, captions, heading, to_csv, to_json
from mnist_tui.core.query import ALL, WRONG
from mnist_tui.core.sheet import SHEET_LIMIT, Caption


@pytest.fixture(scope="module")
def table() -> Predictions:
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(2500, 10)).astype(np.float32) * 3
    return Predictions(logits, generator.integers(0, 10, 2500), 938)


def test_every_line_is_the_digit_of_its_index_in_the_order_shown(table: Predictions) -> None:
    order = select(table, WRONG, "margin")
    assert len(order) > 1000  # more than one chunk
    text = to_csv(Selection(table=table, order=order, split="training", sort="margin"))
    assert text.endswith("\n")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["index"]) for row in rows] == order
    for row in rows:
        index, true, predicted = int(row["index"]), int(row["true"]), int(row["predicted"])
        shares = [float(row[f"p{digit}"]) for digit in range(10)]
        assert row["split"] == "training"
        assert (true, predicted) == (table.labels[index], table.predicted[index])
        assert shares == pytest.approx(table.bars(index), rel=1e-6)
        assert float(row["probability"]) == shares[predicted]
        assert float(row["probability_true"]) == shares[true]
        assert float(row["loss"]) == pytest.approx(table.losses[index], rel=1e-6)
        assert float(row["margin"]) == pytest.approx(table.margin[index], rel=1e-6)
        assert float(row["entropy"]) == pytest.approx(table.entropy[index], rel=1e-6)
        assert float(row["quality"]) == pytest.approx(table.label_quality[index], rel=1e-6)


def test_the_object_says_the_same_and_where_it_comes_from(table: Predictions) -> None:
    order = select(table, WRONG)
    selection = Selection(
        table=table, order=order, query=WRONG, run='a "run"', dataset="fashion", epoch=2, other="step 5"
    )
    found = json.loads(to_json(selection))
    rows = list(csv.DictReader(io.StringIO(to_csv(selection))))
    entries = found.pop("digits")
    assert found == {
        "run": 'a "run"',
        "dataset": "fashion",
        "classes": list("0123456789"),
        "split": "test",
        "step": 938,
        "epoch": 2,
        "judged_by": "",
        "query": "wrong",
        "compared_with": "step 5",
        "sort": "loss",
        "accuracy": table.accuracy,
        "split_size": 2500,
    }
    for entry, row in zip(entries, rows, strict=True):
        assert entry.pop("split") == row["split"] == "test"
        assert entry.pop("probabilities") == [float(row[f"p{digit}"]) for digit in range(10)]
        assert entry == {name: float(row[name]) for name in entry}
        assert set(entry) == {*COLUMNS[:10]} - {"split"}


def test_a_network_that_diverged_and_no_digits_at_all_are_legal() -> None:
    table = Predictions(np.full((3, 10), np.nan, dtype=np.float32), np.array([0, 1, 2]), 1)
    (row, *_) = csv.DictReader(io.StringIO(to_csv(Selection(table=table, order=[2, 1, 0]))))
    assert math.isinf(float(row["loss"]))
    assert json.loads(to_json(Selection(table=table, order=[2])))["digits"][0]["loss"] is None
    assert json.loads(to_json(Selection(table=table, order=[])))["digits"] == []
    assert to_csv(Selection(table=table, order=())) == ",".join(COLUMNS) + "\n"


def test_the_captions_are_of_the_first_digits(table: Predictions) -> None:
    order = select(table)
    names = [f"class {digit}" for digit in range(10)]
    found = captions(Selection(table=table, order=order, classes=names))
    assert [caption.index for caption in found] == order[:SHEET_LIMIT]
    for caption in found:
        assert caption.true == names[table.labels[caption.index]]
        assert caption.predicted == names[table.predicted[caption.index]]
        assert caption.wrong == table.wrong[caption.index]
        assert caption.probability == pytest.approx(table.confidence[caption.index])


@pytest.mark.parametrize(("share", "words"), [(0.98, "98%"), (0.9985, "99%"), (0.9995, "100%"), (0.0, "0%")])
def test_a_caption_is_sure_only_where_it_is(share: float, words: str) -> None:
    assert Caption(3, "4", "9", share).percent == words


def test_the_heading_says_which_digits_and_whose(table: Predictions) -> None:
    some = Selection(table=table, order=range(37), query=WRONG, run="mine", epoch=2)
    right = f"{table.accuracy * 100:.2f} % of the split is right"
    assert heading(some) == (
        "37 of 2 500 test digits of mnist, wrong, highest loss first",
        f"mine · epoch 2, step 938 · {right}",
    )
    query = ALL.choose("vs", "fixed")
    many = Selection(table=table, order=range(401), query=query, other="step 5", sort="index", split="training")
    assert heading(many) == (
        "the first 400 of 401, out of 2 500 training digits of mnist, vs:fixed against step 5, as stored",
        right,
    )


def test_what_other_networks_judged_is_said_to_be_theirs() -> None:
    generator = np.random.default_rng(5)
    logits, labels = generator.normal(size=(4, 10)).astype(np.float32), np.arange(4)
    table = Predictions(logits, labels, 938, judged_by="three others")
    selection = Selection(table=table, order=[0, 1], split="training", run="classic", epoch=1)
    found = json.loads(to_json(selection))
    assert (found["judged_by"], found["step"], found["epoch"]) == ("three others", None, None)
    assert "judged by three others" in heading(selection)[1]
    assert "938" not in heading(selection)[1]
