"""Compiled kernels on a device, launched on torch's current stream, also into a CUDA graph that is being captured."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from mnist_tui.engine.cuda.compiler import CannotCompile, compiled

Argument: TypeAlias = Tensor | int | float | ctypes.Structure | None
"""What a kernel takes: a tensor's address, an int32, a float32, a struct by value, or no address."""


class Program(Protocol):
    """Kernels by their names."""

    def launch(self, kernel: str, grid: tuple[int, int, int], threads: int, *arguments: Argument) -> None:
        """Do one, without waiting for it. The arguments' dtypes and sizes are the caller's care.

        Raises:
            RuntimeError: the driver refuses.
        """

    def beside(self) -> AbstractContextManager[None]:
        """What is launched inside comes after all before it, but what follows does not wait for it until `join`."""

    def join(self) -> None:
        """What follows comes after what was launched beside."""


class CudaProgram:
    """The kernels of a source, compiled for `device`.

    Raises:
        CannotCompile: they cannot be compiled or loaded here.
    """

    def __init__(self, name: str, macros: Mapping[str, int], device: torch.device) -> None:
        major, minor = torch.cuda.get_device_capability(device)
        code = compiled(name, macros, f"sm_{major}{minor}")
        index = torch.cuda.current_device() if device.index is None else device.index
        self._device = torch.device("cuda", index)
        self._driver = _driver()
        self._module = ctypes.c_void_p()
        self._kernels: dict[str, ctypes.c_void_p] = {}
        self._side: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        torch.zeros(1, device=device)  # torch's context of the device, which the module belongs to, is there
        with torch.cuda.device(device):
            if self._driver.cuModuleLoadData(ctypes.byref(self._module), code):
                raise CannotCompile(f"the driver does not take code for sm_{major}{minor}")

    def launch(self, kernel: str, grid: tuple[int, int, int], threads: int, *arguments: Argument) -> None:
        """As `Program.launch` has it."""
        if torch.cuda.current_device() != self._device.index:  # the driver's default stream is the current device's
            with torch.cuda.device(self._device):
                return self.launch(kernel, grid, threads, *arguments)
        values = pack(arguments)
        addresses = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        stream = ctypes.c_void_p(torch.cuda.current_stream(self._device).cuda_stream)
        function = self._kernels.get(kernel) or self._find(kernel)
        result = self._driver.cuLaunchKernel(function, *grid, threads, 1, 1, 0, stream, addresses, None)
        if result:
            raise RuntimeError(f"CUDA error: {_words(self._driver, result)} (at the launch of {kernel})")
        return None

    @contextmanager
    def beside(self) -> Iterator[None]:
        """As `Program.beside` has it: on another stream, also into a graph."""
        self._side.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._side):
            yield

    def join(self) -> None:
        """As `Program.join` has it."""
        torch.cuda.current_stream(self._device).wait_stream(self._side)

    def _find(self, kernel: str) -> ctypes.c_void_p:
        function = ctypes.c_void_p()
        if self._driver.cuModuleGetFunction(ctypes.byref(function), self._module, kernel.encode()):
            raise RuntimeError(f"CUDA error: there is no kernel {kernel!r}")
        self._kernels[kernel] = function
        return function


def pack(arguments: tuple[Argument, ...]) -> list[Any]:
    """The arguments as C has them."""
    values: list[Any] = []
    for argument in arguments:
        match argument:
            case Tensor():
                values.append(ctypes.c_void_p(argument.data_ptr()))
            case None:
                values.append(ctypes.c_void_p())
            case int():
                values.append(ctypes.c_int32(argument))
            case float():
                values.append(ctypes.c_float(argument))
            case _:
                values.append(argument)
    return values


@cache
def _driver() -> ctypes.CDLL:
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise CannotCompile(f"there is no CUDA driver: {error}") from None


def _words(driver: ctypes.CDLL, result: int) -> str:
    text = ctypes.c_char_p()
    driver.cuGetErrorString(result, ctypes.byref(text))
    return (text.value or b"unknown").decode(errors="replace")


def program_or_none(
    name: str, macros: tuple[tuple[str, int], ...], device: torch.device, least: tuple[int, int] = (0, 0)
) -> Program | None:
    """As `CudaProgram`; None where it cannot be had, or with `MNIST_TUI_KERNELS=0`: torch's own kernels do as well.

    Args:
        name: of the source.
        macros: what it is compiled with.
        device: any; there are kernels for CUDA alone.
        least: the compute capability that they need.
    """
    return None if _turned_off() else _attempt(name, macros, device, least)[0]


def why_none(
    name: str, macros: tuple[tuple[str, int], ...], device: torch.device, least: tuple[int, int] = (0, 0)
) -> str:
    """Why `program_or_none` gives none for the same arguments, in a few words; empty where it gives one."""
    return "MNIST_TUI_KERNELS=0 turns them off" if _turned_off() else _attempt(name, macros, device, least)[1]


def _turned_off() -> bool:
    return os.environ.get("MNIST_TUI_KERNELS") == "0"


@cache
def _attempt(
    name: str, macros: tuple[tuple[str, int], ...], device: torch.device, least: tuple[int, int]
) -> tuple[Program | None, str]:
    if device.type != "cuda" or not torch.cuda.is_available():
        return None, "only NVIDIA GPUs have them"
    if torch.cuda.get_device_capability(device) < least:
        return None, f"they need compute capability {least[0]}.{least[1]}"
    try:
        return CudaProgram(name, dict(macros), device), ""
    except CannotCompile as error:
        return None, str(error)
