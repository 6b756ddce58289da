"""Modules that are loaded at the first look into them: a use of `importlib.util.LazyLoader`."""

from __future__ import annotations

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


def load_now(module: ModuleType) -> None:
    """Load it; before there are other threads, since two that look at once load it twice (Python 3.11)."""
    vars(module)
