"""Which columns fit, and what stands in them."""

from pathlib import Path

import attrs
import pytest
from rich.cells import cell_len

from mnist_tui.core.catalogue import RunEntry
from mnist_tui.core.tally import Tally
from mnist_tui.render.runs_table import ASCII_SIGNS, COLUMNS, SIGNS, Column, fit, fitting, header, text_of

ENTRY = RunEntry(
    folder=Path("runs/20260102-030405-mine"),
    run="20260102-030405-mine",
    name="mine",
    state="finished",
    tally=Tally(step=9380, epochs=9, seconds=125.0, test_accuracy=0.98912, best_test_accuracy=0.99, test_loss=0.0312),
    epochs_planned=10,
    started="2026-03-04T05:06:07+0000",
    dataset="mnist",
    preset="classic",
    device="cpu",
    notes="good",
)


def words(entry: RunEntry) -> dict[str, str]:
    return {column.title: text_of(entry, column) for column in COLUMNS}


def test_a_run_in_words() -> None:
    assert words(ENTRY) == {
        "run": "mine",
        "state": "✓ finished",
        "epochs": "9/10",
        "steps": "9 380",
        "test": "98.91 %",
        "best": "99.00 %",
        "loss": "0.0312",
        "started": "03-04 05:06",
        "time": "2 min 05 s",
        "data": "mnist",
        "device": "cpu",
        "preset": "classic",
        "notes": "good",
    }


def test_what_is_not_known_is_a_dash() -> None:
    bare = RunEntry(folder=ENTRY.folder, run=ENTRY.run, name="mine", state="damaged", problem="it has no run.json")
    shown = words(bare)
    assert all(shown[title] == "-" for title in ("epochs", "test", "best", "loss", "data", "device", "preset"))
    assert (shown["started"], shown["notes"]) == ("01-02 03:04", "it has no run.json")


def test_every_state_has_a_sign_of_its_own() -> None:
    assert len(set(SIGNS.values())) == len(SIGNS)
    assert len(set(ASCII_SIGNS.values())) == len(SIGNS)
    assert "".join(ASCII_SIGNS.values()).isascii()


def test_a_live_run_that_waits_is_called_paused() -> None:
    live = attrs.evolve(ENTRY, state="live")
    assert (words(live)["state"], text_of(live, COLUMNS[1], ascii_only=True)) == ("● live", "* live")
    live.tally.paused = True
    try:
        assert (words(live)["state"], text_of(live, COLUMNS[1], ascii_only=True)) == ("‖ paused", "= paused")
        assert words(ENTRY)["state"] == "✓ finished"
    finally:
        live.tally.paused = False


@pytest.mark.parametrize("width", [30, 55, 77, 116, 196, 400])
def test_the_columns_fit_and_the_important_ones_stay(width: int) -> None:
    entries = [ENTRY, attrs.evolve(ENTRY, name="x" * 64, notes="漢字" * 50, tally=Tally(step=10**12, seconds=1e9))]
    columns = fitting(entries, width)
    titles = [column.title for column in columns]
    assert [title for title in (c.title for c in COLUMNS) if title in titles] == titles
    assert {"run", "state", "test"} <= set(titles)
    assert len(header(columns)) <= max(width, 49)
    for entry in entries:
        for column in columns:
            assert cell_len(fit(text_of(entry, column), column)) == column.width


def test_a_wider_screen_loses_no_column() -> None:
    counts = [len(fitting([ENTRY], width)) for width in range(40, 200)]
    assert counts == sorted(counts)
    assert counts[-1] == len(COLUMNS)


def test_text_is_cut_with_a_sign_and_padded_to_its_side() -> None:
    assert fit("abcdef", Column("x", 4)) == "abc~"
    assert fit("ab", Column("x", 4)) == "ab  "
    assert fit("ab", Column("x", 4, right=True)) == "  ab"
    assert cell_len(fit("漢字漢字", Column("x", 4))) == 4


def test_notes_in_ascii() -> None:
    column = COLUMNS[-1]
    assert text_of(attrs.evolve(ENTRY, notes="größer"), column, ascii_only=True) == "gr??er"
