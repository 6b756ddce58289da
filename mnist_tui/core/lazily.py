"""Modules that are loaded at the first look into them, as the documentation of `importlib.util.LazyLoader` has it."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType


def import_lazily(name: str) -> None:
    """Let imports of module `name` succeed without loading it; `from name import x` still loads it."""
    spec = importlib.util.find_spec(name)
    if name in sys.modules or spec is None or spec.loader is None:
        return
    spec.loader = loader = importlib.util.LazyLoader(spec.loader)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)


def load_now(module: ModuleType) -> None:
    """Load it; before there are other threads, since two that look at once load it twice (Python 3.11)."""
    vars(module)
