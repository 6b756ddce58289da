"""The kernels for GPUs, their source run on the CPU, against torch."""

import ctypes
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.core.errors import is_out_of_memory
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import cuda
from mnist_tui.engine.architectures import kernels_for, loss_kernels
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.buffers import Buffers
from mnist_tui.engine.cuda import adam, compiler, program
from mnist_tui.engine.cuda.classic import ClassicKernels, fits, macros_for
from mnist_tui.engine.cuda.compiler import CannotCompile, compiled
from mnist_tui.engine.deep import DeepCNN
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from tests.datafiles import cut
from tests.engine.emulation import HAS_COMPILER, Emulated
from tests.engine.small import CPU, network

emulated = pytest.mark.skipif(not HAS_COMPILER, reason="there is no g++ here, which runs the kernels on the CPU")


Emulate = Callable[..., Emulated]


@pytest.fixture(scope="module")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Emulate:
    """A program by its source and macros, compiled once a process."""
    folder = tmp_path_factory.mktemp("kernels")
    return cache(lambda name, **macros: Emulated(name, macros, folder))


def made(emulate: Emulate, architecture: Architecture, dropout: float = 0.0) -> tuple[CNN, ClassicKernels]:
    model = network(architecture).to(memory_format=torch.channels_last)
    model.dropout = dropout
    return model, ClassicKernels(model, emulate("classic", **dict(macros_for(architecture))))


def by_torch(model: CNN, images: Tensor, mask: Tensor | None) -> Tensor:
    """Logits, operator by operator."""
    maps = images
    for conv in (model.conv1, model.conv2):
        maps = F.relu(F.max_pool2d(conv(maps), 2))
    hidden = F.relu(model.fc1(maps.flatten(1)))
    logits: Tensor = model.fc2(hidden if mask is None else hidden * mask)
    return logits


def digits(count: int) -> tuple[Tensor, Tensor]:
    return Batches(cut(count), CPU).slice(0, count)


@emulated
@pytest.mark.parametrize(
    ("sizes", "count", "smoothing", "dropout"),
    [
        ((8, 16, 70), 3, 0.0, 0.0),
        ((8, 16, 70), 66, 0.2, 0.5),
        ((48, 96, 20), 1, 0.1, 0.0),
        pytest.param((32, 64, 128), 70, 0.1, 0.2, marks=pytest.mark.long),
    ],
)
def test_loss_and_gradients_are_torchs(
    emulate: Emulate, sizes: tuple[int, int, int], count: int, smoothing: float, dropout: float
) -> None:
    model, kernels = made(emulate, Architecture(*sizes), dropout)
    images, labels = digits(count)
    for weight in model.parameters():  # some images' hidden units are all silent at first, and biases are near zero
        weight.data.mul_(2)
    torch.manual_seed(3)
    loss, logits, hits = kernels(images, labels, smoothing)
    (loss * 2).backward()  # type: ignore[no-untyped-call]
    gradients = [weight.grad for weight in model.parameters()]
    model.zero_grad()
    torch.manual_seed(3)
    mask = F.dropout(images.new_ones(count, sizes[2]), dropout) if dropout else None
    wanted = by_torch(model, images, mask)
    cross_entropy = F.cross_entropy(wanted, labels, label_smoothing=smoothing)
    (cross_entropy * 2).backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(loss, cross_entropy)
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-5)
    assert int(hits) == int((wanted.argmax(1) == labels).sum())
    for (name, weight), gradient in zip(model.named_parameters(), gradients, strict=True):
        assert gradient is not None
        assert weight.grad is not None
        assert gradient.stride() == weight.stride(), name
        error = (gradient - weight.grad).norm() / weight.grad.norm()
        assert float(error) < 1e-5, name


@emulated
def test_the_counter_is_ready_for_the_next_batch(emulate: Emulate) -> None:
    _, kernels = made(emulate, Architecture(8, 16, 70))
    for count in (5, 2, 5):
        images, labels = digits(count)
        first, second = kernels(images, labels, 0.0), kernels(images, labels, 0.0)
        assert torch.equal(first[0], second[0])
        assert int(kernels._through) == 0


@emulated
def test_a_loss_that_is_no_number_is_told(emulate: Emulate) -> None:
    model, kernels = made(emulate, Architecture(8, 16, 70))
    model.conv1.weight.data.fill_(float("nan"))
    loss, _, _ = kernels(*digits(2), 0.0)
    assert not torch.isfinite(loss)


