"""Which device to train on, why another is not there, and the process-wide switches that make the chosen one fast."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import warnings

import attrs
import torch

from mnist_tui.core.errors import UsageError
from mnist_tui.core.launch import Launch
from mnist_tui.core.settings import MOST_THREADS, Precision
from mnist_tui.core.telemetry import available_cores
from mnist_tui.engine.bfloat16 import has_fast_bf16


@attrs.frozen
class Device:
    """A device that can train.

    Attributes:
        torch: what tensors are moved to.
        label: `cpu`, `cuda:0`, `mps`.
        name: the hardware's own name, e.g. `NVIDIA H200`; empty on a CPU.
        notice: one sentence about why a faster device was not taken, or empty.
    """

    torch: torch.device
    label: str
    name: str = ""
    notice: str = ""


def choose(wanted: str) -> Device:
    """The device called `wanted`; `auto` is the CUDA device with most free memory, then mps, then the CPU.

    Raises:
        UsageError: it does not exist here; the sentence says what does, and why CUDA is off.
    """
    match wanted.lower():
        case "auto":
            if _cuda_count():
                return _cuda(_roomiest_cuda())
            return _mps() if _has_mps() else Device(torch.device("cpu"), "cpu", notice=_broken_cuda())
        case "cpu":
            return Device(torch.device("cpu"), "cpu")
        case "mps" if _has_mps():
            return _mps()
        case "mps":
            raise UsageError(f"there is no mps device here (Apple GPUs only): use {_existing()}")
        case "cuda" if _cuda_count():
            return _cuda(_roomiest_cuda())
        case "cuda":
            raise UsageError(f"there is no cuda device here ({why_no_cuda()}): use {_existing()}")
        case name if re.fullmatch(r"cuda:\d{1,4}", name, re.ASCII):
            index, count = int(name.removeprefix("cuda:")), _cuda_count()
            if index < count:
                return _cuda(index)
            reason = why_no_cuda() if count == 0 else f"this machine has {count}, counted from 0"
            raise UsageError(f"there is no {name} here ({reason}): use {_existing()}")
    raise UsageError(f"{wanted!r} is no device: use auto, cpu, cuda, cuda:N or mps")


def choose_for(wanted: str, launch: Launch) -> Device:
    """As `choose`, for one of several processes: each takes the CUDA device of its number on this machine.

    Raises:
        UsageError: it does not exist here, or is not one for several.
    """
    return choose(name_for(wanted, launch, _cuda_count(), _has_mps()))


def name_for(wanted: str, launch: Launch, cuda_count: int, has_mps: bool) -> str:
    """The name of the device that a process of `launch` takes where there are so many CUDA devices.

    Raises:
        UsageError: there are too few, or processes cannot share it.
    """
    word = wanted.lower()
    if word in {"auto", "cuda"} and cuda_count:
        if launch.local_rank >= cuda_count:
            raise UsageError(
                f"torchrun started {launch.local_world_size} processes on a machine with {cuda_count} CUDA device"
                f"{'' if cuda_count == 1 else 's'}: use --nproc-per-node {cuda_count}, or --device cpu"
            )
        return f"cuda:{launch.local_rank}"
    if word.startswith("cuda:"):
        raise UsageError(f"under torchrun each process takes a CUDA device of its own: use --device cuda, not {wanted}")
    if word == "mps":
        raise UsageError("processes cannot train together on mps: use --device cpu")
    return "cpu" if word == "auto" and has_mps else wanted


def _cuda_count() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old driver is told in our own sentence
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _roomiest_cuda() -> int:
    return max(range(_cuda_count()), key=lambda index: torch.cuda.mem_get_info(index)[0])


def _cuda(index: int) -> Device:
    return Device(torch.device("cuda", index), f"cuda:{index}", torch.cuda.get_device_name(index))


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


def _mps() -> Device:
    return Device(torch.device("mps"), "mps", "Apple GPU")


def _existing() -> str:
    names = [f"cuda:{index}" for index in range(_cuda_count())]
    names += ["mps"] if _has_mps() else []
    return ", ".join([*names, "cpu"])


def why_no_cuda() -> str:
    """The reason why torch sees no CUDA device, in a few words."""
    if torch.version.cuda is None:
        return f"this torch {torch.__version__} was built without CUDA"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.cuda.init()  # type: ignore[no-untyped-call]
        except (RuntimeError, AssertionError) as error:
            text = str(error).splitlines()[0]
            if "too old" in text:
                found = re.search(r"found version (\d+)", text)
                has = f", which speaks CUDA {int(found[1]) // 1000}.{int(found[1]) % 1000 // 10}," if found else ""
                return f"the NVIDIA driver{has} is too old for this torch, built for CUDA {torch.version.cuda}"
            if "no NVIDIA driver" in text:
                return "no NVIDIA driver was found"
            return text.rstrip(".")
    if os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        return "CUDA_VISIBLE_DEVICES hides every GPU"
    return "no NVIDIA GPU was found"


def _broken_cuda() -> str:
    """A notice where torch cannot use a driver that is there: nobody should train on a GPU node's CPU unawares."""
    if not os.path.exists("/proc/driver/nvidia/version") and not os.path.exists("/dev/nvidiactl"):
        return ""
    return f"training on the CPU: {why_no_cuda()}"


def default_threads(processes: int = 1) -> int:
    """`OMP_NUM_THREADS` where it is set, else the share of one of `processes` of the cores this process may use.

    Where there are several, torchrun sets the variable to 1 if nobody set it, so a 1 says nothing.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if wanted.isascii() and wanted.isdigit() and int(wanted) > (processes > 1):
        return min(int(wanted), MOST_THREADS)
    return max(1, available_cores() // processes)


def prepare(threads: int) -> None:
    """Set the process-wide switches of a training: threads, determinism and, on glibc, an allocator that keeps memory.

    By default glibc gives every activation buffer back to the kernel and faults it in again at the next batch; kept, a
    batch of 64 takes 0.7-0.8 and one of 512 about 0.55 of the time on two cores.
    """
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if sys.platform == "linux":
        _keep_memory()


M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD = -3, -1, -2


def _keep_memory() -> None:
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # absent on musl
    if mallopt is None:
        return
    mallopt(M_MMAP_THRESHOLD, 1 << 30)
    mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
    mallopt(M_TOP_PAD, 64 << 20)


def resolve_precision(wanted: str, device: Device) -> Precision:
    """What a training on `device` computes in; `auto` is bf16 on a CPU that is faster with it, else fp32.

    There ten seeds lost no accuracy by it (benchmarks/README.md). For GPUs see `slowness_of`.
    """
    if wanted == "auto":
        return "bf16" if device.torch.type == "cpu" and has_fast_bf16() else "fp32"
    return "bf16" if wanted == "bf16" else "fp32"


def slowness_of(precision: Precision, device: Device, *, own_kernels: bool = False) -> str:
    """A notice where `precision` is slower on `device` than the other one, or empty.

    On an H200 a batch of 64 of the classic network takes 336 us in bfloat16, and 74 with the kernels that there are for
    float32 (`own_kernels`); without them 469.
    """
    if precision == "bf16" and own_kernels:
        return "bfloat16 is slower here: the kernels for this network are float32's, --precision fp32 has them"
    if precision == "bf16" and device.torch.type == "cpu" and not has_fast_bf16():
        return "this CPU gains nothing by bfloat16: --precision fp32 is faster or as fast, and exact"
    return ""
