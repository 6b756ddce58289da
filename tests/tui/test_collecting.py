import gc
import weakref
from collections.abc import Iterator

import pytest

from mnist_tui.tui import collecting


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    gc.callbacks.remove(collecting._note)
    gc.unfreeze()


@pytest.mark.parametrize(("longest", "keeps"), [(-1.0, True), (1e9, False)])
def test_a_collection_that_took_long_is_the_last_to_look_at_what_it_kept(
    longest: float, keeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gc.unfreeze()
    monkeypatch.setattr(collecting, "LONGEST", longest)
    collecting.keep_collections_short()
    collecting.keep_collections_short()
    assert gc.callbacks.count(collecting._note) == 1
    gc.collect(1)
    assert gc.get_freeze_count() == 0
    gc.collect()
    assert (gc.get_freeze_count() > 0) == keeps


def test_what_an_app_leaves_behind_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Circle:
        def __init__(self) -> None:
            self.self = self

    monkeypatch.setattr(collecting, "LONGEST", -1.0)
    collecting.keep_collections_short()
    circle = weakref.ref(Circle())
    kept = circle()
    gc.collect()
    del kept
    gc.collect()
    assert circle() is not None
    collecting.let_go()
    assert circle() is None