@emulated
@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_a_step_is_torchs(emulate: Emulate, kind: Any) -> None:
    shapes = [(3,), (1025, 3), (8, 4, 3, 3)]
    torch.manual_seed(0)
    ours = [torch.randn(shape) for shape in shapes]
    ours[2] = ours[2].to(memory_format=torch.channels_last)
    theirs = [weight.clone() for weight in ours]
    made = kind(theirs, 0.01, (0.8, 0.99), weight_decay=0.1)
    kernel = emulate("adam", **dict(adam.MACROS))
    states = [
        {"step": torch.zeros(()), "exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
        for weight in ours
    ]
    for number in range(4):
        gradients = [torch.randn(shape) for shape in shapes]  # the last is not in its weight's order of memory
        rate = 0.01 * (number + 1)
        for weight, gradient in zip(theirs, gradients, strict=True):
            weight.grad = gradient.clone()
        made.param_groups[0]["lr"] = rate
        made.step()
        group = made.param_groups[0]
        adam.step(kernel, group, ours, gradients, states, torch.tensor(rate), decoupled=kind is torch.optim.AdamW)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    for state, weight in zip(states, theirs, strict=True):
        torch.testing.assert_close(state, made.state[weight], rtol=1e-5, atol=1e-6)


@emulated
@pytest.mark.parametrize("count", [7, 3])
def test_a_batch_is_taken_and_noted_as_torch_does(emulate: Emulate, count: int) -> None:
    train = Batches(cut(60), CPU)
    hyperparameters = Hyperparameters()

    def told(kernels: program.Program | None) -> list[Tensor]:
        buffers = Buffers(5, 7, False, torch.zeros(()))
        buffers._kernels = kernels
        buffers.fill(hyperparameters, torch.randperm(60)[: 5 * count].view(5, count), [0.1, 0.2, 0.3, 0.4, 0.5], 0)
        seen: list[Tensor] = []
        for number in range(4):
            images, labels = buffers.take(train, count)
            buffers.note(torch.tensor(float(number)), torch.tensor(number))
            seen += [images, labels, buffers.rate.clone()]
        return [*seen, buffers.losses, buffers.correct, buffers.slot]

    torch.manual_seed(0)
    ours = told(emulate("batch"))
    torch.manual_seed(0)
    for mine, wanted in zip(ours, told(None), strict=True):
        assert torch.equal(mine, wanted)


@pytest.mark.parametrize(
    ("architecture", "there"),
    [
        (Architecture(), True),
        (Architecture(8, 16, 1), True),
        (Architecture(12, 24, 128), False),
        (Architecture(256, 512, 128), False),
        (Architecture(kind="deep"), False),
    ],
)
def test_there_are_kernels_for_the_classic_network_alone(architecture: Architecture, there: bool) -> None:
    assert fits(architecture) == there


@emulated
def test_a_class_that_is_out_of_the_question_leaves_the_loss_a_number(emulate: Emulate) -> None:
    model, kernels = made(emulate, Architecture(8, 16, 70))
    images, labels = digits(3)
    model.fc2.bias.data[(int(labels[0]) + 1) % 10] = -math.inf
    loss, logits, _ = kernels(images[:1], labels[:1], 0.0)
    assert torch.isneginf(logits).any()
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels[:1]))


@emulated
def test_a_gradient_whose_square_is_too_large_moves_nothing_far(emulate: Emulate) -> None:
    weight = torch.ones(3)
    moments = {"exp_avg": torch.zeros(3), "exp_avg_sq": torch.zeros(3)}
    state = {"step": torch.zeros(()), **moments}
    group = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    kernel, rate = emulate("adam", **dict(adam.MACROS)), torch.tensor(0.1)
    adam.step(kernel, group, [weight], [torch.tensor([1e20, 1.0, -1e18])], [state], rate, decoupled=False)
    assert torch.isfinite(weight).all()


def test_there_are_none_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loss_kernels(network(Architecture())) is None
    assert adam.adam_program(list(network().parameters())) is None
    assert program.program_or_none("batch", (), CPU) is None
    monkeypatch.setenv("MNIST_TUI_KERNELS", "0")
    assert kernels_for(Hyperparameters(), torch.device("cuda", 0)) == "none"


