import gzip
import hashlib
import io
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from mnist_tui.core.dataset import DATASETS, find
from mnist_tui.core.errors import DatasetError, DatasetMissing, UsageError
from mnist_tui.engine import download as module
from mnist_tui.engine.download import download
from tests.datafiles import cut, write_idx

OTHERS = ["fashion", "kmnist", "qmnist"]
FIRST = "train-images-idx3-ubyte.gz"


@attrs.define
class Answer:
    body: bytes = b""
    status: int = 200
    length: int | None = None  # what the header says, if not the truth
    hold: threading.Event | None = None  # after the body, keep the connection until this


class Mirror:
    """A server on this machine; answers by file name, 404 for the rest."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rpartition("/")[2]
                mirror.asked.append(name)
                answer = mirror.answers.get(name, Answer(status=404))
                self.send_response(answer.status)
                length = len(answer.body) if answer.length is None else answer.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(answer.body)
                if answer.hold:
                    answer.hold.wait(30)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        for answer in self.answers.values():
            if answer.hold:
                answer.hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror of small sets, from which torchvision downloads; its checksums are theirs."""
    import torchvision.datasets  # here, as below: it costs as much again as torch, and every process collects this file

    monkeypatch.setenv("no_proxy", "*")
    mirror = Mirror()
    for name in OTHERS:
        info = DATASETS[name]
        resources = []
        for path in write_idx(tmp_path / "origin" / name, train=20, test=10, gz=True, names=name):
            body = path.read_bytes()
            mirror.answers[path.name] = Answer(body)
            resources.append((path.name, hashlib.md5(body).hexdigest()))
        made = getattr(torchvision.datasets, info.folder)
        if name == "qmnist":
            urls = [(mirror.url + stem, digest) for stem, digest in resources]
            monkeypatch.setattr(made, "resources", {"train": urls[:2], "test": urls[2:]})
        else:
            monkeypatch.setattr(made, "mirrors", [mirror.url])
            monkeypatch.setattr(made, "resources", resources)
    yield mirror
    mirror.close()


@pytest.fixture(autouse=True)
def hooks_are_put_back() -> Iterator[None]:
    from torchvision.datasets import utils

    before = utils._urlretrieve, utils._get_redirect_url
    yield
    assert (utils._urlretrieve, utils._get_redirect_url) == before


def ignore(*_: object) -> None:
    pass


def failure(
    directory: Path,
    name: str = "fashion",
    progress: Callable[[str, int, int], None] = ignore,
    cancelled: Callable[[], bool] = lambda: False,
) -> str:
    """The cause of a failing download, which must leave nothing behind."""
    with pytest.raises(DatasetError) as caught:
        download(name, directory, progress, cancelled)
    folder = DATASETS[name].folder
    text = str(caught.value)
    before = f"{folder} is not in {directory} and could not be downloaded ("
    after = f"): copy its four .gz files to {directory}/{folder}/raw, or use --dataset mnist, which is bundled."
    assert text.startswith(before)
    assert text.endswith(after)
    assert "\n" not in text
    if directory.is_dir():
        assert os.listdir(directory) == []
        with pytest.raises(DatasetMissing):
            find(name, directory)
    return text[len(before) : -len(after)]


