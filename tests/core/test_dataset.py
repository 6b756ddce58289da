import gzip
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from mnist_tui.core import dataset
from mnist_tui.core.dataset import BUNDLED, DATASETS, Split, default_data_dir, find
from mnist_tui.core.errors import DatasetError, DatasetMissing, UsageError
from tests.datafiles import cut, images_bytes, labels_bytes, qmnist_labels_bytes, write, write_idx

DIGESTS = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
OTHERS = [name for name in DATASETS if name != "mnist"]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any data set: empty working directory, cache and system folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("MNIST_TUI_DATA", raising=False)
    monkeypatch.setattr(dataset, "_cache_dir", lambda: tmp_path / "cache")
    fashion = attrs.evolve(DATASETS["fashion"], system_places=(tmp_path / "system",))
    monkeypatch.setitem(DATASETS, "fashion", fashion)


@pytest.mark.parametrize("stem", DIGESTS)
def test_bundled_files_are_the_published_ones(stem: str) -> None:
    content = gzip.decompress((BUNDLED / f"{stem}.gz").read_bytes())
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == DIGESTS[stem]


def test_the_notice_lies_beside_the_bundled_files() -> None:
    notice = (BUNDLED / "NOTICE").read_text(encoding="utf-8")
    assert "Attribution-Share Alike 3.0" in notice
    assert all(digest in notice for digest in DIGESTS.values())


def test_bundled_mnist() -> None:
    source = find("mnist")
    assert (source.name, source.where, source.notice) == ("mnist", "bundled with mnist-tui", "")
    assert source.classes == tuple("0123456789")
    train, test = source.load_train(), source.load_test()
    assert (len(train), len(test)) == (60_000, 10_000)
    assert list(train.labels[:5]) == [5, 0, 4, 1, 9]
    assert list(test.labels[:5]) == [7, 2, 1, 0, 4]
    assert sum(train.images) / len(train.images) == pytest.approx(0.1307 * 255, rel=1e-3)


def test_importing_is_cheap() -> None:
    code = "import sys, mnist_tui.core.dataset; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = {module.partition(".")[0] for module in modules.split()}
    assert not loaded & {"torch", "torchvision", "numpy", "platformdirs", "rich", "hashlib"}


def test_split_gives_digits() -> None:
    split = cut(3)
    assert len(split) == 3
    assert split.digit(2) == split.images[1568:]
    assert split.digit(2).readonly
    assert len(repr(split)) < 100
    for index in (-1, 3):
        with pytest.raises(IndexError):
            split.digit(index)
    with pytest.raises(ValueError, match="1568 bytes of pixels for 3 labels"):
        Split(split.images[784:], split.labels)


@pytest.mark.parametrize("name", DATASETS)
def test_ten_names_of_classes(name: str) -> None:
    assert len(set(DATASETS[name].classes)) == 10


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match="'cifar': choose one of mnist, fashion, kmnist, qmnist"):
        find("cifar")


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("layout", ["torchvision", "flat"])
@pytest.mark.parametrize("name", DATASETS)
def test_files_in_a_named_directory(tmp_path: Path, name: str, layout: str, gz: bool) -> None:
    folder = tmp_path / DATASETS[name].folder / "raw" if layout == "torchvision" else tmp_path
    paths = write_idx(folder, train=20, test=10, gz=gz, names=name)
    source = find(name, tmp_path)
    assert (source.name, source.where, source.notice) == (name, str(folder), "")
    assert (source.train_images, source.train_labels, source.test_images, source.test_labels) == paths
    assert source.load_train() == cut(20)
    assert source.load_test() == cut(10, 20)


def test_torchvision_layout_comes_first_and_raw_before_gz(tmp_path: Path) -> None:
    write_idx(tmp_path, seed=1)
    write_idx(tmp_path / "MNIST" / "raw", gz=True, seed=2)
    assert find("mnist", tmp_path).load_test() == cut(100, 200, seed=2)
    write_idx(tmp_path / "MNIST" / "raw", seed=3)
    assert find("mnist", tmp_path).load_test() == cut(100, 200, seed=3)


def test_a_whole_set_is_preferred_to_a_partial_one(tmp_path: Path) -> None:
    write_idx(tmp_path, seed=1)
    write_idx(tmp_path / "MNIST" / "raw", seed=2)[0].unlink()
    assert find("mnist", tmp_path).load_test() == cut(100, 200, seed=1)


def test_a_directory_without_mnist_means_the_bundled_files(tmp_path: Path) -> None:
    source = find("mnist", tmp_path)
    assert source.notice == f"{tmp_path} holds no MNIST files, so the bundled ones are used."
    assert attrs.evolve(source, notice="") == find("mnist")


@pytest.mark.parametrize("missing", range(4))
@pytest.mark.parametrize("name", ["mnist", "qmnist"])
def test_a_partial_set_names_the_missing_file(tmp_path: Path, name: str, missing: int) -> None:
    gone = write_idx(tmp_path, names=name)[missing]
    gone.unlink()
    with pytest.raises(DatasetError, match=f"neither {gone.name} nor {gone.name}.gz") as caught:
        find(name, tmp_path)
    assert not isinstance(caught.value, DatasetMissing)


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="absent does not exist"):
        find("mnist", tmp_path / "absent")
    with pytest.raises(DatasetMissing, match="absent"):  # a download will make it
        find("fashion", tmp_path / "absent")


