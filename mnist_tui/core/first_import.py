"""The import of a package that is as large as torch."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def first_import_of(package: str) -> Iterator[None]:
    """Import `package` in here with no collection of garbage; what is there then is left out of all later ones.

    torch alone is 260 000 objects that stay for ever. Collections during its import take a quarter of the time that it
    takes, and with them in it a full one takes 140 ms. Nothing is done where the package is there already.
    """
    if package in sys.modules:
        yield
        return
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
