"""Programs that are born with torch in memory: it takes 3 s to import, in each of sixty programs.

A process that has imported torch, and nothing of ours, forks; the child becomes `python -m mnist_tui`. What hangs on
the import itself, as that the screen comes before it, is to be seen in a program that starts anew. Linux only.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_MOST = 1 << 18  # bytes of an order, most of them its environment


def start_forked(
    arguments: Sequence[str],
    terminal: int,
    environment: Mapping[str, str],
    limits: Mapping[int, int],
    redirect: Mapping[int, str],
) -> int:
    """A child of this process that is `python -m mnist_tui ARGUMENTS` in a session of its own; its process id.

    Args:
        arguments: of `mnist-tui`.
        terminal: the descriptor of the session's terminal, and of standard input and both outputs.
        environment: the whole of it; its encodings are UTF-8.
        limits: resource limits.
        redirect: descriptors that are a file and not the terminal.
    """
    order = {
        "arguments": list(arguments),
        "environment": dict(environment),
        "limits": list(limits.items()),
        "redirect": list(redirect.items()),
        "folder": os.getcwd(),
    }
    wire = _wire()
    _adopt(True)  # its parent ends at once, so that it is ours, to be waited for
    try:
        socket.send_fds(wire, [json.dumps(order).encode()], [terminal])
        return int(wire.recv(64))
    except (OSError, ValueError) as error:
        _wire.cache_clear()
        raise RuntimeError("the process that has torch, and forks, is gone") from error
    finally:
        _adopt(False)


def sit_at(terminal: int, limits: Mapping[int, int], redirect: Mapping[int, str]) -> None:
    """In a child: a session on `terminal` with nothing else open; some descriptors are files, and limits hold."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for descriptor in (0, 1, 2):
        os.dup2(terminal, descriptor)
    for descriptor, path in redirect.items():
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    os.closerange(3, 256)


def _adopt(wanted: bool) -> None:
    """Let children whose parents end become ours, or not."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


@functools.cache
def _wire() -> socket.socket:
    """To the process that forks, which ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-P", __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "LANG": "C.UTF-8"},
        )
    return ours


# --- the process that forks


def serve(wire: socket.socket) -> dict[str, Any]:
    """Fork until the other end is gone; returns in each child, with what it shall be."""
    import torch  # noqa: F401

    while True:
        message, descriptors, _, _ = socket.recv_fds(wire, _MOST, 1)
        if not message:
            os._exit(0)
        between, told = os.pipe()
        middle = os.fork()
        if middle == 0:
            child = os.fork()
            if child == 0:
                wire.detach()
                order = dict(json.loads(message))
                sit_at(descriptors[0], dict(order.pop("limits")), dict(order.pop("redirect")))
                return order
            os.write(told, str(child).encode())
            os._exit(0)
        os.close(told)
        os.waitpid(middle, 0)
        wire.send(os.read(between, 64) or b"none")
        for descriptor in (between, descriptors[0]):
            os.close(descriptor)


def become(order: dict[str, Any]) -> None:
    """Take on what an order says, down to what Python makes of it when it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        errors = "backslashreplace" if name == "stderr" else "surrogateescape"
        buffering = 1 if name == "stderr" or os.isatty(descriptor) else -1
        stream = open(descriptor, mode, buffering, encoding="utf-8", errors=errors, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    folders = [folder for folder in order["environment"].get("PYTHONPATH", "").split(":") if folder]
    sys.path[:] = [order["folder"], *folders, *(folder for folder in sys.path[1:] if folder not in folders)]
    for path in [Path(folder) / "sitecustomize.py" for folder in folders]:
        if path.exists():
            runpy.run_path(str(path))
            break
    sys.argv = ["mnist_tui", *order["arguments"]]


if __name__ == "__main__":
    become(serve(socket.socket(fileno=int(sys.argv[1]))))
    runpy.run_module("mnist_tui", run_name="__main__", alter_sys=True)
