"""Runs on a training split that stays on the disk, through the runner and the inspector."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import attrs
import pytest

from mnist_tui import loading
from mnist_tui.core import large
from mnist_tui.core.dataset import Source, find
from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    CheckpointSaved,
    DataLoaded,
    EngineLoaded,
    Evaluated,
    Previewed,
    RunFailed,
    RunFinished,
)
from mnist_tui.core.settings import RunSettings
from mnist_tui.engine import streaming
from mnist_tui.engine.insight.answering import Answering
from mnist_tui.engine.streaming import StreamedBatches
from mnist_tui.inspecting import ReadTraining, TrainingRead
from mnist_tui.runner import Order
from tests.datafiles import cut, write_idx
from tests.runners import SMALL, is_a, is_over, running, whole_run

SIZE, LIMIT = 3000, 1000 * 784


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSettings:
    """Settings of a run on 3 000 images, of which more than 1 000 are too many for memory."""
    write_idx(tmp_path / "data", train=SIZE, test=60)
    is_large, put_on = large.is_large, streaming.put_on
    monkeypatch.setattr(large, "is_large", lambda source, limit=0: is_large(source, LIMIT))
    monkeypatch.setattr(streaming, "put_on", partial(put_on, limit=LIMIT))
    return RunSettings(
        data_dir=tmp_path / "data", runs_dir=tmp_path / "runs", device="cpu", threads=1, precision="fp32"
    )


def test_a_run_says_where_its_images_are_and_holds_out_the_last(many: RunSettings) -> None:
    events = whole_run(attrs.evolve(many, validation=400))
    loaded, engine, *_, finished = events
    assert isinstance(loaded, DataLoaded)
    assert loaded.source.notice == "Its 3 000 training images are read from the disk while they are trained."
    assert isinstance(engine, EngineLoaded)
    assert engine.train_size == 2600
    assert isinstance(finished, RunFinished)
    assert finished.epochs == 2
    trained = [event for event in events if isinstance(event, BatchesTrained)]
    assert sum(event.batch_size * len(event.losses) for event in trained) == 2 * 2600
    held = {event.split: len(event.logits) // 40 for event in events if isinstance(event, Evaluated)}
    assert held == {"validation": 400, "test": 60}


def test_a_large_validation_split_is_streamed_too(many: RunSettings) -> None:
    source = find("mnist", many.data_dir)
    bench, _ = loading.load_engine(
        attrs.evolve(many, validation=1500), source, source.load_test(), lambda importing: None
    )
    assert isinstance(bench.splits.train, StreamedBatches)
    assert isinstance(bench.splits.validation, StreamedBatches)
    assert bench.splits.validation.slice(0, 3)[1].tolist() == list(cut(3, 1500).labels)


def test_a_file_that_is_cut_ends_the_run_in_one_sentence_with_all_saved(many: RunSettings) -> None:
    assert many.data_dir is not None
    images = find("mnist", many.data_dir).train_images
    content = images.read_bytes()
    with running(many) as runner:
        order = Order(hyperparameters=attrs.evolve(SMALL, epochs=1000))
        runner.start(order)
        runner.until(is_a(BatchesTrained))
        os.truncate(images, 16 + 784)
        *_, saved, failed = runner.until(is_over)
        assert isinstance(saved, CheckpointSaved)
        assert Path(saved.path).name == "last.pt"
        assert isinstance(failed, RunFailed)
        assert failed.exit_code == 1
        assert failed.message.startswith(f"{images} holds 1 of the 3000 images it had: it was cut")
        assert "\n" not in failed.message
        images.write_bytes(content)
        runner.start(attrs.evolve(order, hyperparameters=SMALL))  # the runner is as good as new
        *_, finished = runner.until(is_over)
        assert isinstance(finished, RunFinished)


def test_a_preview_that_cannot_be_read_is_no_end(many: RunSettings) -> None:
    assert many.data_dir is not None
    images = find("mnist", many.data_dir).train_images
    with running(many) as runner:
        runner.load()
        runner.until(is_a(EngineLoaded))
        content = images.read_bytes()
        os.truncate(images, 16 + 784)
        runner.request_preview(SMALL)
        (answered,) = runner.until(is_a(Answered))
        assert isinstance(answered, Answered)
        assert "there is no preview" in answered.message
        images.write_bytes(content)
        runner.request_preview(SMALL)
        assert isinstance(runner.until(is_a(Previewed))[-1], Previewed)


def test_inspect_is_given_the_first_digits(many: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Source, "load_train", lambda self: pytest.fail("all of it was read"))
    source = find("mnist", many.data_dir)
    (read,) = Answering("cpu", None).answer(ReadTraining(source=source))
    assert isinstance(read, TrainingRead)
    assert len(read.digits) == min(SIZE, large.INSPECTED)
    assert read.digits.of == SIZE
