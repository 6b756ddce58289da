"""Where there are kernels, and where training does without."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import native, sparse
from mnist_tui.engine.architectures import kernels_for
from mnist_tui.engine.native import instructions
from mnist_tui.engine.sparse import has_kernels
from tests.engine.small import kernels_anew

LINUX = platform.system() == "Linux" and platform.machine() == "x86_64"
pytestmark = pytest.mark.skipif(not LINUX, reason="there are kernels on Linux on x86-64 alone")


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Each test finds out for itself."""
    with kernels_anew():
        yield


def test_a_processor_with_long_vectors_has_them() -> None:
    flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    assert has_kernels(32, 64) == ({"avx2", "fma"} <= flags)
    if has_kernels(32, 64):
        assert instructions() == ("AVX-512" if {"avx512f", "avx512bw", "avx512vl"} <= flags else "AVX2")


def test_they_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_TUI_KERNELS", "0")
    assert not has_kernels(32, 64)
    assert kernels_for(Hyperparameters(), torch.device("cpu")) == "none"


@pytest.mark.parametrize("error", [ImportError, OSError, RuntimeError, AttributeError, TypeError])
@pytest.mark.parametrize("place", [(native, "lanes_for"), (sparse, "_backward_program")], ids=["lanes", "program"])
def test_what_cannot_be_made_here_is_done_without(
    error: type[Exception], place: tuple[ModuleType, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where llvmlite is missing, does not load or is of another time, or code may not be made."""

    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(native, "lanes_for", lambda *_: 8)
    monkeypatch.setattr(*place, fail)
    assert not has_kernels(32, 64)


@pytest.mark.parametrize("width", [1024, 516])
def test_maps_too_wide_for_one_piece_of_code_have_none(width: int) -> None:
    assert not has_kernels(width, 2 * width)


def test_openmp_is_found_in_any_folder() -> None:
    from mnist_tui.engine.kernels.host import openmp_paths

    begin = b"7f00-7f01 r-xp 00000000 fe:00 1234    "
    wanted = [b"/a/libgomp-1.so.1", b"/home/j\xe9 d/My Projects/libgomp.so.1", b"/x/libiomp5.so", b"/x/libomp.so"]
    others = [b"/x/libcomp.so", b"/libgomp.so.1/libm.so.6", b"[stack]", b""]
    assert openmp_paths(begin + path + b"\n" for path in [*reversed(wanted), *others]) == sorted(wanted)
