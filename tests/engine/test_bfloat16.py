"""A processor's word about bfloat16, and the clock's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mnist_tui.engine import bfloat16


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    bfloat16.has_fast_bf16.cache_clear()
    yield
    bfloat16.has_fast_bf16.cache_clear()


@pytest.mark.parametrize(
    ("knows", "gain", "fast"), [(True, 2.2, True), (True, 0.5, False), (True, 1.1, False), (False, 2.2, False)]
)
def test_it_is_fast_only_where_the_processor_knows_it_and_a_clock_agrees(
    knows: bool, gain: float, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bfloat16, "HAS_ONEDNN_BF16", True)
    monkeypatch.setattr(bfloat16, "_knows_bf16", lambda: knows)
    monkeypatch.setattr(bfloat16, "_gain", lambda: gain)
    assert bfloat16.has_fast_bf16() is fast


def test_the_clock_reads_something() -> None:
    assert 0.01 < bfloat16._gain() < 100
