"""The processor of this process: what it can do, kernels made for it, and the threads that run them."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import attrs
import torch
from llvmlite import binding, ir
from torch import Tensor


@attrs.frozen
class Host:
    """What kernels are written for.

    Attributes:
        lanes: float32 in a vector register.
        registers: how many there are.
    """

    lanes: int
    registers: int

    @property
    def instructions(self) -> str:
        """What people call them."""
        return "AVX-512" if self.registers >= 32 else "AVX2"


@cache
def host() -> Host | None:
    """This processor, or None where it has no long vectors, or where torch's threads cannot be had.

    Raises:
        OSError: memory may not be written and then run here, as SELinux and systemd can have it.
    """
    if _start_threads() is None:
        return None
    binding.check_jit_execution()
    has = binding.get_host_cpu_features()
    if all(has.get(name) for name in ("avx512f", "avx512bw", "avx512vl")):
        return Host(lanes=16, registers=32)
    if has.get("avx2") and has.get("fma"):
        return Host(lanes=8, registers=16)
    return None


def block(width: int, lanes: int) -> int:
    """How many vectors of channels are done at a time: nine of their weights or sums each stay in registers."""
    here = host()
    return 2 if here is not None and here.registers >= 32 and width % (2 * lanes) == 0 else 1


class Program:
    """Kernels in machine code, by name.

    Args:
        module: what holds them; see `weaving.Kernel`.
    """

    def __init__(self, module: ir.Module) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        # LLVM prefers vectors of 256 bits on processors that once clocked down for longer ones.
        features = f"{binding.get_host_cpu_features().flatten()},-prefer-256-bit"
        machine = binding.Target.from_default_triple().create_target_machine(
            cpu=binding.get_host_cpu_name(), features=features, opt=3, jit=True
        )
        parsed = binding.parse_assembly(str(module))
        parsed.verify()
        # All that code needs which is written as it should run: variables into registers, and constants folded. The
        # usual hundred passes take ten times as long and gain nothing.
        passes = binding.create_new_module_pass_manager()
        passes.add_sroa_pass()
        passes.add_instruction_combine_pass()
        passes.run(parsed, binding.create_pass_builder(machine, binding.create_pipeline_tuning_options()))
        self._engine = binding.create_mcjit_compiler(parsed, machine)  # frees the code when it is collected
        self._engine.finalize_object()
        names = [function.name for function in parsed.functions if not function.is_declaration]
        self._addresses = {name: self._engine.get_function_address(name) for name in names}

    def run(self, name: str, tasks: int, *arguments: int | Tensor) -> None:
        """Do all tasks of a kernel, in torch's number of threads."""
        told = [each if isinstance(each, int) else each.data_ptr() for each in arguments]
        words = (ctypes.c_int64 * (2 + len(told)))(0, tasks, *told)
        address = self._addresses[name]
        threads = min(torch.get_num_threads(), tasks)
        if threads > 1:
            start = _start_threads()
            assert start is not None
            start(address, words, threads, 0)
        else:
            _FUNCTION(address)(words)


_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_OPENMP = re.compile(rb"/lib(?:g|i|)omp[^/]*\.so[.\d]*$")


def openmp_paths(maps: Iterable[bytes]) -> list[bytes]:
    """The files of OpenMP's libraries among the lines of `/proc/self/maps`; folders may have any name."""
    rows = (line.rstrip(b"\n").split(maxsplit=5) for line in maps)
    return sorted({row[5] for row in rows if len(row) == 6 and _OPENMP.search(row[5])})


@cache
def _start_threads() -> Callable[[int, Any, int, int], None] | None:
    """`GOMP_parallel(function, data, threads, flags)` of the OpenMP that torch has loaded, whose threads are there.

    Threads of our own would have to share the cores with torch's, which spin for a while after they have worked. The
    OpenMP of LLVM and Intel has that function too.
    """
    with open("/proc/self/maps", "rb") as told:
        paths = openmp_paths(told)
    for path in paths:
        function = getattr(ctypes.CDLL(os.fsdecode(path)), "GOMP_parallel", None)
        if function is not None:
            function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint]
            function.restype = None
            started: Callable[[int, Any, int, int], None] = function
            return started
    return None
