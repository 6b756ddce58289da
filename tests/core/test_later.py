"""A module that is loaded by whoever needs it first, and not with its package."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_tui.core.later import put_off

PACKAGE = "a_package_that_is_late"
LAST, USER = f"{PACKAGE}.last", f"{PACKAGE}.user"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of a package that imports one of its modules as its last; afterwards both are gone.

    `last` and `user` import each other, and only `last` can be the first of them.
    """
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text(f"from {PACKAGE} import last\n")
    (folder / "last.py").write_text(f"from {USER} import use\nvalue = 7\n")
    (folder / "user.py").write_text(f"import {LAST}\nloads = []\n\ndef use():\n    return {LAST}.value\n")
    (folder / "other.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.mark.usefixtures("folder")
def test_it_is_not_loaded_with_its_package() -> None:
    with put_off(LAST, [USER]):
        package = importlib.import_module(PACKAGE)
    assert not hasattr(package, "last")
    importlib.import_module(f"{PACKAGE}.other")
    assert not {LAST, USER} & set(sys.modules)


@pytest.mark.usefixtures("folder")
def test_an_import_loads_it() -> None:
    with put_off(LAST, [USER]):
        package = importlib.import_module(PACKAGE)
    last = importlib.import_module(LAST)
    assert last.value == 7
    assert last is package.last is sys.modules[LAST]


@pytest.mark.usefixtures("folder")
def test_who_wants_it_before_itself_has_it_there() -> None:
    with put_off(LAST, [USER]):
        package = importlib.import_module(PACKAGE)
    user = importlib.import_module(USER)
    assert user.use() == 7
    assert user is package.user is sys.modules[USER]
    assert user.use is sys.modules[LAST].use, "loaded once"
    assert user.__spec__.origin == user.__file__
    assert importlib.reload(user) is user


@pytest.mark.usefixtures("folder")
def test_its_user_alone_could_not_be_imported() -> None:
    with put_off(LAST, []):
        importlib.import_module(PACKAGE)
    with pytest.raises(ImportError):
        importlib.import_module(USER)


def test_a_package_that_looks_into_it_at_once_has_it_at_once(folder: Path) -> None:
    (folder / "__init__.py").write_text(
        f"from {PACKAGE} import last\nname = last.__name__\nvalue = last.value\n"
        f"from {PACKAGE} import user\nvalue += user.use()\n"
    )
    finders = list(sys.meta_path)
    with put_off(LAST, [USER]):
        package = importlib.import_module(PACKAGE)
    assert (package.name, package.value) == (LAST, 14)
    assert package.last.value == 7
    assert sys.meta_path == finders


def test_a_package_that_cannot_be_imported_leaves_nothing_in_its_place(folder: Path) -> None:
    (folder / "__init__.py").write_text(f"from {PACKAGE} import last\nraise OSError\n")
    finders = list(sys.meta_path)
    with pytest.raises(OSError), put_off(LAST, [USER]):  # noqa: PT011
        importlib.import_module(PACKAGE)
    assert LAST not in sys.modules
    assert sys.meta_path == finders
