"""CUDA C++ to machine code by the compiler that comes with torch; what was compiled is kept in the cache folder."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch

from mnist_tui.core.files import write_atomically

SOURCES = Path(__file__).parent
_MORE = {"classic": ("forward", "backward")}


class CannotCompile(Exception):
    """There is no compiler here, or it refuses; the text says why, in words for a sentence."""


def source_of(name: str) -> bytes:
    """A source beside this file, and those that follow it in the same program."""
    return b"\n".join((SOURCES / f"{part}.cu").read_bytes() for part in (name, *_MORE.get(name, ())))


def compiled(name: str, macros: Mapping[str, int], architecture: str, folder: Path | None = None) -> bytes:
    """The machine code of a source beside this file: 2 s the first time, then read from the cache folder.

    Args:
        name: of the source, without `.cu`.
        macros: what it is compiled with.
        architecture: e.g. `sm_90`.
        folder: where compiled code is kept; default: the user's cache folder.

    Raises:
        CannotCompile: it cannot be done here.
    """
    source = source_of(name)
    options = [f"--gpu-architecture={architecture}", *(f"-D{macro}={value}" for macro, value in macros.items())]
    compiler = _Compiler()
    made_of = b"\0".join([source, *(option.encode() for option in options), compiler.version.encode()])
    kept = (folder or cache_folder()) / f"{name}-{hashlib.sha256(made_of).hexdigest()[:32]}.cubin"
    with contextlib.suppress(OSError):
        content = kept.read_bytes()
        if content[-32:] == hashlib.sha256(content[:-32]).digest():
            return content[:-32]
    code = compiler.compile(source, f"{name}.cu", options)
    _keep(kept, code + hashlib.sha256(code).digest())
    return code


def cache_folder() -> Path:
    """Where compiled code is kept."""
    import platformdirs

    return platformdirs.user_cache_path("mnist-tui", appauthor=False) / "cuda"


def _keep(path: Path, content: bytes) -> None:
    """Where that cannot be done, it is compiled again next time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)


class _Compiler:
    """NVRTC, of the version that torch was built with and has loaded (docs.nvidia.com/cuda/nvrtc)."""

    def __init__(self) -> None:
        self._library = _library()
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._check(self._library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
        self.version = f"{major.value}.{minor.value}"

    def compile(self, source: bytes, name: str, options: list[str]) -> bytes:
        """The code.

        Raises:
            CannotCompile: the source or an option is wrong for this compiler.
        """
        library, program = self._library, ctypes.c_void_p()
        self._check(library.nvrtcCreateProgram(ctypes.byref(program), source, name.encode(), 0, None, None))
        try:
            words = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
            if library.nvrtcCompileProgram(program, len(options), words):
                raise CannotCompile(f"its compiler says {self._log(program)!r}")
            size = ctypes.c_size_t()
            self._check(library.nvrtcGetCUBINSize(program, ctypes.byref(size)))
            code = ctypes.create_string_buffer(size.value)
            self._check(library.nvrtcGetCUBIN(program, code))
            return code.raw
        finally:
            library.nvrtcDestroyProgram(ctypes.byref(program))

    def _log(self, program: ctypes.c_void_p) -> str:
        size = ctypes.c_size_t()
        self._check(self._library.nvrtcGetProgramLogSize(program, ctypes.byref(size)))
        log = ctypes.create_string_buffer(size.value)
        self._check(self._library.nvrtcGetProgramLog(program, log))
        lines = log.value.decode(errors="replace").splitlines()
        return next((line for line in lines if "error" in line), lines[0] if lines else "nothing")

    def _check(self, result: int) -> None:
        if result:
            self._library.nvrtcGetErrorString.restype = ctypes.c_char_p
            raise CannotCompile(f"its compiler says {self._library.nvrtcGetErrorString(result).decode()}")


@cache
def _library() -> ctypes.CDLL:
    major = (torch.version.cuda or "0").split(".")[0]
    try:
        return ctypes.CDLL(f"libnvrtc.so.{major}")
    except OSError as error:
        raise CannotCompile(f"there is no CUDA compiler: {error}") from None
