import os
from pathlib import Path

import attrs
import pytest

from mnist_tui.core import idx, large
from mnist_tui.core.dataset import Source, find
from mnist_tui.core.errors import DatasetError
from mnist_tui.core.image_file import ImageFile
from mnist_tui.core.large import is_large, open_large, read_inspected, with_notice
from tests.datafiles import cut, idx_bytes, images_bytes, labels_bytes, write, write_idx

LIMIT = 100 * 784


@pytest.fixture
def source(tmp_path: Path) -> Source:
    write_idx(tmp_path, train=150, test=20)
    return find("mnist", tmp_path)


def test_a_plain_file_of_many_images_stays_on_the_disk(source: Source) -> None:
    split = open_large(source, LIMIT)
    assert split is not None
    assert (len(split), split.labels) == (150, cut(150).labels)
    assert split.part(0, 150) == cut(150)
    assert split.part(40, 43) == cut(3, 40)


@pytest.mark.parametrize("limit", [150 * 784, large.RESIDENT_LIMIT])
def test_up_to_the_limit_all_is_held_in_memory(source: Source, limit: int) -> None:
    assert open_large(source, limit) is None
    assert read_inspected(source, limit) == source.load_train()
    assert with_notice(source, limit) == source


def test_a_compressed_file_is_held_in_memory_and_so_is_the_bundled_one(tmp_path: Path) -> None:
    write_idx(tmp_path, train=150, test=20, gz=True)
    assert open_large(find("mnist", tmp_path), LIMIT) is None
    assert not is_large(find("mnist"), 0)


def test_what_cannot_be_held_compressed_is_said_to_be_unpacked(tmp_path: Path) -> None:
    path = write(tmp_path / "images", idx_bytes((idx.MAX_DIGITS + 1, 28, 28), b""), gz=True)
    with pytest.raises(DatasetError, match="2000001 images, expected at most 2000000; unpack it"):
        idx.read_images(path)


def test_labels_of_many_more_images_are_read(tmp_path: Path) -> None:
    labels = bytes(range(10)) * 250_000
    assert idx.read_labels(write(tmp_path / "labels", labels_bytes(labels))) == labels


def test_of_a_large_split_the_first_digits_are_looked_at(source: Source) -> None:
    assert read_inspected(source, LIMIT, 30) == attrs.evolve(cut(30), of=150)
    assert large.INSPECTED == 60_000


def test_it_is_told_before_it_is_opened(source: Source) -> None:
    told = with_notice(source, LIMIT)
    assert told.notice == "Its 150 training images are read from the disk while they are trained."
    source.train_images.unlink()
    assert with_notice(source, LIMIT) == source  # who reads it says that it is gone


def test_images_and_labels_must_belong_together(source: Source) -> None:
    source.train_labels.write_bytes(labels_bytes(bytes(149)))
    with pytest.raises(DatasetError, match=r"holds 150 images but .* 149 labels"):
        open_large(source, LIMIT)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda whole: whole[:-1], "is truncated: 117615 of 117616 bytes"),
        (lambda whole: whole + b"x", "goes on after the 117616 bytes"),
        (lambda whole: b"\0\0\x0d\3" + whole[4:], "holds floats, expected unsigned bytes for images"),
        (lambda whole: idx_bytes((294, 20, 20)), "images of n x 20 x 20, expected n x 28 x 28"),
        (lambda whole: whole[:9], "9 of the 16 bytes of its header"),
    ],
)
def test_a_damaged_file_is_refused_before_a_pixel_is_read(source: Source, change: object, said: str) -> None:
    assert callable(change)
    source.train_images.write_bytes(change(images_bytes(cut(150).images)))
    with pytest.raises(DatasetError, match=said):
        ImageFile(source.train_images)


def test_nothing_but_the_header_is_read_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(idx_bytes((10_000_000, 28, 28), b""))
    os.truncate(path, 16 + 10_000_000 * 784)  # sparse
    file = ImageFile(path)
    assert len(file) == 10_000_000
    assert file.read(9_999_999, 10_000_000) == bytes(784)


def test_a_file_that_is_cut_while_it_is_open_is_told_in_a_sentence(source: Source) -> None:
    file = ImageFile(source.train_images)
    os.truncate(source.train_images, 16 + 784 * 70 + 5)
    assert file.read(69, 70) == bytes(cut(1, 69).images)
    with pytest.raises(DatasetError, match="holds 70 of the 150 images it had: it was cut while it was being read"):
        file.read(100, 110)


def test_a_disk_that_fails_is_told_in_a_sentence(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ImageFile(source.train_images)

    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(DatasetError, match=r"cannot be read \(Input/output error\)"):
        file.read(0, 1)


def test_the_file_is_closed_with_its_last_user(source: Source) -> None:
    before = set(os.listdir("/dev/fd"))
    file = ImageFile(source.train_images)
    assert len(set(os.listdir("/dev/fd"))) == len(before) + 1
    del file
    assert len(set(os.listdir("/dev/fd"))) == len(before)
