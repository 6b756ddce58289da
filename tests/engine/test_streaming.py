"""Splits that stay on the disk: order, memory, resuming, and disks that fail."""

from __future__ import annotations

import os
import threading
from itertools import islice
from pathlib import Path

import attrs
import psutil
import pytest
import torch
from torch import Tensor

from mnist_tui.core.control import Control
from mnist_tui.core.dataset import find
from mnist_tui.core.errors import DatasetError
from mnist_tui.core.events import BatchesTrained, CheckpointSaved, Event, HyperparametersApplied, RateFound, Rewound
from mnist_tui.core.large import LargeSplit, open_large
from mnist_tui.engine import shuffle as shuffle_module
from mnist_tui.engine import stepper as stepper_module
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.evaluate import evaluate
from mnist_tui.engine.keeper import Destination
from mnist_tui.engine.restoring import read_state
from mnist_tui.engine.shuffle import BlockShuffle
from mnist_tui.engine.streaming import StreamedBatches, put_on
from mnist_tui.engine.trainer import Splits, Trainer
from mnist_tui.engine.window import Filling
from tests.datafiles import cut, idx_bytes, labels_bytes, write_idx
from tests.engine.small import CPU, SMALL, network
from tests.runners import PATIENCE

SIZE, LIMIT, BLOCK, GROUP = 3000, 1000 * 784, 32, 16
HYPERPARAMETERS = attrs.evolve(SMALL, batch_size=50, dropout=0.2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    write_idx(folder, train=SIZE, test=60)
    return folder


def opened(folder: Path) -> LargeSplit:
    split = open_large(find("mnist", folder), LIMIT)
    assert split is not None
    return split


@pytest.fixture
def split(folder: Path) -> LargeSplit:
    """Opened anew: the reader of the test before may still be at work on its own."""
    return opened(folder)


def streamed(split: LargeSplit, start: int = 0, stop: int | None = None) -> StreamedBatches:
    return StreamedBatches(split, CPU, start, stop, block=BLOCK, group=GROUP)


def splits(split: LargeSplit) -> Splits:
    return Splits(streamed(split), Batches(cut(60, SIZE), CPU))


def expected(seed: int, epoch: int, size: int = SIZE) -> list[int]:
    """The images of an epoch by their number in the split."""
    shuffle = BlockShuffle(seed, epoch, size, BLOCK, GROUP)
    seen: list[int] = []
    for number, blocks in enumerate(shuffle.groups):
        lying = [image for start, stop in blocks for image in range(start, stop)]
        seen += [lying[at] for at in shuffle.shuffled(number).tolist()]
    return seen


def until_read() -> None:
    """Wait until nobody reads any more."""
    for thread in threading.enumerate():
        if thread.name == "reader":
            thread.join()


def weights(trainer: Trainer) -> list[Tensor]:
    return [weight.detach().clone() for weight in trainer.model.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(a, b, strict=True))


def losses(events: list[Event]) -> list[float]:
    return [loss for event in events if isinstance(event, BatchesTrained) for loss in event.losses]


def test_what_is_small_is_resident_and_what_is_not_is_streamed(split: LargeSplit) -> None:
    large = put_on(split, CPU, 0, 1001, LIMIT)
    assert isinstance(large, StreamedBatches)
    assert len(large) == 1001
    small = put_on(split, CPU, 2000, 3000, LIMIT)
    assert type(small) is Batches
    assert torch.equal(small.images, Batches(cut(1000, 2000), CPU).images)
    assert type(put_on(cut(10), CPU, 0, 10, limit=0)) is Batches


@pytest.mark.parametrize("size", [50, 7, 448])
def test_batches_are_those_of_the_order_with_their_own_labels(split: LargeSplit, size: int) -> None:
    resident, batches = Batches(cut(SIZE), CPU), streamed(split)
    for epoch in (1, 2):
        order, wanted = batches.order(5, epoch), expected(5, epoch)
        assert len(order) == SIZE
        for start in range(0, SIZE, size):
            images, labels = batches.gather(order[start : start + size])
            theirs, their_labels = resident.gather(torch.tensor(wanted[start : start + size]))
            assert torch.equal(images, theirs)
            assert torch.equal(labels, their_labels)


def test_a_part_of_a_split_is_streamed_alone(split: LargeSplit) -> None:
    batches = streamed(split, 500, 2300)
    order = batches.order(0, 1)
    wanted = torch.tensor(expected(0, 1, 1800)[:90]) + 500
    assert torch.equal(batches.gather(order[:90])[0], Batches(cut(SIZE), CPU).gather(wanted)[0])
    images, labels = batches.slice(1790, 1900)
    theirs, their_labels = Batches(cut(SIZE), CPU).slice(2290, 2300)
    assert torch.equal(images, theirs)
    assert torch.equal(labels, their_labels)


def test_any_place_can_be_gone_on_from(split: LargeSplit) -> None:
    resident, batches = Batches(cut(SIZE), CPU), streamed(split)
    order, wanted = batches.order(1, 1), expected(1, 1)
    for start in (2990, 0, 1500, 10, 2990, 500):
        rows = order[start : start + 24]
        assert torch.equal(batches.gather(rows)[0], resident.gather(torch.tensor(wanted[start : start + 24]))[0])
    assert torch.equal(batches.gather(order[-3:])[0], resident.gather(torch.tensor(wanted[-3:]))[0])
    assert len(order[SIZE:]) == len(order[5:5]) == 0


def test_what_the_window_cannot_hold_is_refused(split: LargeSplit) -> None:
    order = streamed(split).order(0, 1)
    with pytest.raises(ValueError, match="1500 images are too many"):
        order[:1500]
    with pytest.raises(ValueError, match="no step of 2"):
        order[0:10:2]


def test_no_more_than_two_groups_are_ever_read_ahead(split: LargeSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    read, reading, most = 0, 0, 0
    real = split.file.read_into

    def read_into(pixels: memoryview, first: int) -> None:
        nonlocal read, reading, most
        read += len(pixels) // 784
        reading += 1
        most = max(most, reading)
        real(pixels, first)
        reading -= 1

    monkeypatch.setattr(split.file, "read_into", read_into)
    batches = streamed(split)
    memory = [part.data_ptr() for part in (batches.images, batches.labels)]
    order = batches.order(0, 1)
    assert read == 0  # asking for an order reads nothing
    for start in range(0, SIZE, 50):
        order[start : start + 50]
        assert read <= start + 50 + 2 * BLOCK * GROUP
    assert most == 1
    assert len(batches.images) == 2 * BLOCK * GROUP
    assert memory == [part.data_ptr() for part in (batches.images, batches.labels)]


def test_the_next_group_is_read_while_one_is_trained(split: LargeSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    firsts: list[int] = []
    real = split.file.read_into

    def read_into(pixels: memoryview, first: int) -> None:
        firsts.append(first)
        real(pixels, first)

    monkeypatch.setattr(split.file, "read_into", read_into)
    batches = streamed(split)
    shuffle = BlockShuffle(0, 1, SIZE, BLOCK, GROUP)
    order = batches.order(0, 1)
    order[:50]
    until_read()
    assert firsts == [start for number in (0, 1) for start, _ in shuffle.groups[number]]
    firsts.clear()
    order[SIZE - 10 :]
    until_read()
    assert firsts[-GROUP:] == [start for start, _ in shuffle.next_epoch.groups[0]]
    firsts.clear()
    batches.order(0, 2)[:50]
    until_read()
    assert firsts == [start for start, _ in shuffle.next_epoch.groups[1]]  # the first group was there


def test_what_is_wanted_no_more_is_given_up(split: LargeSplit, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, given_up = 0, threading.Event()
    reads: list[int] = []
    marks: list[int] = []
    real, real_give_up = split.file.read_into, Filling.give_up

    def read_into(pixels: memoryview, first: int) -> None:
        nonlocal reading
        reads.append(first)
        reading += 1
        if len(reads) == GROUP + 3:  # the third block of the group that is read ahead
            assert given_up.wait(PATIENCE)
        assert reading == 1
        real(pixels, first)
        reading -= 1

    def give_up(filling: Filling) -> None:
        if filling.key == shuffle.key(1):
            filling._given_up.set()
            given_up.set()
            real_give_up(filling)
            marks.append(len(reads))
        else:
            real_give_up(filling)

    monkeypatch.setattr(split.file, "read_into", read_into)
    monkeypatch.setattr(Filling, "give_up", give_up)
    batches = streamed(split)
    order, shuffle = batches.order(0, 1), BlockShuffle(0, 1, SIZE, BLOCK, GROUP)
    order[:50]
    order[shuffle.firsts[4] : shuffle.firsts[4] + 50]
    assert given_up.is_set()
    wanted = [start for start, _ in shuffle.groups[4]]
    assert GROUP <= marks[0] <= GROUP + 3
    assert reads[marks[0] : marks[0] + len(wanted)] == wanted
    until_read()


def test_an_evaluation_of_a_streamed_split_is_that_of_a_resident_one(split: LargeSplit) -> None:
    model = network()
    ours, theirs = evaluate(model, streamed(split)), evaluate(model, Batches(cut(SIZE), CPU))
    assert ours is not None
    assert theirs is not None
    assert torch.equal(ours.logits, theirs.logits)
    assert (ours.loss, ours.accuracy) == (theirs.loss, theirs.accuracy)


@pytest.fixture(autouse=True)
def told_of_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepper_module, "DRAIN_SECONDS", 0.0)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[list[float], list[Tensor]]:
    """Losses and weights of a run that never stopped."""
    trainer = Trainer(HYPERPARAMETERS, splits(opened(folder)), CPU)
    return losses(list(trainer.run(Control()))), weights(trainer)


@pytest.mark.parametrize("step", [3, 75])
def test_a_run_resumed_in_the_middle_of_an_epoch_equals_one_that_never_stopped(
    split: LargeSplit, whole: tuple[list[float], list[Tensor]], run_folder: Path, step: int
) -> None:
    control = Control()
    first = Trainer(HYPERPARAMETERS, splits(split), CPU, Destination(run_folder))
    begun: list[Event] = []
    for event in first.run(control):
        begun.append(event)
        if isinstance(event, BatchesTrained) and event.last_step == step:
            control.stop()
    assert len(losses(begun)) == step
    second = Trainer(HYPERPARAMETERS, splits(split), CPU, Destination(run_folder))
    second.continue_from(read_state(run_folder / "checkpoints" / "last.pt", SIZE))
    assert losses(begun) + losses(list(second.run(Control()))) == whole[0]
    assert same(weights(second), whole[1])


def test_the_batch_size_changes_live_and_undo_takes_it_back(
    split: LargeSplit, whole: tuple[list[float], list[Tensor]], run_folder: Path
) -> None:
    control = Control()
    trainer = Trainer(HYPERPARAMETERS, splits(split), CPU, Destination(run_folder))
    seen: list[Event] = []
    for event in trainer.run(control):
        seen.append(event)
        if isinstance(event, BatchesTrained) and event.last_step == 5 and event.batch_size == 50:
            control.edit({"batch_size": 30})
        if isinstance(event, BatchesTrained) and event.last_step == 25 and event.batch_size == 30:
            assert trainer.place.position == 5 * 50 + 20 * 30  # in the group after that of the edit
            control.undo()
            control.edit({"batch_size": 50})
    assert any(isinstance(event, HyperparametersApplied) for event in seen)
    assert any(isinstance(event, Rewound) for event in seen)
    assert same(weights(trainer), whole[1])


def test_looking_for_a_rate_leaves_the_run_as_it_was(
    split: LargeSplit, whole: tuple[list[float], list[Tensor]]
) -> None:
    control = Control()
    trainer = Trainer(HYPERPARAMETERS, splits(split), CPU)
    course = trainer.run(control)
    seen = list(islice(course, 1))
    control.request_rate()
    control.request_preview(attrs.evolve(HYPERPARAMETERS, rotate=20.0))
    seen += list(course)
    assert any(isinstance(event, RateFound) and event.suggestion for event in seen)
    assert losses(seen) == whole[0]
    assert same(weights(trainer), whole[1])


def test_a_file_that_is_cut_ends_the_run_saved_and_it_goes_on_with_the_whole_file(
    run_folder: Path, whole: tuple[list[float], list[Tensor]]
) -> None:
    images = write_idx(run_folder / "data", train=SIZE, test=60)[0]
    content = images.read_bytes()
    split = opened(run_folder / "data")
    trainer = Trainer(HYPERPARAMETERS, splits(split), CPU, Destination(run_folder))
    course, seen = trainer.run(Control()), list[Event]()
    seen.append(next(course))
    os.truncate(images, 16 + 784)
    with pytest.raises(DatasetError, match="it was cut while it was being read; put the whole file back"):
        seen.extend(course)
    assert isinstance(seen[-1], CheckpointSaved)
    assert seen[-1].step == trainer.place.step == len(losses(seen)) > 0
    images.write_bytes(content)
    resumed = Trainer(HYPERPARAMETERS, trainer.splits, CPU)  # in the same program, where it failed
    resumed.continue_from(read_state(run_folder / "checkpoints" / "last.pt", SIZE))
    assert losses(seen) + losses(list(resumed.run(Control()))) == whole[0]
    assert same(weights(resumed), whole[1])


def test_what_was_trained_before_a_disk_fails_is_told_and_saved(
    split: LargeSplit, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepper_module, "DRAIN_SECONDS", PATIENCE)
    left = 2 * GROUP
    real = split.file.read_into

    def read_into(pixels: memoryview, first: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise DatasetError("the disk is broken; mend it.")
        real(pixels, first)

    trainer = Trainer(HYPERPARAMETERS, splits(split), CPU, Destination(run_folder))
    monkeypatch.setattr(split.file, "read_into", read_into)
    course, seen = trainer.run(Control()), list[Event]()
    with pytest.raises(DatasetError, match="mend it"):
        seen.extend(course)
    told, saved = seen
    assert isinstance(told, BatchesTrained)
    assert isinstance(saved, CheckpointSaved)
    shuffle = BlockShuffle(HYPERPARAMETERS.seed, 1, SIZE, BLOCK, GROUP)
    assert len(told.losses) == saved.step == shuffle.firsts[2] // 50


@pytest.mark.long
def test_an_epoch_of_ten_million_images_takes_no_more_memory_than_its_beginning(tmp_path: Path) -> None:
    size = 10_000_000
    write_idx(tmp_path, train=1, test=1)
    source = find("mnist", tmp_path)
    source.train_images.write_bytes(idx_bytes((size, 28, 28), b""))
    os.truncate(source.train_images, 16 + size * 784)  # sparse: it takes no room
    source.train_labels.write_bytes(labels_bytes(bytes(range(10)) * (size // 10)))
    split = open_large(source)
    assert split is not None
    batches = put_on(split, CPU, 0, size)
    order, process = batches.order(0, 1), psutil.Process()
    counts = torch.zeros(10, dtype=torch.int64)
    memory: list[int] = []
    for start in range(0, size, 4096):
        counts += torch.bincount(batches.gather(order[start : start + 4096])[1], minlength=10)
        memory.append(process.memory_info().rss)
    assert counts.tolist() == [size // 10] * 10
    begun = memory[3 * shuffle_module.BLOCK * shuffle_module.GROUP // 4096]  # both halves of the window are touched
    assert max(memory) - begun < 20e6
