"""The import of a package that is as large as torch."""

from __future__ import annotations

import gc
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from mnist_tui.core.later import put_off

LATER: Mapping[str, Mapping[str, Collection[str]]] = {
    "torch": {"torch._meta_registrations": ("torch._decomp", "torch._refs", "torch._prims", "torch._dynamo")}
}
"""Modules of a package that can wait, and who wants each of them before it.

Those of torch tell its compiler of its operators. With what they import, they are 0.8 s of the 2.7 s that it takes to
import torch on two cores.
"""


@contextmanager
def first_import_of(package: str) -> Iterator[None]:
    """Import `package` in here with no collection of garbage; what is there then is left out of all later ones.

    torch alone is 260 000 objects that stay for ever. Collections during its import take a quarter of the time that it
    takes, and with them in it a full one takes 140 ms. The modules in `LATER` are loaded when somebody needs them.
    Nothing is done where the package is there already.
    """
    if package in sys.modules:
        yield
        return
    enabled = gc.isenabled()
    gc.disable()
    try:
        with ExitStack() as stack:
            for name, users in LATER.get(package, {}).items():
                stack.enter_context(put_off(name, users))
            yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
