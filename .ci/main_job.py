"""Type the README's first line into a shell on a real pseudo-terminal and use what it opens; standard library only."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

INSTALL_SECONDS, SCREEN_SECONDS = 1500, 120


def main(line: str) -> int:
    """Run `line`; train a few batches, quit, and return the shell's exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execvp("bash", ["bash", "-c", line])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    output = bytearray()

    def until(pattern: bytes, seconds: float) -> None:
        start, deadline = len(output), time.monotonic() + seconds
        while not re.search(pattern, output[start:]):
            if time.monotonic() > deadline:
                sys.exit(f"never saw {pattern!r} in:\n{output[-3000:].decode(errors='replace')}")
            if select.select([terminal], [], [], 0.5)[0]:
                try:
                    output.extend(os.read(terminal, 65536))
                except OSError:
                    sys.exit(f"the program ended early:\n{output[-3000:].decode(errors='replace')}")

    until(rb"hyperparameters", INSTALL_SECONDS)
    until(rb"ready", SCREEN_SECONDS)
    os.write(terminal, b" ")
    until(rb"img/s", SCREEN_SECONDS)
    os.write(terminal, b"q")
    until(rb"Stop and save", SCREEN_SECONDS)
    os.write(terminal, b"\r")
    until(rb"saved in", SCREEN_SECONDS)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
