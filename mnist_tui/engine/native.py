"""Whether code can be made for the processor at hand, and how wide the vectors are that it works on."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

SLICES = 16
"""Into how many parts a batch is cut for its sums, however many threads there are: so they are the same with any."""
_MOST_VECTORS = 16
"""How many vectors the channels of a place may take: the code is as long as they are many."""


def can_make(width: int, second_width: int, make: Callable[[], object]) -> bool:
    """Whether `make` makes kernels for so many channels on this processor.

    They need Linux on x86-64 with AVX2 or AVX-512. llvmlite, which takes 0.1 s to import, is loaded only there. Where
    it is missing, broken or of another time, or may not make code, and with `MNIST_TUI_KERNELS=0`, there are none.
    """
    if platform.system() != "Linux" or platform.machine() != "x86_64" or os.environ.get("MNIST_TUI_KERNELS") == "0":
        return False
    try:
        if not lanes_for(width, second_width):
            return False
        make()  # needed in any case, and a proof that code can be made
    except (ImportError, OSError, RuntimeError, AttributeError, TypeError):
        return False
    return True


def lanes_for(width: int, second_width: int) -> int:
    """How many channels a vector holds, or 0 where there is no kernel for so many channels."""
    from mnist_tui.engine.kernels.host import host

    here = host()
    most = max(width, second_width)
    narrower = (lanes for lanes in (16, 8, 4) if here is not None and lanes <= here.lanes)
    fitting = (lanes for lanes in narrower if width % lanes == 0 and second_width % lanes == 0)
    return next((lanes for lanes in fitting if most <= _MOST_VECTORS * lanes), 0)


def instructions() -> str:
    """What kernels are written in here: `AVX2`, `AVX-512`, or `none` where there can be none."""
    from mnist_tui.engine.kernels.host import host

    here = host()
    return "none" if here is None else here.instructions
