"""The data sets: which there are, where their files lie, and their digits as plain bytes.

MNIST is bundled and never touches the network. The others are found on disk in torchvision's layout
(`DIR/FashionMNIST/raw`) or as four files directly in a directory, raw or `.gz`; `mnist_tui.engine.download`
fetches them.
"""

import os
import stat
from pathlib import Path

import attrs

from mnist_tui.core import idx
from mnist_tui.core.errors import DatasetError, DatasetMissing, UsageError
from mnist_tui.core.idx import PIXELS
from mnist_tui.core.knob import Knob

BUNDLED = Path(__file__).parent.parent / "assets" / "mnist"
"""The folder of MNIST inside the package."""

_DIGITS = tuple("0123456789")
_STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_QMNIST_STEMS = (
    "qmnist-train-images-idx3-ubyte",
    "qmnist-train-labels-idx2-int",
    "qmnist-test-images-idx3-ubyte",
    "qmnist-test-labels-idx2-int",
)


@attrs.frozen
class Split:
    """Digits with their labels.

    Attributes:
        images: n * 784 uint8, n pictures of 28 x 28, row-major.
        labels: n uint8, each 0..9.
        of: how many digits there are in all, where these are but the first; 0 where they are all.
    """

    images: bytes = attrs.field(repr=False)
    labels: bytes = attrs.field(repr=False)
    of: int = 0

    def __attrs_post_init__(self) -> None:
        if len(self.images) != PIXELS * len(self.labels):
            raise ValueError(f"{len(self.images)} bytes of pixels for {len(self.labels)} labels")

    def __len__(self) -> int:
        """The number of digits."""
        return len(self.labels)

    def digit(self, index: int) -> memoryview:
        """The pixels of one digit, not copied.

        Args:
            index: 0 .. len - 1.

        Returns:
            784 uint8, row-major, read-only.

        Raises:
            IndexError: there is no such digit.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"digit {index} of {len(self)}")
        return memoryview(self.images)[index * PIXELS : (index + 1) * PIXELS]


@attrs.frozen(repr=False, eq=False)
class DatasetInfo:
    """What is known of a data set before any file is read.

    Attributes:
        folder: torchvision's class, which is also its folder: `FashionMNIST`.
        classes: the ten names, by label.
        stems: the four file names without `.gz`: train images, train labels, test images, test labels.
        wide_labels: labels are rows of eight int32 (QMNIST) rather than bytes.
        test_limit: the test split is cut to so many digits, 0 for all.
        system_places: directories where a system package puts it.
    """

    folder: str
    classes: tuple[str, ...] = _DIGITS
    stems: tuple[str, str, str, str] = _STEMS
    wide_labels: bool = False
    test_limit: int = 0
    system_places: tuple[Path, ...] = ()


DATASETS: dict[str, DatasetInfo] = {
    "mnist": DatasetInfo("MNIST"),
    "fashion": DatasetInfo(
        "FashionMNIST",
        ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"),
        system_places=(Path("/usr/share/datasets/fashion-mnist"),),
    ),
    "kmnist": DatasetInfo("KMNIST", ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")),
    "qmnist": DatasetInfo("QMNIST", stems=_QMNIST_STEMS, wide_labels=True, test_limit=10_000),
}

DATASET_KNOB = Knob(
    name="dataset",
    label="data set",
    help="What is trained on: handwritten digits, clothes, old Japanese script, or more handwritten digits.",
    kind="choice",
    ladder="choice",
    choices=tuple(DATASETS),
)
"""The data set as a row of the form; it waits for the next run."""


@attrs.frozen
class Source:
    """Where the four files of a data set were found; no pixel is read yet.

    Attributes:
        name: the key in `DATASETS`.
        where: the place in words: "bundled with mnist-tui", or the directory of the files.
        notice: "" or one sentence worth telling the user.
        train_images: IDX3 file, raw or `.gz`, as the three below.
        train_labels: IDX1 file (QMNIST: IDX2).
        test_images: IDX3 file.
        test_labels: IDX1 file (QMNIST: IDX2).
    """

    name: str
    where: str
    notice: str
    train_images: Path
    train_labels: Path
    test_images: Path
    test_labels: Path

    @property
    def classes(self) -> tuple[str, ...]:
        """The ten names, by label."""
        return DATASETS[self.name].classes

    def load_train(self) -> Split:
        """Read the training digits, in file order.

        Raises:
            DatasetError: a file is unreadable or damaged, or the two do not belong together.
        """
        return self._load(self.train_images, self.train_labels, 0)

    def load_test(self) -> Split:
        """Read the test digits, in file order; of QMNIST the first 10 000, as torchvision's `test10k`.

        Raises:
            DatasetError: a file is unreadable or damaged, or the two do not belong together.
        """
        return self._load(self.test_images, self.test_labels, DATASETS[self.name].test_limit)

    def _load(self, images_path: Path, labels_path: Path, limit: int) -> Split:
        wide = DATASETS[self.name].wide_labels
        labels = idx.read_qmnist_labels(labels_path) if wide else idx.read_labels(labels_path)
        images = idx.read_images(images_path)
        check_pair(images_path, len(images) // PIXELS, labels_path, len(labels))
        if limit and len(labels) > limit:
            return Split(images[: limit * PIXELS], labels[:limit])
        return Split(images, labels)


def check_pair(images_path: Path, images: int, labels_path: Path, labels: int) -> None:
    """Whether a file of `images` and one of `labels` can belong together.

    Raises:
        DatasetError: they are not as many.
    """
    if images != labels:
        raise DatasetError(
            f"{images_path} holds {images} images but {labels_path} {labels} labels, "
            "expected as many; put the two files that belong together in their place."
        )


def dataset_info(name: str) -> DatasetInfo:
    """What is known of the data set.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return DATASETS[name]
    except KeyError:
        raise UsageError(f"There is no data set {name!r}: choose one of {', '.join(DATASETS)}.") from None


