"""The dashboard over a run that another process trains."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.progress import Progress, resumable
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.detached import watch_command
from mnist_tui.leaving import Departure, leave_at_once, leave_stuck_screen, say, terminal_attributes
from mnist_tui.runner.watched import WatchedRunner
from mnist_tui.tui.looks import choose_look
from mnist_tui.tui.open import prepare_drawing, show_all


def open_watch(folder: Path, screen: ScreenSettings, notice: str = "") -> int:
    """Watch the run in `folder` until the user leaves, which ends nothing; returns the exit code."""
    prepare_drawing()
    attributes = terminal_attributes()
    from mnist_tui.tui.app import MnistApp
    from mnist_tui.tui.session import Session

    runner = WatchedRunner(folder, notice)
    departure = Departure()
    departure.listen()
    session = Session(runner, Hyperparameters(), ascii_only=screen.ascii, look=choose_look(screen, os.environ))
    shown = [MnistApp(session, screen, departure)]
    gone = threading.Event()
    _leave_on_a_signal(departure, attributes, gone)
    try:
        show_all(screen, departure, shown)
    finally:
        closed = runner.close()
        closed = session.close() and closed
        gone.set()
    code = departure.exit_code or shown[0].return_value or shown[0].return_code or 0
    for line in _farewell(session.progress, folder):
        say(line)
    if not closed:
        leave_at_once(code)
    return code


def _farewell(progress: Progress, folder: Path) -> list[str]:
    lines = progress.farewell() if progress.run else []
    if progress.observed in {"live", "stalled"}:
        lines.append(f"{progress.owner} goes on with it; come back with: {watch_command(folder)}")
    elif progress.observed == "crashed":
        lines.append(f"nobody trains it: resume it with: mnist-tui --resume {resumable(folder)}")
    return lines


def _leave_on_a_signal(departure: Departure, attributes: list[object] | None, gone: threading.Event) -> None:
    """Leave on a signal, also when the screen is stuck in a terminal that nobody reads."""

    def reap() -> None:
        departure.asked.wait()
        leave_stuck_screen(gone, attributes, departure)

    threading.Thread(target=reap, name="reaper", daemon=True).start()
