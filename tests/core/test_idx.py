import contextlib
import gzip
import os
import tempfile
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_tui.core import idx
from mnist_tui.core.errors import DatasetError
from tests.datafiles import (
    FLOAT,
    INT32,
    cut,
    idx_bytes,
    images_bytes,
    labels_bytes,
    qmnist_labels_bytes,
    write,
)

SPLIT = cut(3)
IMAGES = images_bytes(SPLIT.images)
LABELS = labels_bytes(SPLIT.labels)
WIDE = qmnist_labels_bytes(SPLIT.labels)
READERS: list[Callable[[Path], bytes]] = [idx.read_images, idx.read_labels, idx.read_qmnist_labels]


def refused(tmp_path: Path, content: bytes, reader: Callable[[Path], bytes] = idx.read_images, gz: bool = False) -> str:
    """The sentence about a file of that content, less its name, which must be in it."""
    path = write(tmp_path / "some-idx-ubyte", content, gz)
    return refused_path(path, reader)


def refused_path(path: Path, reader: Callable[[Path], bytes] = idx.read_images) -> str:
    with pytest.raises(DatasetError) as caught:
        reader(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert text.endswith((".", "?", ".gz"))
    assert "\n" not in text
    return text.removeprefix(str(path)).lstrip(": ")


@pytest.mark.parametrize("gz", [False, True])
def test_valid_files_are_read(tmp_path: Path, gz: bool) -> None:
    assert idx.read_images(write(tmp_path / "i", IMAGES, gz)) == SPLIT.images
    assert idx.read_labels(write(tmp_path / "l", LABELS, gz)) == SPLIT.labels
    assert idx.read_qmnist_labels(write(tmp_path / "q", WIDE, gz)) == SPLIT.labels


def test_pieces_join_without_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "_PIECE", 7)
    assert idx.read_images(write(tmp_path / "i", IMAGES, gz=True)) == SPLIT.images


def test_a_gzip_file_of_two_members_is_one(tmp_path: Path) -> None:
    path = tmp_path / "i.gz"
    path.write_bytes(gzip.compress(IMAGES[:1000]) + gzip.compress(IMAGES[1000:]))
    assert idx.read_images(path) == SPLIT.images


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "i", IMAGES)

    def deny(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", deny)
    assert (
        refused_path(path) == "cannot be read (Permission denied); allow reading it or put a whole copy in its place."
    )


def test_a_directory(tmp_path: Path) -> None:
    assert refused_path(tmp_path) == "is a directory, expected a file of images; move it away."


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "i")
    assert refused_path(tmp_path / "i").startswith("is not a regular file")


def test_a_file_that_vanished(tmp_path: Path) -> None:
    assert refused_path(tmp_path / "i").startswith("is not there any more")


def test_a_name_with_a_zero_byte(tmp_path: Path) -> None:
    assert refused_path(tmp_path / "i\0").startswith("cannot be read (embedded null byte)")


@pytest.mark.parametrize("gz", [False, True])
def test_empty(tmp_path: Path, gz: bool) -> None:
    path = tmp_path / ("i.gz" if gz else "i")
    path.touch()
    assert refused_path(path) == "is empty; put a whole copy in its place."


def test_nothing_inside_gzip(tmp_path: Path) -> None:
    assert refused(tmp_path, b"", gz=True).startswith("is truncated: 0 of the 16 bytes of its header")


@pytest.mark.parametrize("name", ["i", "i.gz"])
@pytest.mark.parametrize("page", [b"<!DOCTYPE html>", b" \r\n\t<html>", b"\xef\xbb\xbf<html>"])
def test_a_web_page(tmp_path: Path, name: str, page: bytes) -> None:
    (tmp_path / name).write_bytes(page)
    assert refused_path(tmp_path / name) == "is a web page, not data; download the file itself."


def test_a_web_page_inside_gzip(tmp_path: Path) -> None:
    assert refused(tmp_path, b"\n<html>", gz=True).startswith("is a web page, not data")