@pytest.mark.parametrize("name", DATASETS)
def test_a_file_for_a_directory(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "file", b"")
    with pytest.raises(DatasetError, match="file is not a directory") as caught:
        find(name, path)
    assert not isinstance(caught.value, DatasetMissing)


@pytest.mark.parametrize("directory", ["a\0b", "a" * 300])
def test_an_impossible_directory(directory: str) -> None:
    with pytest.raises(DatasetError, match="cannot be looked at"):
        find("mnist", Path(directory))


def test_an_unreadable_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def stat(path: Path) -> os.stat_result:
        if "MNIST" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr("mnist_tui.core.dataset.os.stat", stat)
    with pytest.raises(DatasetError, match=r"cannot be looked at \(Permission denied\)"):
        find("mnist", tmp_path)


def test_a_directory_of_that_name_is_an_error_when_loaded(tmp_path: Path) -> None:
    gone = write_idx(tmp_path)[0]
    gone.unlink()
    gone.mkdir()
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte is a directory"):
        find("mnist", tmp_path).load_train()


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_idx(tmp_path / "mine")
    assert find("mnist", Path("~/mine")).where == str(tmp_path / "mine")


def test_places_of_the_default_search_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_TUI_DATA", str(tmp_path / "variable"))
    places = [tmp_path / "system", tmp_path / "cache", Path("data"), tmp_path / "variable"]
    for seed, place in enumerate(places):
        write_idx(place, seed=seed)
        source = find("fashion")
        assert source.where == str(place)
        assert source.load_test() == cut(100, 200, seed)


@pytest.mark.parametrize("name", OTHERS)
def test_missing_lists_the_places(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_TUI_DATA", str(tmp_path / "variable"))
    with pytest.raises(DatasetMissing) as caught:
        find(name)
    folder = DATASETS[name].folder
    system = f", {tmp_path}/system" if name == "fashion" else ""
    assert str(caught.value) == (
        f"{folder} is not in {tmp_path}/variable, ./data, {tmp_path}/cache{system}: copy its four .gz files "
        f"to {tmp_path}/variable/{folder}/raw, or use --dataset mnist, which is bundled."
    )


def test_a_file_among_the_places_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_TUI_DATA", str(write(tmp_path / "file", b"")))
    with pytest.raises(DatasetMissing):
        find("kmnist")


def test_a_named_directory_is_the_only_place(tmp_path: Path) -> None:
    write_idx(tmp_path / "cache", names="qmnist")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DatasetMissing, match=f"QMNIST is not in {empty}: copy .* to {empty}/QMNIST/raw,"):
        find("qmnist", empty)


def test_a_partial_set_does_not_end_the_default_search(tmp_path: Path) -> None:
    gone = write_idx(Path("data"))[3]
    gone.unlink()
    with pytest.raises(DatasetError, match="data holds train-images-idx3-ubyte but neither t10k-labels"):
        find("fashion")
    write_idx(tmp_path / "cache" / "FashionMNIST" / "raw", gz=True)
    assert find("fashion").where == str(tmp_path / "cache" / "FashionMNIST" / "raw")


@pytest.mark.parametrize("name", ["fashion", "kmnist"])
def test_mnist_itself_is_not_taken_for_another_set(tmp_path: Path, name: str) -> None:
    for stem in DIGESTS:
        (tmp_path / f"{stem}.gz").symlink_to(BUNDLED / f"{stem}.gz")
    assert find("mnist", tmp_path).where == str(tmp_path)
    with pytest.raises(DatasetMissing):
        find(name, tmp_path)


def test_mnist_ignores_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx(tmp_path)
    monkeypatch.setenv("MNIST_TUI_DATA", str(tmp_path))
    assert find("mnist").where == "bundled with mnist-tui"


def test_a_broken_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "BUNDLED", tmp_path / "gone")
    with pytest.raises(DatasetError, match="gone are gone; install mnist-tui again"):
        find("mnist")


def test_default_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_data_dir() == tmp_path / "cache"
    monkeypatch.setenv("MNIST_TUI_DATA", "")
    assert default_data_dir() == tmp_path / "cache"
    monkeypatch.setenv("MNIST_TUI_DATA", str(tmp_path / "mine"))
    assert default_data_dir() == tmp_path / "mine"


def test_the_cache_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MNIST_TUI_DATA", raising=False)
    assert default_data_dir().name == "data"
    assert "mnist-tui" in default_data_dir().parts
    if sys.platform == "linux":
        assert default_data_dir() == tmp_path / "mnist-tui" / "data"


def test_counts_must_agree(tmp_path: Path) -> None:
    paths = write_idx(tmp_path, train=5, test=4)
    write(paths[3], labels_bytes(bytes(3)))
    source = find("mnist", tmp_path)
    assert len(source.load_train()) == 5
    with pytest.raises(DatasetError, match=f"{paths[2]} holds 4 images but {paths[3]} 3 labels"):
        source.load_test()


def test_qmnist_tests_with_its_first_ten_thousand(tmp_path: Path) -> None:
    count = 10_003
    labels = bytes(i % 10 for i in range(count))
    images = b"".join(bytes([i % 251]) * 784 for i in range(count))
    paths = write_idx(tmp_path, train=2, test=2, names="qmnist")
    write(paths[2], images_bytes(images))
    write(paths[3], qmnist_labels_bytes(labels))
    source = find("qmnist", tmp_path)
    assert source.load_test() == Split(images[: 784 * 10_000], labels[:10_000])
    write(paths[0], images_bytes(images))
    write(paths[1], qmnist_labels_bytes(labels))
    assert len(source.load_train()) == count