def default_data_dir() -> Path:
    """Where data sets are downloaded to: $MNIST_TUI_DATA, or else a folder in the user's cache."""
    return _variable_dir() or _cache_dir()


def places(name: str, data_dir: Path | None = None) -> tuple[Path, ...]:
    """The directories where `find` looks for the files, in order.

    Args:
        name: a key of `DATASETS`.
        data_dir: the directory the user named, if any: then the only place.

    Raises:
        UsageError: there is no such data set.
    """
    info = dataset_info(name)
    if data_dir is not None:
        return (Path(os.path.expanduser(data_dir)),)
    if name == "mnist":
        return (BUNDLED,)
    variable = _variable_dir()
    found = [Path("data"), _cache_dir(), *info.system_places]
    return (variable, *found) if variable else tuple(found)


def shown(some: tuple[Path, ...]) -> str:
    """The places for a sentence, comma-separated, `./data` rather than `data`."""
    return ", ".join(f"./{place}" if place == Path("data") else str(place) for place in some)


def how_to_copy(name: str, data_dir: Path | None = None) -> str:
    """The end of a sentence saying that a data set is missing: what to do without a download."""
    place = default_data_dir() if data_dir is None else places(name, data_dir)[0]
    folder = dataset_info(name).folder
    return f"copy its four .gz files to {place / folder / 'raw'}, or use --dataset mnist, which is bundled."


def find(name: str, data_dir: Path | None = None) -> Source:
    """Find the four files of a data set; reads none of the digits and never uses the network.

    Args:
        name: a key of `DATASETS`.
        data_dir: look here alone (MNIST: here first); None for the bundled MNIST, and for the others for
            $MNIST_TUI_DATA, ./data, the cache and the system's folder. In each place `Name/raw`
            (torchvision's layout) comes before the place itself, and a raw file before its `.gz`.

    Returns:
        The files, all from one folder.

    Raises:
        UsageError: there is no such data set.
        DatasetMissing: no place has any of the files.
        DatasetError: a place has only some of the files, or is not a readable directory.
    """
    info = dataset_info(name)
    searched = places(name, data_dir)
    if data_dir is not None:
        _check_directory(searched[0], must_exist=name == "mnist")
    problem: DatasetError | None = None
    for place in searched:
        try:
            source = _look(name, info, place)
        except DatasetError as error:
            problem = problem or error
        else:
            if source is not None:
                return source
    if problem is not None:
        raise problem
    if name != "mnist":
        raise DatasetMissing(f"{info.folder} is not in {shown(searched)}: {how_to_copy(name, data_dir)}")
    if data_dir is None:
        raise DatasetError(f"The MNIST files bundled in {BUNDLED} are gone; install mnist-tui again.")
    notice = f"{searched[0]} holds no MNIST files, so the bundled ones are used."
    return attrs.evolve(find(name), notice=notice)


def _look(name: str, info: DatasetInfo, place: Path) -> Source | None:
    """The files in one place, None where there are none of them.

    Raises:
        DatasetError: only some of the files are there, or the place cannot be read.
    """
    partial: DatasetError | None = None
    for folder in (place / info.folder / "raw", place):
        files = [_pick(folder / stem) for stem in info.stems]
        paths = [path for path in files if path is not None]
        if not paths or (folder == place and name != "mnist" and _is_mnist(files[3])):
            continue
        if len(paths) == len(files):
            where = "bundled with mnist-tui" if folder == BUNDLED else str(folder)
            return Source(name, where, "", *paths)
        missing = info.stems[files.index(None)]
        partial = partial or DatasetError(
            f"{folder} holds {paths[0].name} but neither {missing} nor {missing}.gz, expected all four files "
            f"of {info.folder}; add the missing ones or move the others away."
        )
    if partial is not None:
        raise partial
    return None


def _is_mnist(labels: Path | None) -> bool:
    """Whether files directly in a directory are MNIST itself, whose names Fashion-MNIST and KMNIST share."""
    if labels is None or labels.name.startswith("qmnist"):
        return False
    try:
        return idx.read_labels(labels) == idx.read_labels(BUNDLED / f"{_STEMS[3]}.gz")
    except DatasetError:
        return False


def _pick(path: Path) -> Path | None:
    """The file raw or else compressed, None where there is neither."""
    for candidate in (path, path.with_name(path.name + ".gz")):
        if _mode(candidate) is not None:
            return candidate
    return None


def _check_directory(path: Path, must_exist: bool) -> None:
    mode = _mode(path)
    if mode is not None and not stat.S_ISDIR(mode):
        raise DatasetError(f"{path} is not a directory, expected one with data files; name another.")
    if mode is None and must_exist:
        raise DatasetError(f"{path} does not exist, expected a directory with data files; name another.")


def _mode(path: Path) -> int | None:
    """The file's type, None where there is no such file.

    Raises:
        DatasetError: that cannot be told.
    """
    try:
        return os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise DatasetError(f"{path} cannot be looked at ({cause}); allow it or name another directory.") from error


def _variable_dir() -> Path | None:
    value = os.environ.get("MNIST_TUI_DATA", "")
    return Path(os.path.expanduser(value)) if value else None


def _cache_dir() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("mnist-tui", appauthor=False) / "data"