def test_not_gzip_though_named_so(tmp_path: Path) -> None:
    path = tmp_path / "i.gz"
    path.write_bytes(IMAGES)
    assert refused_path(path).startswith(
        "is not gzip data though its name says so: it starts with 00 00, expected 1f 8b"
    )


def test_gzip_though_not_named_so(tmp_path: Path) -> None:
    path = tmp_path / "i"
    path.write_bytes(gzip.compress(IMAGES))
    assert refused_path(path) == "is gzip data though its name does not say so; rename it to i.gz."


@pytest.mark.parametrize("length", [2, 12, 100, -1])
def test_truncated_gzip(tmp_path: Path, length: int) -> None:
    path = tmp_path / "i.gz"
    path.write_bytes(gzip.compress(IMAGES, mtime=0)[:length])
    assert refused_path(path).startswith("is a truncated gzip file: its end is missing")


def test_damaged_gzip(tmp_path: Path) -> None:
    path = tmp_path / "i.gz"
    whole = gzip.compress(IMAGES, mtime=0)
    path.write_bytes(whole[:40] + b"\xff" * 40 + whole[80:])
    assert refused_path(path).startswith("is a damaged gzip file (Error -3 while decompressing")


def test_a_wrong_gzip_checksum_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "i.gz"
    whole = gzip.compress(IMAGES, mtime=0)
    path.write_bytes(whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    assert refused_path(path).startswith("is a damaged gzip file (CRC check failed")


def test_wrong_magic(tmp_path: Path) -> None:
    assert refused(tmp_path, b"\x89PNG" + IMAGES[4:]) == (
        "is not an IDX file: it starts with 89 50 4e 47, expected 00 00 08 03 for images; "
        "put a whole copy in its place."
    )


def test_wrong_type(tmp_path: Path) -> None:
    floats = idx_bytes((3, 28, 28), bytes(3 * 784 * 4), FLOAT)
    assert refused(tmp_path, floats).startswith("holds floats, expected unsigned bytes for images")
    ints = idx_bytes((3,), bytes(12), INT32)
    assert refused(tmp_path, ints, idx.read_labels).startswith("holds 32-bit integers, expected unsigned bytes")


def test_images_and_labels_swapped(tmp_path: Path) -> None:
    assert refused(tmp_path, LABELS).startswith("has 1 dimension(s), expected 3 for images; are images and labels")
    assert refused(tmp_path, IMAGES, idx.read_labels).startswith("has 3 dimension(s), expected 1 for labels")


def test_other_sizes(tmp_path: Path) -> None:
    assert refused(tmp_path, images_bytes(bytes(2 * 32 * 32), 32)).startswith(
        "holds images of n x 32 x 32, expected n x 28 x 28"
    )
    narrow = idx_bytes((3, 5), bytes(60), INT32)
    assert refused(tmp_path, narrow, idx.read_qmnist_labels).startswith("holds labels of n x 5, expected n x 8")


@pytest.mark.parametrize("gz", [False, True])
def test_too_short_and_too_long(tmp_path: Path, gz: bool) -> None:
    assert refused(tmp_path, IMAGES[:-1], gz=gz).startswith("is truncated: 2367 of 2368 bytes")
    assert refused(tmp_path, IMAGES[:10], gz=gz).startswith("is truncated: 10 of the 16 bytes of its header")
    assert refused(tmp_path, IMAGES + b"\0", gz=gz).startswith("goes on after the 2368 bytes its header promises")


def test_no_digits(tmp_path: Path) -> None:
    assert refused(tmp_path, images_bytes(b"")).startswith("holds no images, expected at least one")
    assert refused(tmp_path, labels_bytes(b""), idx.read_labels).startswith("holds no labels")


def test_labels_out_of_range(tmp_path: Path) -> None:
    assert refused(tmp_path, labels_bytes(bytes([9, 0, 10, 255])), idx.read_labels).startswith(
        "label 2 is 10, expected 0 to 9"
    )


@pytest.mark.parametrize("value", [10, -1, 256, 1 << 16, 1 << 24])
def test_qmnist_labels_out_of_range(tmp_path: Path, value: int) -> None:
    content = qmnist_labels_bytes([9, value, 3])
    assert refused(tmp_path, content, idx.read_qmnist_labels).startswith(f"label 1 is {value}, expected 0 to 9")


def peak(action: Callable[[], object]) -> int:
    tracemalloc.start()
    action()
    try:
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_header_that_claims_too_much(tmp_path: Path) -> None:
    huge = idx_bytes((1 << 31, 28, 28), b"")
    assert refused(tmp_path, huge).startswith("claims 2147483648 images, expected at most 2000000")
    large = idx_bytes((idx.MAX_DIGITS, 28, 28), b"some")
    assert peak(lambda: refused(tmp_path, large)) < 1 << 20


def test_a_gzip_bomb_is_not_inflated(tmp_path: Path) -> None:
    path = tmp_path / "i.gz"
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    with open(path, "wb") as file:
        file.write(engine.compress(IMAGES))
        for _ in range(64):
            file.write(engine.compress(zeros))
        file.write(engine.flush())

    def read() -> None:
        assert refused_path(path).startswith("goes on after the 2368 bytes")

    assert peak(read) < 1 << 20


def check_any(content: bytes, gz: bool, reader: Callable[[Path], bytes]) -> None:
    """Any content is either refused or n whole items in range."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "i.gz" if gz else "i")
        path.write_bytes(content)
        with contextlib.suppress(DatasetError):
            found = reader(path)
            assert found
            if reader is idx.read_images:
                assert len(found) % 784 == 0
            else:
                assert max(found) <= 9


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, bool]:
    """A valid file, perhaps compressed, with bytes changed, cut out or put in."""
    gz = draw(st.booleans())
    whole = draw(st.sampled_from([IMAGES, LABELS, WIDE]))
    damage_inside = draw(st.booleans())
    content = bytearray(gzip.compress(whole, 1, mtime=0) if gz and not damage_inside else whole)
    for _ in range(draw(st.integers(0, 4))):
        # mostly in the header, where it hurts
        at = draw(st.integers(0, 20) | st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 9))] = draw(st.binary(max_size=9))
    return (gzip.compress(content, 1, mtime=0) if gz and damage_inside else bytes(content)), gz


ANY = st.tuples(st.binary(max_size=200), st.booleans()) | mutated()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(ANY, st.sampled_from(READERS))
def test_any_bytes(file: tuple[bytes, bool], reader: Callable[[Path], bytes]) -> None:
    check_any(*file, reader)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(ANY, st.sampled_from(READERS))
def test_any_bytes_long(file: tuple[bytes, bool], reader: Callable[[Path], bytes]) -> None:
    check_any(*file, reader)


# --- inflated at a stroke, or piece by piece


def test_a_whole_gzip_file_is_inflated_at_a_stroke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzip, "open", None)
    assert idx.read_images(write(tmp_path / "i", IMAGES, gz=True)) == SPLIT.images
    assert idx.read_labels(write(tmp_path / "l", LABELS, gz=True)) == SPLIT.labels
    assert idx.read_qmnist_labels(write(tmp_path / "q", WIDE, gz=True)) == SPLIT.labels


def test_a_large_gzip_file_is_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "i", IMAGES, gz=True)
    monkeypatch.setattr(idx, "_AT_A_STROKE", path.stat().st_size - 1)
    with path.open("rb") as file:
        assert idx._inflated(file, idx._IMAGES) is None
    assert idx.read_images(path) == SPLIT.images


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (IMAGES + bytes(50_000_000), "goes on after the"),
        (b"a" * 50_000_000, "is not an IDX file"),
        (IMAGES[:4] + (2**31).to_bytes(4, "big") + IMAGES[8:] + bytes(50_000_000), "claims"),
        (LABELS[:4] + (1_000_000).to_bytes(4, "big") + bytes(50_000_000), "are images and labels swapped?"),
    ],
    ids=["longer", "text", "claims", "labels"],
)
def test_what_is_refused_by_its_beginning_is_not_inflated_to_its_end(tmp_path: Path, content: bytes, said: str) -> None:
    path = write(tmp_path / "i", content, gz=True)
    tracemalloc.start()
    try:
        assert said in refused_path(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
