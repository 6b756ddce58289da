import math

import attrs
import pytest

from mnist_tui.core.events import BatchesTrained, Evaluated
from mnist_tui.core.history import UNITS, History, Unit
from mnist_tui.render.reading import Reading, describe_reading, read_cursor
from mnist_tui.render.view import View
from tests.render.test_chart import long_run

READING = Reading(1204, 1.284, 15.2, 0.214, 0.214, 0.1871)


def test_without_a_cursor_or_a_batch_nothing_is_read() -> None:
    assert read_cursor(long_run(1000), View("loss")) is None
    assert read_cursor(History(), View("loss", cursor=3.0)) is None


@pytest.mark.parametrize("unit", UNITS)
def test_the_cursor_reads_the_nearest_batch(unit: Unit) -> None:
    history = long_run(1000)
    reading = read_cursor(history, View("loss", unit=unit, cursor=history.x_at(400, unit), smoothing=0))
    assert reading is not None
    assert reading.step == 400
    assert (reading.epoch, reading.seconds) == pytest.approx((4.0, 4.0))
    assert reading.low == reading.high == reading.average == pytest.approx(2 + math.sin(400 / 90) + 0.1 * (400 % 7))
    assert reading.test is None
    for beyond, step in ((-5.0, 1), (1e9, 1000)):
        reading = read_cursor(history, View("loss", unit=unit, cursor=beyond))
        assert reading is not None
        assert reading.step == step


def test_a_cell_of_several_batches_reads_their_extremes() -> None:
    history = History()
    history.apply(BatchesTrained(1, 1, 64, (3.0, 1.0, math.nan, 2.0, 9.0), (32,) * 5, 320, 1.0))
    reading = read_cursor(history, View("loss", cursor=2.4), reach=1.7)
    assert reading is not None
    assert (reading.step, reading.low, reading.high) == (2, 1.0, 3.0)
    reading = read_cursor(history, View("loss", cursor=3.0), reach=1.2)
    assert reading is not None
    assert (reading.step, reading.low, reading.high) == (3, 1.0, 2.0)
    alone = read_cursor(history, View("loss", cursor=3.0))
    assert alone is not None
    assert math.isnan(alone.low)
    assert "not finite" in describe_reading(alone, "loss", False)


def test_an_evaluation_in_the_cell_is_read_too() -> None:
    history = long_run(1000)
    history.apply(Evaluated(500, 1, "test", 0.07, 0.98, b"", 0.1))
    for view, value in ((View("loss"), 0.07), (View("accuracy"), 0.98)):
        near, far = (read_cursor(history, attrs.evolve(view, cursor=x), reach=2) for x in (498.0, 497.0))
        assert near is not None
        assert far is not None
        assert (near.test, far.test) == (value, None)


def test_an_evaluation_of_the_nearest_batch_is_read_however_fine_the_cells() -> None:
    history = long_run(1000)
    history.apply(Evaluated(500, 1, "test", 0.07, 0.98, b"", 0.1))
    reading = read_cursor(history, View("loss", cursor=500.3))
    assert reading is not None
    assert reading.test == 0.07


def test_a_reading_in_words() -> None:
    assert describe_reading(READING, "loss", False) == "step 1 204 · epoch 1.28 · 15 s · batch 0.214 · average 0.187"
    assert describe_reading(READING, "loss", True) == "step 1 204 - epoch 1.28 - 15 s - batch 0.214 - average 0.187"
    several = attrs.evolve(READING, low=0.5, high=0.9375, average=0.9512, test=0.9875)
    words = describe_reading(several, "accuracy", False)
    assert words.endswith("batch 50.00 % to 93.75 % · average 95.12 % · test 98.75 %")


def test_a_narrow_reading_leaves_out_where_before_what() -> None:
    full = describe_reading(READING, "loss", False)
    assert describe_reading(READING, "loss", False, len(full)) == full
    assert describe_reading(READING, "loss", False, len(full) - 1) == (
        "step 1 204 · epoch 1.28 · batch 0.214 · average 0.187"
    )
    assert describe_reading(READING, "loss", False, 10) == "batch 0.214 · average 0.187"
