import os
from typing import NoReturn

import pytest
import torch

from mnist_tui.core.errors import UsageError
from mnist_tui.engine import device as devices
from mnist_tui.engine.device import choose, default_threads, prepare, why_no_cuda

TOO_OLD = (
    "The NVIDIA driver on your system is too old (found version 12080). Please update your GPU driver by downloading "
    "and installing a new version\nfrom the URL: http://www.nvidia.com/"
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a CPU alone, and a torch that knows CUDA but finds none."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.2")
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def two_gpus(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: ((10, 90)[index], 100))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU number {index}")


@pytest.mark.parametrize("wanted", ["cpu", "CPU", "auto"])
def test_the_cpu_is_always_there(bare: None, wanted: str) -> None:
    device = choose(wanted)
    assert (device.torch, device.label, device.name, device.notice) == (torch.device("cpu"), "cpu", "", "")


@pytest.mark.parametrize(
    "wanted", ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cuda:0:1", "cuda:１", "cuda:00000", "[/b]"]
)
def test_an_unknown_device_names_the_known_words(bare: None, wanted: str) -> None:
    with pytest.raises(UsageError, match="is no device: use auto, cpu, cuda, cuda:N or mps"):
        choose(wanted)


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "CUDA:7", "mps"])
def test_an_absent_device_names_what_there_is(bare: None, wanted: str) -> None:
    with pytest.raises(UsageError, match=rf"there is no {wanted.lower()} .*: use cpu$") as caught:
        choose(wanted)
    assert "\n" not in str(caught.value)
    if wanted != "mps":
        assert "no NVIDIA GPU was found" in str(caught.value)


@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_the_gpu_with_most_free_memory_is_taken(two_gpus: None, wanted: str) -> None:
    device = choose(wanted)
    assert (device.torch, device.label, device.name) == (torch.device("cuda:1"), "cuda:1", "GPU number 1")


def test_a_numbered_gpu_is_taken_or_the_count_is_told(two_gpus: None) -> None:
    assert choose("cuda:0").torch == torch.device("cuda:0")
    with pytest.raises(
        UsageError, match=r"no cuda:2 here \(this machine has 2, counted from 0\): use cuda:0, cuda:1, cpu"
    ):
        choose("cuda:2")


def test_apple_gpus_come_before_the_cpu(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose("auto").label == "mps"
    assert choose("mps").torch == torch.device("mps")
    with pytest.raises(UsageError, match="use mps, cpu"):
        choose("cuda")


def fail_init(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    def init() -> NoReturn:
        raise RuntimeError(text)

    monkeypatch.setattr(torch.cuda, "init", init)


def test_a_driver_too_old_is_told_with_both_versions(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_init(monkeypatch, TOO_OLD)
    words = "the NVIDIA driver, which speaks CUDA 12.8, is too old for this torch, built for CUDA 13.2"
    assert why_no_cuda() == words
    with pytest.raises(UsageError, match=r"speaks CUDA 12\.8"):
        choose("cuda:0")


def test_auto_says_why_a_driver_that_is_there_is_not_used(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_init(monkeypatch, TOO_OLD)
    monkeypatch.setattr(os.path, "exists", lambda path: path == "/proc/driver/nvidia/version")
    device = choose("auto")
    assert device.label == "cpu"
    assert device.notice.startswith("training on the CPU: the NVIDIA driver")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Found no NVIDIA driver on your system. Please check", "no NVIDIA driver was found"),
        ("Something else.\nmore", "Something else"),
    ],
)
def test_other_reasons_are_passed_on_in_one_line(
    bare: None, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    fail_init(monkeypatch, text)
    assert why_no_cuda() == words


def test_a_torch_without_cuda_says_so(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    assert why_no_cuda() == f"this torch {torch.__version__} was built without CUDA"


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_gpus_are_told(bare: None, monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert why_no_cuda() == "CUDA_VISIBLE_DEVICES hides every GPU"


@pytest.mark.parametrize(
    ("variable", "threads"), [("3", 3), ("4,2", 4), (" 5", None), ("9" * 9, 1024), ("0", None), ("x", None), ("", None)]
)
def test_threads_are_those_of_openmp_or_the_cores(
    monkeypatch: pytest.MonkeyPatch, variable: str, threads: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert default_threads() == (threads or len(os.sched_getaffinity(0)))


def test_preparing_sets_threads_and_determinism() -> None:
    before = torch.get_num_threads()
    try:
        prepare(2)
        assert torch.get_num_threads() == 2
        assert torch.backends.cudnn.deterministic
        assert not torch.backends.cudnn.benchmark
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(("wanted", "resolved"), [("fp32", "fp32"), ("bf16", "bf16")])
def test_a_precision_that_is_named_is_taken(wanted: str, resolved: str) -> None:
    assert devices.resolve_precision(wanted, devices.choose("cpu")) == resolved


@pytest.mark.parametrize("fast", [True, False])
def test_auto_takes_bfloat16_where_the_processor_has_it(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_fast_bf16", lambda: fast)
    assert devices.resolve_precision("auto", devices.choose("cpu")) == ("bf16" if fast else "fp32")


def test_a_precision_that_this_processor_is_slow_in_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_fast_bf16", lambda: False)
    cpu = devices.choose("cpu")
    assert "--precision fp32" in devices.slowness_of("bf16", cpu)
    assert devices.slowness_of("fp32", cpu) == ""
    monkeypatch.setattr(devices, "has_fast_bf16", lambda: True)
    assert devices.slowness_of("bf16", cpu) == ""


def test_auto_is_float32_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_fast_bf16", lambda: True)
    gpu = devices.Device(torch.device("cuda", 0), "cuda:0", "NVIDIA H100")
    assert devices.resolve_precision("auto", gpu) == "fp32"
    assert devices.resolve_precision("bf16", gpu) == "bf16"
    assert "--precision fp32 has them" in devices.slowness_of("bf16", gpu, own_kernels=True)
    assert devices.slowness_of("bf16", gpu) == devices.slowness_of("fp32", gpu, own_kernels=True) == ""
