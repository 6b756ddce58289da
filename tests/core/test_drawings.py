from pathlib import Path

import pytest

from mnist_tui.core import drawings
from mnist_tui.core.drawings import IMAGES, LABELS, drawings_dir, drop_last_drawing, keep_drawing, read_drawings
from mnist_tui.core.errors import DatasetError
from mnist_tui.core.files import write_atomically
from mnist_tui.core.idx import read_images, read_labels
from tests.datafiles import cut, images_bytes, labels_bytes

DIGITS = cut(3)


def keep(folder: Path, count: int) -> None:
    for index in range(count):
        keep_drawing(bytes(DIGITS.digit(index)), DIGITS.labels[index], folder)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_drawings_are_idx_files_as_mnist_has_them(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "drawings"
    assert len(read_drawings(folder)) == 0
    keep(folder, 3)
    assert read_drawings(folder) == DIGITS
    assert read_images(folder / IMAGES) == DIGITS.images
    assert read_labels(folder / LABELS) == DIGITS.labels
    assert set(files(folder)) == {IMAGES, LABELS}


def test_the_last_is_taken_back_until_nothing_is_left(tmp_path: Path) -> None:
    keep(tmp_path, 2)
    left = drop_last_drawing(tmp_path)
    assert left.labels == DIGITS.labels[:1]
    assert left.images == DIGITS.images[:784]
    assert len(drop_last_drawing(tmp_path)) == 0
    assert files(tmp_path) == {}
    assert len(drop_last_drawing(tmp_path)) == 0


@pytest.mark.parametrize("act", ["keep", "drop"])
def test_being_cut_off_between_the_two_files_loses_one_picture_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    keep(tmp_path, 2)
    real = write_atomically
    written: list[Path] = []

    def cut_off(path: Path, data: bytes) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        real(path, data)

    monkeypatch.setattr(drawings, "write_atomically", cut_off)
    with pytest.raises(KeyboardInterrupt):
        keep(tmp_path, 1) if act == "keep" else drop_last_drawing(tmp_path)
    monkeypatch.undo()
    there = read_drawings(tmp_path)
    assert there.labels == DIGITS.labels[: 2 if act == "keep" else 1]
    assert there.images == DIGITS.images[: 784 * len(there)]
    keep_drawing(bytes(DIGITS.digit(2)), 3, tmp_path)
    assert read_drawings(tmp_path).labels == there.labels + b"\3"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        (IMAGES, b"somebody else's", "is not an IDX file"),
        (IMAGES, images_bytes(bytes(784 * 5)), "5 images but .* 2 labels"),
        (IMAGES, images_bytes(bytes(784)), "1 images but .* 2 labels"),
        (LABELS, b"", "is empty"),
        (LABELS, labels_bytes(bytes([1, 77])), "label 1 is 77"),
        (LABELS, None, "is gone"),
    ],
)
def test_damaged_files_are_one_sentence_and_stay_as_they_are(
    tmp_path: Path, name: str, data: bytes | None, words: str
) -> None:
    keep(tmp_path, 2)
    if data is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(data)
    before = files(tmp_path)
    for act in (lambda: keep(tmp_path, 1), lambda: drop_last_drawing(tmp_path), lambda: read_drawings(tmp_path)):
        with pytest.raises(DatasetError, match=words):
            act()
    assert files(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DatasetError, match="takes no drawing"):
        keep(tmp_path / "taken", 1)


@pytest.mark.parametrize(("pixels", "label"), [(b"", 1), (bytes(784), 10), (bytes(784), -1)])
def test_only_pictures_with_a_class_are_kept(tmp_path: Path, pixels: bytes, label: int) -> None:
    with pytest.raises(ValueError, match="bytes with label"):
        keep_drawing(pixels, label, tmp_path)


def test_the_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("MNIST_TUI_DRAWINGS", raising=False)
    assert drawings_dir().parts[-2:] == ("mnist-tui", "drawings")
    monkeypatch.setenv("MNIST_TUI_DRAWINGS", "~/mine")
    assert drawings_dir() == Path.home() / "mine"
