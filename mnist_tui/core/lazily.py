"""Modules that are loaded at the first look into them, a use of `importlib.util.LazyLoader`, or not at all."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType


def import_lazily(name: str) -> None:
    """Let `from package import module` succeed without loading module `name`; `from name import x` still loads it."""
    spec = importlib.util.find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    spec.loader = loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    package, _, last = name.rpartition(".")
    # An import statement that finds it in `sys.modules` alone looks at its `__spec__`, and any look loads it.
    setattr(sys.modules[package], last, module)
    sys.modules[name] = module


def import_without(name: str, spared: str) -> None:
    """Import `name` as where there is no module `spared`, which it can do without, but would load.

    Whoever else wants `spared` later has it; `name` itself goes without to the end of the process. Nothing is done
    where either is loaded already.
    """
    if name not in sys.modules and spared not in sys.modules:
        sys.modules[spared] = None  # type: ignore[assignment]  # as an import of it then fails at once
        try:
            importlib.import_module(name)
        finally:
            del sys.modules[spared]


def load_now(module: ModuleType) -> None:
    """Load it; before there are other threads, since two that look at once load it twice (Python 3.11)."""
    vars(module)
