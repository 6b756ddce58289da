import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_tui.core.errors import UserError
from mnist_tui.core.export_folder import ExportFolder


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()


@pytest.fixture
def little_room() -> Iterator[None]:
    """No file may grow beyond 10 kB, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_it_has_its_name_once_it_is_whole() -> None:
    folder = ExportFolder("run", "test is:wrong conf<0.6")
    folder.write("a.txt", "9 → 4")
    assert [path.name for path in Path("run/exports").glob("[!.]*")] == []
    path = folder.finish()
    assert path.parent == Path("run/exports")
    assert re.fullmatch(r"\d{8}-\d{6}-test-is-wrong-conf-0\.6", path.name)
    assert (path / "a.txt").read_text(encoding="utf-8") == "9 → 4"
    assert list(Path("run/exports").iterdir()) == [path]


def test_a_second_one_of_the_same_moment_has_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.strftime", lambda _: "20261123-120000")
    first, second, third = (ExportFolder("run", "all").finish() for _ in range(3))
    assert [first.name, second.name, third.name] == [
        "20261123-120000-all",
        "20261123-120000-all-2",
        "20261123-120000-all-3",
    ]


@pytest.mark.parametrize("run", ["", "vanished", "blocked"])
def test_it_lies_here_where_the_run_takes_none(run: str) -> None:
    Path("blocked").mkdir()
    Path("blocked/exports").touch()
    assert ExportFolder(run, "all").finish().parent == Path("mnist-tui-exports")
    assert not Path("vanished").exists()


def test_where_nothing_can_be_written_one_sentence_says_so() -> None:
    Path("mnist-tui-exports").touch()
    with pytest.raises(UserError, match=r"^cannot write to mnist-tui-exports: File exists; make room, or begin where"):
        ExportFolder("", "all")


@pytest.mark.usefixtures("little_room")
def test_a_full_disk_leaves_nothing() -> None:
    folder = ExportFolder("run", "all")
    folder.write("small.txt", "x")
    with pytest.raises(UserError, match=r"^cannot write run/exports/\d{8}-\d{6}-all/big.txt: File too large$"):
        folder.write("big.txt", "x" * 20_000)
    assert [path.name for path in folder.path.iterdir()] == ["small.txt"]
    folder.discard()
    assert list(Path("run").iterdir()) == []


def test_discarding_leaves_other_exports_alone() -> None:
    kept = ExportFolder("run", "all").finish()
    ExportFolder("run", "more").discard()
    assert list(Path("run/exports").iterdir()) == [kept]


def test_a_folder_that_vanished_is_said() -> None:
    folder = ExportFolder("run", "all")
    folder.path.rmdir()
    with pytest.raises(UserError, match="No such file or directory"):
        folder.write("a.txt", "x")
    with pytest.raises(UserError, match=r"^cannot write run/exports/.*No such file"):
        folder.finish()
