"""The thread that writes, on a pipe that is full."""

import os
import threading
from pathlib import Path

from mnist_tui.tui.output import Output


def test_who_hands_over_to_a_terminal_that_takes_nothing_does_not_wait() -> None:
    reader, writer = os.pipe()
    through = threading.Event()
    with os.fdopen(writer, "w") as file:
        output = Output(file)
        output.start()
        frame = "x" * 200_000  # more than a pipe holds
        for _ in range(40):  # more than Textual's queue does
            output.write(frame)
        assert output.backlog >= 39
        output.tell_when_through(through.set)
        assert not through.is_set()
        left = 40 * len(frame)
        while left:
            left -= len(os.read(reader, 1 << 20))
        assert through.wait(10)
        assert output.backlog == 0
        assert output.waited > 0
        output.stop()
    os.close(reader)


def test_who_waits_is_told_at_the_end_too() -> None:
    reader, writer = os.pipe()
    told: list[int] = []
    with os.fdopen(writer, "w") as file:
        output = Output(file)
        output.write("frame")
        output.tell_when_through(lambda: told.append(1))
        output._queue.put(None)  # as `stop` does, before the frame is written
        output.start()
        output.join(10)
        assert not output.is_alive()
    os.close(reader)
    assert told == [1]


def test_it_is_told_at_once_where_nothing_is_on_its_way(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as file:
        output = Output(file)
        output.start()
        told: list[int] = []
        output.tell_when_through(lambda: told.append(1))
        output.stop()
    assert told == [1]