@pytest.mark.parametrize("name", OTHERS)
def test_a_download_is_found(mirror: Mirror, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    calls: list[tuple[str, int, int]] = []
    directory = tmp_path / "made" / "here"
    download(name, directory, lambda *call: calls.append(call))
    source = find(name, directory)
    raw = directory / DATASETS[name].folder / "raw"
    assert source.where == str(raw)
    assert source.load_train() == cut(20)
    assert source.load_test() == cut(10, 20)
    assert sorted(os.listdir(raw)) == sorted(DATASETS[name].stems)
    assert os.listdir(directory) == [DATASETS[name].folder]
    names = [f"{stem}.gz" for stem in DATASETS[name].stems]
    assert mirror.asked == names  # each once: no request for redirects either
    for file in names:
        size = len(mirror.answers[file].body)
        steps = [(done, total) for called, done, total in calls if called == file]
        assert steps[0] == (0, size)
        assert steps[-1] == (size, size)
        assert steps == sorted(steps)
    assert capfd.readouterr() == ("", "")


def test_what_is_there_is_not_downloaded(mirror: Mirror, tmp_path: Path) -> None:
    write_idx(tmp_path, gz=True)
    download("fashion", tmp_path, ignore)
    assert mirror.asked == []


def test_a_partial_set_is_completed(mirror: Mirror, tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    write_idx(raw)[3].unlink()
    download("fashion", tmp_path, ignore)
    assert find("fashion", tmp_path).load_test() == cut(10, 20)


def test_the_second_mirror_is_tried(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setattr("torchvision.datasets.FashionMNIST.mirrors", [f"http://127.0.0.1:{port}/", mirror.url])
    download("fashion", tmp_path, ignore)
    assert len(find("fashion", tmp_path).load_train()) == 20


@pytest.mark.parametrize("name", OTHERS)
def test_404(mirror: Mirror, tmp_path: Path, name: str) -> None:
    mirror.answers.clear()
    first = f"{DATASETS[name].stems[0]}.gz"
    assert failure(tmp_path / "d", name) == f"{first}: the server answered 404 Not Found"


def test_the_last_file_failing_leaves_nothing(mirror: Mirror, tmp_path: Path) -> None:
    del mirror.answers["t10k-labels-idx1-ubyte.gz"]
    assert failure(tmp_path / "d") == "t10k-labels-idx1-ubyte.gz: the server answered 404 Not Found"


def test_a_web_page(mirror: Mirror, tmp_path: Path) -> None:
    mirror.answers[FIRST] = Answer(b"\n<!DOCTYPE html><title>Please log in</title>")
    assert failure(tmp_path / "d") == f"{FIRST}: the server sent a web page instead of the file"


def test_a_truncated_file(mirror: Mirror, tmp_path: Path) -> None:
    mirror.answers[FIRST] = Answer(mirror.answers[FIRST].body[:100], length=200)
    assert failure(tmp_path / "d") == f"{FIRST}: the connection ended after 100 of 200 bytes"


def test_another_file(mirror: Mirror, tmp_path: Path) -> None:
    mirror.answers[FIRST] = Answer(gzip.compress(b"something else"))
    assert failure(tmp_path / "d") == f"{FIRST} does not have the published checksum"


def test_an_answer_that_is_no_http(tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"220 mail ready\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr("torchvision.datasets.FashionMNIST.mirrors", [url])
        thread = threading.Thread(target=answer)
        thread.start()
        assert failure(tmp_path / "d") == f"{FIRST}: the server's answer is no HTTP: BadStatusLine"
        thread.join()


def readers_end() -> None:
    """No thread is left at the network."""
    for thread in threading.enumerate():
        if isinstance(thread, module._Reader):
            thread.join(5)
            assert not thread.is_alive()


def quickly(action: Callable[[], str]) -> str:
    begin = time.monotonic()
    result = action()
    assert time.monotonic() - begin < 5
    return result


def test_a_server_that_never_answers(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:  # the connection is made without an accept
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        monkeypatch.setattr("torchvision.datasets.FashionMNIST.mirrors", [url] * 40)
        cause = quickly(lambda: failure(tmp_path / "d"))
        readers_end()
    assert cause == f"{FIRST}: no answer within 0.2 s"


def test_a_server_that_falls_silent(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.2)
    body = mirror.answers[FIRST].body
    mirror.answers[FIRST] = Answer(body[:100], length=len(body), hold=threading.Event())
    assert quickly(lambda: failure(tmp_path / "d")) == f"{FIRST}: no answer within 0.2 s"


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Opening an address waits, deaf to its time-out, as looking up a name may."""
    release = threading.Event()

    def urlopen(*_: object, **__: object) -> None:
        release.wait(30)
        raise OSError("too late")

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    yield
    release.set()


@pytest.mark.usefixtures("stuck")
def test_a_name_server_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.2)
    assert quickly(lambda: failure(tmp_path / "d", "qmnist")).endswith("ubyte.gz: no answer within 0.2 s")


@pytest.mark.usefixtures("stuck")
def test_cancelled_before_an_answer(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    assert quickly(lambda: failure(tmp_path / "d", cancelled=lambda: next(answers))) == "cancelled"


def test_cancelled_at_the_next_chunk(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = mirror.answers[FIRST].body
    mirror.answers[FIRST] = Answer(body[:100], length=len(body), hold=threading.Event())
    calls: list[int] = []
    cause = quickly(
        lambda: failure(
            tmp_path / "d",
            progress=lambda name, done, total: calls.append(done),
            cancelled=lambda: bool(calls and calls[-1]),
        )
    )
    assert cause == "cancelled"
    assert len(calls) == 2


def test_cancelling_ends_the_reading(mirror: Mirror, tmp_path: Path) -> None:
    chunks = 4 * module._QUEUED_CHUNKS
    mirror.answers[FIRST] = Answer(bytes(chunks * module._CHUNK))
    calls: list[int] = []
    cause = failure(
        tmp_path / "d",
        progress=lambda name, done, total: calls.append(done),
        cancelled=lambda: len(calls) > 2,
    )
    assert cause == "cancelled"
    readers_end()


def test_the_real_limit_holds_what_is_promised() -> None:
    assert module.IDLE_SECONDS <= 12


@pytest.mark.parametrize("error", [BrokenPipeError(), RuntimeError("the app is gone"), KeyboardInterrupt()])
def test_an_error_of_the_caller_is_its_own(mirror: Mirror, tmp_path: Path, error: BaseException) -> None:
    def progress(*_: object) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        download("fashion", tmp_path / "d", progress)
    assert caught.value is error
    assert os.listdir(tmp_path / "d") == []


def test_an_error_of_cancelled_is_the_callers(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        download("fashion", tmp_path / "d", ignore, lambda: bool(1 // 0))


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert failure(file / "d") == f"{file}/d cannot be written to: Not a directory"
    assert failure(file) == f"{file} cannot be written to: File exists"


class Full(io.BytesIO):
    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open", lambda *_: Full(), raising=False)
    assert failure(tmp_path / "d") == f"{FIRST} cannot be written: No space left on device"
    assert mirror.asked == [FIRST]


def test_a_disk_full_while_inflating(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def extract(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torchvision.datasets.utils.extract_archive", extract)
    assert failure(tmp_path / "d") == "No space left on device"


def test_no_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert failure(tmp_path / "d").startswith("torchvision cannot be imported: import of torchvision halted")


def test_a_torchvision_without_the_hook(mirror: Mirror, tmp_path: Path) -> None:
    changed: Any = SimpleNamespace(_get_redirect_url=ignore)
    transfer = module._Transfer(ignore, lambda: False)
    with (
        pytest.raises(module._Failed, match=r"torchvision 9.9 has no datasets.utils._urlretrieve, which"),
        module._hooked(changed, transfer, "9.9"),
    ):
        pass
    assert changed == SimpleNamespace(_get_redirect_url=ignore)


def test_the_places_searched_before_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setenv("MNIST_TUI_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match=f"KMNIST is not in {tmp_path}, ./data, .* and could not be"):
        download("kmnist", tmp_path, ignore)


def test_other_names(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="MNIST is bundled"):
        download("mnist", tmp_path, ignore)
    with pytest.raises(UsageError, match="cifar"):
        download("cifar", tmp_path, ignore)


def test_importing_loads_no_torch() -> None:
    code = "import sys, mnist_tui.engine.download; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
