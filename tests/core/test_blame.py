"""Which condition leaves nothing."""

import numpy as np
import pytest

from mnist_tui.core.predictions import Predictions, blame, select
from mnist_tui.core.query import ALL, Query
from mnist_tui.core.search import parse


@pytest.fixture(scope="module")
def table() -> Predictions:
    """Twenty digits: 0 to 9 twice, surely right, but for the second 4, which is a 9 to the network."""
    labels = np.arange(20) % 10
    logits = np.zeros((20, 10), dtype=np.float32)
    logits[np.arange(20), labels] = 12
    logits[14, 4], logits[14, 9] = 0, 12
    return Predictions(logits, labels, 7)


def query(text: str) -> Query:
    return parse(text).query


def test_nothing_is_to_blame_where_something_is_left(table: Predictions) -> None:
    assert blame(table, ALL) is None
    assert select(table, query("true:4 wrong")) == [14]
    assert blame(table, query("true:4 wrong")) is None


def test_the_first_after_which_nothing_is_left_is_named_with_what_was_left_before(table: Predictions) -> None:
    found = blame(table, query("true:4 pred:9 #4 conf>0.5"))
    assert found is not None
    assert (found.condition.field, found.left, found.alone) == ("index", 1, False)
    found = blame(table, query("true:4,5 pred:8 #14"))
    assert found is not None
    assert (found.condition.field, found.left, found.alone) == ("pred", 4, False)


def test_one_that_matches_nothing_alone_is_named_before_all_others(table: Predictions) -> None:
    found = blame(table, query("true:3 pred:9 conf<0.2"))
    assert found is not None
    assert (found.condition.field, found.alone) == ("conf", True)
    found = blame(table, query("vs:fixed"))
    assert found is not None
    assert found.alone


def test_without_what_is_blamed_alone_the_others_have_their_say(table: Predictions) -> None:
    asked = query("true:4 conf<0.2")
    found = blame(table, asked)
    assert found is not None
    assert select(table, asked.without(found.condition.field)) == [14, 4]
