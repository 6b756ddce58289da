"""What is loaded beside what."""

from pathlib import Path
from threading import Event

import pytest

from mnist_tui.core.dataset import Source, Split, find
from mnist_tui.core.settings import RunSettings
from mnist_tui.loading import load_engine


def test_the_training_digits_are_read_while_torch_is_imported(
    settings: RunSettings, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, read = Event(), Event()
    load_train = Source.load_train

    def load(source: Source) -> Split:
        assert began.wait(10), "the import waits for them"
        split = load_train(source)
        read.set()
        return split

    def importing(does: bool) -> None:
        if does:
            began.set()
            assert read.wait(10), "they wait for the import"

    monkeypatch.setattr(Source, "load_train", load)
    source = find("mnist", data)
    bench, _ = load_engine(settings, source, source.load_test(), importing)
    assert len(bench.splits.train) == 100
