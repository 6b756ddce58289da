"""The real program on a line that takes 20 kB a second."""

import signal
from pathlib import Path

from tests.e2e.terminal import Terminal
from tests.e2e.test_program import trained_some


def test_on_a_slow_line_it_trains_and_answers_keys_and_says_so(tmp_path: Path) -> None:
    with Terminal(["--start"], tmp_path, columns=200, rows=60, rate=20_000) as terminal:
        terminal.until("slow link, ")
        terminal.until(trained_some, 60)
        terminal.type("l")
        terminal.until("whole run, log y")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait() == 143
        assert terminal.restored
