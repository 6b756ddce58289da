"""Downloading Fashion-MNIST, KMNIST and QMNIST with torchvision, with time-outs and without its progress bar.

torchvision knows the addresses, the checksums and the layout, but fetches each file with a call that has no
time-out and draws on the terminal. For the duration of a download its two network functions are replaced:
the files come through `_Transfer`, whose network calls run in a thread of their own, so that neither a name
server nor a mirror that never answers can hold the caller, and one can cancel at any time.
"""

import contextlib
import http.client
import os
import queue
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mnist_tui.core.dataset import dataset_info, find, how_to_copy, places, shown
from mnist_tui.core.errors import DatasetError
from mnist_tui.core.first_import import first_import_of

IDLE_SECONDS = 10.0
"""A download that has brought no byte for so long has failed."""

_CHUNK = 1 << 15
_POLL_SECONDS = 0.05
_QUEUED_CHUNKS = 64
_HOOKS = threading.Lock()

Progress = Callable[[str, int, int], None]
"""Called with the file's name, its bytes so far, and its size (0 where the server does not tell)."""


class _Failed(Exception):
    """The download has ended, for the reason given; torchvision tries nothing else after this error."""


class _CallerFailed(Exception):
    """`progress` or `cancelled` raised the error that caused this one."""


def download(name: str, directory: Path, progress: Progress, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Download a data set, so that `find(name, directory)` has it; returns at once where it does already.

    The files appear in `directory` (made if need be) only when all four are whole and have the published
    checksums. Both callables are called in the caller's thread.

    Args:
        name: `fashion`, `kmnist` or `qmnist`.
        directory: where to; the files go to `directory/FashionMNIST/raw` and the like, uncompressed.
        progress: told of every chunk.
        cancelled: asked about 20 times a second; True ends the download.

    Raises:
        UsageError: there is no such data set.
        DatasetError: it could not be downloaded, was cancelled, or is MNIST, which is bundled.
    """
    info = dataset_info(name)
    if name == "mnist":
        raise DatasetError("MNIST is bundled with mnist-tui and never downloaded; use it without a download.")
    with contextlib.suppress(DatasetError):
        find(name, directory)
        return
    directory = places(name, directory)[0]
    try:
        _download(name, info.folder, directory, progress, cancelled)
    except _Failed as failure:
        searched = places(name)
        before = shown(searched if directory in searched else (directory,))
        raise DatasetError(
            f"{info.folder} is not in {before} and could not be downloaded ({failure}): {how_to_copy(name, directory)}"
        ) from failure


def _download(name: str, folder: str, directory: Path, progress: Progress, cancelled: Callable[[], bool]) -> None:
    try:
        with first_import_of("torch"):
            import torchvision
            import torchvision.datasets.utils as utils
    except Exception as error:  # a torchvision that does not fit its torch fails in many ways
        raise _Failed(f"torchvision cannot be imported: {_cause(error)}") from error
    try:
        directory.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder}-", suffix=".tmp", dir=directory))
    except OSError as error:
        raise _Failed(f"{directory} cannot be written to: {_cause(error)}") from error
    transfer = _Transfer(progress, cancelled)
    try:
        with _hooked(utils, transfer, str(torchvision.__version__)):
            make = getattr(torchvision.datasets, folder)
            for options in ({"what": "train"}, {"what": "test10k"}) if name == "qmnist" else ({},):
                make(root=staging, download=True, **options)
        _move(name, staging, directory / folder / "raw")
    except _Failed:
        raise
    except _CallerFailed as error:
        raise error.__cause__ or error from None
    except (RuntimeError, urllib.error.URLError) as error:  # what torchvision raises after the last mirror
        raise _Failed(transfer.cause or _cause(error)) from error
    except Exception as error:  # a full disk while inflating, a changed torchvision
        raise _Failed(_cause(error)) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move(name: str, staging: Path, target: Path) -> None:
    """Put the four whole files where `find` looks; the compressed ones are left behind."""
    source = find(name, staging)
    target.mkdir(parents=True, exist_ok=True)
    for file in (source.train_images, source.train_labels, source.test_images, source.test_labels):
        os.replace(file, target / file.name)


@contextlib.contextmanager
def _hooked(utils: Any, transfer: "_Transfer", version: str) -> Iterator[None]:
    """Let torchvision fetch files through `transfer`, in one thread at a time."""
    with _HOOKS:
        hooks = {"_urlretrieve": transfer.fetch, "_get_redirect_url": lambda url, max_hops=3: url}
        before: dict[str, Any] = {hook: getattr(utils, hook, None) for hook in hooks}
        lacking = [hook for hook, function in before.items() if function is None]
        if lacking:
            raise _Failed(f"torchvision {version} has no datasets.utils.{lacking[0]}, which mnist-tui needs to replace")
        try:
            for hook, function in hooks.items():
                setattr(utils, hook, function)
            yield
        finally:
            for hook, function in before.items():
                setattr(utils, hook, function)


class _Transfer:
    """The files of one data set on their way; stands in for torchvision's `_urlretrieve`.

    Attributes:
        cause: what is wrong with the latest file, if torchvision says that it failed.
    """

    def __init__(self, progress: Progress, cancelled: Callable[[], bool]) -> None:
        self.cause = ""
        self._progress = progress
        self._cancelled = cancelled
        self._name = ""
        self._latest = time.monotonic()
        self._any_byte = False

    def fetch(self, url: str, filename: str | Path, chunk_size: int = _CHUNK) -> None:
        """Write what is at the address to the file.

        Args:
            url: the address.
            filename: the file, made anew.
            chunk_size: bytes at a time.

        Raises:
            urllib.error.URLError: this mirror failed, another may do.
            _Failed: no mirror will do: cancelled, no byte for `IDLE_SECONDS`, or the file cannot be written.
            _CallerFailed: a callable of the caller raised an error.
        """
        if self._any_byte:  # until the first one all mirrors together have IDLE_SECONDS
            self._latest = time.monotonic()
        path = Path(filename)
        if path.name != self._name:
            self._name, self.cause = path.name, ""
        reader = _Reader(url, chunk_size)
        reader.start()
        try:
            self._write(path, reader)
        except urllib.error.URLError as error:
            self.cause = self.cause or f"{path.name}: {error.reason}"
            raise
        finally:
            reader.stop.set()
        self.cause = f"{path.name} does not have the published checksum"

    def _write(self, path: Path, reader: "_Reader") -> None:
        done, total = 0, self._next(reader)
        assert isinstance(total, int)
        try:
            with open(path, "wb") as file:
                self._tell(done, total)
                while chunk := self._next(reader):
                    assert isinstance(chunk, bytes)
                    if done == 0 and chunk.lstrip().startswith(b"<"):
                        raise urllib.error.URLError("the server sent a web page instead of the file")
                    file.write(chunk)
                    done += len(chunk)
                    self._tell(done, total)
        except urllib.error.URLError:
            raise
        except OSError as error:
            raise _Failed(f"{path.name} cannot be written: {_cause(error)}") from error
        if done < total:
            raise urllib.error.URLError(f"the connection ended after {done} of {total} bytes")

    def _tell(self, done: int, total: int) -> None:
        try:
            self._progress(self._name, done, total)
        except Exception as error:
            raise _CallerFailed from error

    def _asked_to_stop(self) -> bool:
        try:
            return self._cancelled()
        except Exception as error:
            raise _CallerFailed from error

    def _next(self, reader: "_Reader") -> int | bytes:
        """What the reader brings next: first the size, then the chunks, b"" at the end."""
        while True:
            if self._asked_to_stop():
                raise _Failed("cancelled")
            try:
                item = reader.items.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if time.monotonic() - self._latest > IDLE_SECONDS:
                    raise _Failed(f"{self._name}: no answer within {IDLE_SECONDS:g} s") from None
                continue
            if isinstance(item, Exception):
                raise urllib.error.URLError(_cause(item)) from item
            if isinstance(item, bytes):
                self._latest, self._any_byte = time.monotonic(), True
            return item


class _Reader(threading.Thread):
    """Reads one address; touches nothing but the network and `items`, so it may be left behind.

    Attributes:
        items: the size (0 where unknown), then the chunks, b"" at the end; an exception where it failed.
        stop: set by who wants no more.
    """

    def __init__(self, url: str, chunk_size: int) -> None:
        super().__init__(name="mnist-tui-download", daemon=True)
        self.items: queue.Queue[int | bytes | Exception] = queue.Queue(_QUEUED_CHUNKS)
        self.stop = threading.Event()
        self._url = url
        self._chunk_size = chunk_size

    def run(self) -> None:
        """Read until the end, a failure, or `stop`."""
        try:
            request = urllib.request.Request(self._url, headers={"User-Agent": "mnist-tui"})
            with urllib.request.urlopen(request, timeout=IDLE_SECONDS) as response:
                self._put(response.length or 0)
                while chunk := response.read1(self._chunk_size):
                    if not self._put(chunk):
                        return
                self._put(b"")
        except Exception as error:  # handed to the waiting thread, which raises it
            self._put(error)

    def _put(self, item: int | bytes | Exception) -> bool:
        while not self.stop.is_set():
            with contextlib.suppress(queue.Full):
                self.items.put(item, timeout=_POLL_SECONDS)
                return True
        return False


def _cause(error: BaseException) -> str:
    """The reason in a few words, on one line."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}".strip()
    if isinstance(error, urllib.error.URLError):
        return _cause(error.reason) if isinstance(error.reason, BaseException) else str(error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {IDLE_SECONDS:g} s"
    if isinstance(error, http.client.HTTPException):
        return f"the server's answer is no HTTP: {type(error).__name__}"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split()).rstrip(".")
