"""A module that a package imports as its last, and that hardly anybody needs: loaded when somebody does."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


@contextmanager
def put_off(name: str, users: Collection[str]) -> Iterator[None]:
    """Let `from package import module` succeed in here without loading module `name`; it is loaded at its first use.

    A use is a look into it, an import of it after this block, or one of a module in `users`, which then finds it
    loaded, as it does where the package is imported as a whole.

    Args:
        name: the module's, with its package.
        users: names of modules that want it before them, since they import each other.
    """
    sys.modules[name] = _NotYet(name)
    try:
        yield
    finally:
        _make_way(name)
        if name not in sys.modules and name.rpartition(".")[0] in sys.modules:
            sys.meta_path.insert(0, _Before(name, users))


class _NotYet(ModuleType):
    """Stands where a module will be; a look into it loads the module."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _make_way(self.__name__)
        return getattr(importlib.import_module(self.__name__), name)


def _make_way(name: str) -> None:
    """Take away what stands in the place of a module, so that the next import of it loads it."""
    package, _, last = name.rpartition(".")
    if isinstance(sys.modules.get(name), _NotYet):
        del sys.modules[name]
    parent = sys.modules.get(package)
    if parent is not None and isinstance(vars(parent).get(last), _NotYet):
        delattr(parent, last)


class _Before(MetaPathFinder, Loader):
    """Loads a module before the first of its users."""

    def __init__(self, name: str, users: Collection[str]) -> None:
        self.name = name
        self.users = users
        self._own: ModuleSpec | None = None

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in self.users or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        importlib.import_module(self.name)
        module = sys.modules.get(name)
        if module is None:
            return None
        # It was imported on the way; by its own spec, which the import system prefers, it would be loaded twice.
        self._own, module.__spec__ = module.__spec__, None
        return ModuleSpec(name, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own