class Driver:
    """In place of `libcuda`: knows which device was current at each launch, and answers as it is told to."""

    def __init__(self, answer: int = 0) -> None:
        self.answer = answer
        self.launched: list[int] = []

    def cuModuleGetFunction(self, function: object, module: object, kernel: bytes) -> int:
        return 0

    def cuLaunchKernel(self, *words: object) -> int:
        self.launched.append(torch.cuda.current_device())
        return self.answer

    def cuGetErrorString(self, result: int, text: Any) -> int:
        text._obj.value = {2: b"out of memory", 700: b"an illegal memory access was encountered"}[result]
        return 0


def program_on(driver: Driver, index: int, monkeypatch: pytest.MonkeyPatch) -> program.CudaProgram:
    """A program of device `index` of two, of which 0 is current."""
    current = [0]

    @contextmanager
    def device(wanted: torch.device) -> Iterator[None]:
        before, current[0] = current[0], wanted.index
        yield
        current[0] = before

    class Stream:
        cuda_stream = 0

    monkeypatch.setattr(torch.cuda, "current_device", lambda: current[0])
    monkeypatch.setattr(torch.cuda, "device", device)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: Stream())
    here = program.CudaProgram.__new__(program.CudaProgram)
    here._device, here._driver = torch.device("cuda", index), driver  # type: ignore[assignment]
    here._module, here._kernels = ctypes.c_void_p(), {}
    return here


@pytest.mark.parametrize("index", [0, 1])
def test_a_launch_finds_its_own_device_current(monkeypatch: pytest.MonkeyPatch, index: int) -> None:
    driver = Driver()
    program_on(driver, index, monkeypatch).launch("first", (1, 1, 1), 32, torch.zeros(1), 1, 2.0, None)
    assert driver.launched == [index]
    assert torch.cuda.current_device() == 0


@pytest.mark.parametrize(("answer", "full"), [(2, True), (700, False)])
def test_a_launch_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch, answer: int, full: bool) -> None:
    with pytest.raises(RuntimeError, match=r"\(at the launch of first\)") as refused:
        program_on(Driver(answer), 0, monkeypatch).launch("first", (1, 1, 1), 32)
    assert is_out_of_memory(refused.value) == full


def test_a_deep_network_is_not_taken_for_a_classic_one() -> None:
    assert loss_kernels(DeepCNN(Architecture(8, 16, 10, "deep"))) is None


# --- the compiler that comes with torch


def needs_nvrtc() -> None:
    try:
        compiler._Compiler()
    except CannotCompile as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("name", "macros"),
    [("classic", dict(macros_for(Architecture()))), ("adam", dict(adam.MACROS)), ("batch", {})],
)
def test_every_source_can_be_compiled(tmp_path: Path, name: str, macros: dict[str, int]) -> None:
    needs_nvrtc()
    assert compiled(name, macros, "sm_90", tmp_path).startswith(b"\x7fELF")


def test_what_was_compiled_is_kept_and_what_is_damaged_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_nvrtc()
    code = compiled("batch", {}, "sm_90", tmp_path)
    (kept,) = tmp_path.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(compiler._Compiler, "compile", lambda *_: pytest.fail("it was compiled again"))
        assert compiled("batch", {}, "sm_90", tmp_path) == code
    for damaged in (b"", kept.read_bytes()[:-1], bytes(100)):
        kept.write_bytes(damaged)
        assert compiled("batch", {}, "sm_90", tmp_path) == code
    assert list(tmp_path.iterdir()) == [kept]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    needs_nvrtc()
    (tmp_path / "file").write_bytes(b"")
    assert compiled("batch", {}, "sm_90", tmp_path / "file")


def test_what_the_compiler_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_nvrtc()
    with pytest.raises(CannotCompile, match="gpu-architecture"):
        compiled("batch", {}, "sm_1", tmp_path)
    monkeypatch.setattr(compiler, "SOURCES", tmp_path)
    (tmp_path / "wrong.cu").write_text("__device__ int f() { return none; }")
    with pytest.raises(CannotCompile, match=r'identifier .*"none.* is undefined'):
        compiled("wrong", {}, "sm_90", tmp_path)


def test_kernels_are_part_of_the_package() -> None:
    assert {path.stem for path in Path(cuda.__file__).parent.glob("*.cu")} == {
        "adam",
        "backward",
        "batch",
        "classic",
        "forward",
    }
