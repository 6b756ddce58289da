"""No collection of garbage while a large package is imported, and none of it in those after."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_tui.core.first_import import first_import_of

PACKAGE = "a_package_of_this_test"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that notes whether garbage was collected while it was imported; afterwards it is gone."""
    (tmp_path / f"{PACKAGE}.py").write_text("import gc\ncollected = gc.isenabled()\nkept = [[]]\n")
    monkeypatch.syspath_prepend(tmp_path)
    gc.enable()
    yield tmp_path
    sys.modules.pop(PACKAGE, None)
    gc.enable()


@pytest.mark.usefixtures("package")
def test_what_is_imported_first_is_kept_for_good() -> None:
    with first_import_of(PACKAGE):
        module = __import__(PACKAGE)
    assert module.collected is False
    assert gc.isenabled()
    assert not any(item is module.kept for item in gc.get_objects())
    with first_import_of(PACKAGE):
        assert gc.isenabled(), "it is there already"
        later: list[list[int]] = [[]]
    assert any(item is later for item in gc.get_objects())


@pytest.mark.usefixtures("package")
def test_collections_that_were_off_stay_off() -> None:
    gc.disable()
    with first_import_of(PACKAGE):
        __import__(PACKAGE)
    assert not gc.isenabled()


@pytest.mark.usefixtures("package")
def test_a_failed_import_leaves_collections_on() -> None:
    with pytest.raises(ImportError), first_import_of(PACKAGE):
        raise ImportError
    assert gc.isenabled()
