"""Work that is recorded once and replayed as one launch, and results that come down without anybody waiting.

`torch.cuda.CUDAGraph` as its documentation wants it ("CUDA semantics", section "CUDA Graphs"): a warm-up on a side
stream, the capture on that same stream, replays on the current one. What is recorded here trains, so the warm-up is no
dry run: its batches are real ones, which is why nothing has to be put back.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from mnist_tui.core.errors import is_out_of_memory

SWITCH = "MNIST_TUI_GRAPHS"


class CannotRecord(Exception):
    """The work cannot be recorded; the text says why, in words for a sentence."""


class Recording(Protocol):
    """Work that can be done again."""

    def replay(self) -> None:
        """Do it again, with what its tensors hold by now; nothing is waited for."""

    def release(self) -> None:
        """Give its memory back; it is not replayed any more."""


class Recorder(Protocol):
    """What makes recordings."""

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do `work`, so that everything that is set up at a first time is there before it is recorded."""

    def record(self, work: Callable[[], None]) -> Recording:
        """Take down what `work` launches, without doing it.

        Raises:
            CannotRecord: it waits for the device somewhere, or the driver refuses.
            torch.OutOfMemoryError: the device's memory is full.
        """


class CudaRecording:
    """A captured graph on `device`."""

    def __init__(self, graph: torch.cuda.CUDAGraph, device: torch.device) -> None:
        self._graph = graph
        self._device = device
        self.replay: Callable[[], None] = graph.replay

    def release(self) -> None:
        """Wait for the replays under way, then free the graph and its pool."""
        torch.cuda.current_stream(self._device).synchronize()
        self._graph.reset()


class CudaRecorder:
    """Captures on a side stream of `device`.

    Only the capturing thread is forbidden what a capture cannot bear (`thread_local`): other threads of this program
    may use the device at the same time. A collection of garbage could free another graph in the middle, and is put off.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._side: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def warm_up(self, work: Callable[[], None]) -> None:
        """Do `work` on the side stream, in order with what is before and after it."""
        current = torch.cuda.current_stream(self._device)
        self._side.wait_stream(current)
        with torch.cuda.stream(self._side):
            work()
        current.wait_stream(self._side)

    def record(self, work: Callable[[], None]) -> CudaRecording:
        """Capture `work`.

        Raises:
            CannotRecord: the capture failed; nothing of `work` was done.
            torch.OutOfMemoryError: the device's memory is full.
        """
        graph = torch.cuda.CUDAGraph()
        failure: BaseException | None = None

        def attempt() -> None:
            nonlocal failure
            try:
                work()
            except BaseException as error:  # what ends a broken capture complains in its own words, over these
                failure = error
                raise

        collecting = gc.isenabled()
        gc.disable()
        try:
            with (
                torch.cuda.device(self._device),
                torch.cuda.stream(torch.cuda.current_stream(self._device)),  # a capture that breaks leaves its own set
                torch.cuda.graph(graph, stream=self._side, capture_error_mode="thread_local"),
            ):
                attempt()
        except (RuntimeError, MemoryError) as error:
            cause = failure or error
            if is_out_of_memory(cause) or not isinstance(cause, RuntimeError):
                raise cause from None
            raise CannotRecord(" ".join(str(cause).splitlines()[0].split())[:160]) from cause
        finally:
            if collecting:
                gc.enable()
        return CudaRecording(graph, self._device)


def make_recorder(device: torch.device) -> tuple[Recorder | None, str]:
    """What records on the CUDA device `device`; or None, and why not."""
    if os.environ.get(SWITCH) == "0":
        return None, f"{SWITCH}=0 turns it off"
    return CudaRecorder(device), ""


def why_no_graphs(device: torch.device) -> str:
    """Why a batch is not replayed as one graph on `device`, or nothing: a small capture is tried."""
    if device.type != "cuda":
        return "only CUDA devices have them"
    recorder, reason = make_recorder(device)
    if recorder is None:
        return reason
    number = torch.zeros((), device=device)

    def add() -> None:
        number.add_(1)

    try:
        recorder.warm_up(add)
        recording = recorder.record(add)
        recording.replay()
        recording.release()
    except (CannotRecord, RuntimeError) as error:
        return str(error)
    return "" if float(number) == 2 else "a replay does not do what was recorded"


class Landing:
    """A tensor on its way to the host, through pinned memory where it comes from a CUDA device."""

    def __init__(self, tensor: Tensor) -> None:
        self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
        self._host.copy_(tensor, non_blocking=True)
        self._arrived: torch.cuda.Event | None = None
        if tensor.is_cuda:
            self._arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._arrived.record(torch.cuda.current_stream(tensor.device))

    def read(self) -> list[float]:
        """The numbers, once they are here; for them alone, nothing that was launched since is waited for."""
        if self._arrived is not None:
            self._arrived.synchronize()
        values: list[float] = self._host.tolist()
        return values


def send(tensor: Tensor, to: Tensor) -> None:
    """Copy `tensor` of the host into `to`; on a CUDA device without waiting for it."""
    if to.is_cuda:
        tensor = tensor.pin_memory()  # torch keeps the memory from being used again before the copy is done
    to.copy_(tensor, non_blocking=True)
