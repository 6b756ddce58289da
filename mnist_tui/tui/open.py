"""From the command line to the first frame, and from the last frame back to the shell."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import RunSettings, ScreenSettings
from mnist_tui.leaving import Departure, leave_at_once, restore_terminal, say, terminal_attributes
from mnist_tui.runner.local import LocalRunner

if TYPE_CHECKING:
    from mnist_tui.render.blocks import Glyphs
    from mnist_tui.tui.app import MnistApp

SAVE_SECONDS = 10.0  # how long a signal waits for the run to be on the disk
SCREEN_SECONDS = 2.0  # and then for the screen to end by itself


def open_dashboard(hyperparameters: Hyperparameters, run: RunSettings, screen: ScreenSettings) -> int:
    """Draw, train, leave; returns the exit code."""
    prepare_drawing()
    attributes = terminal_attributes()
    from mnist_tui.tui.app import MnistApp
    from mnist_tui.tui.session import Session

    runner = LocalRunner(run)
    departure = Departure()
    departure.listen()
    session = Session(runner, hyperparameters, ascii_only=screen.ascii, glyphs=choose_glyphs(screen))
    app = MnistApp(session, screen, departure)
    _watch_departure(departure, runner, attributes)
    try:
        app.run(mouse=screen.mouse)
    finally:
        code = _close(runner, app)
    return code


def prepare_drawing() -> None:
    """What must be so before Textual is imported, which draws on stderr."""
    # 120 halves the time from a key to its frame, and nothing is painted unchanged.
    os.environ.setdefault("TEXTUAL_FPS", "120")
    # Under an ASCII locale every block would be written as an escape.
    reconfigure = getattr(sys.__stderr__, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")


def choose_glyphs(screen: ScreenSettings) -> Glyphs:
    """Half blocks where there are greys; shades where there are few colours or none."""
    if screen.ascii:
        return "ascii"
    few = os.environ.get("COLORTERM", "") == "" and "256" not in os.environ.get("TERM", "")
    return "shade" if few or "NO_COLOR" in os.environ else "half"


def _watch_departure(departure: Departure, runner: LocalRunner, attributes: list[object] | None) -> None:
    """Save and leave on a signal, also when the screen is stuck in a terminal that nobody reads."""

    def reap() -> None:
        departure.asked.wait()
        runner.stop()
        runner.wait_until_idle(SAVE_SECONDS)
        if not _gone.wait(SCREEN_SECONDS):
            restore_terminal(attributes)
            leave_at_once(departure.exit_code)

    _gone.clear()
    threading.Thread(target=reap, name="reaper", daemon=True).start()


_gone = threading.Event()


def _close(runner: LocalRunner, app: MnistApp) -> int:
    """Save what is still unsaved, say on the normal screen what there is, and settle the exit code."""
    closed = runner.close(0.0 if app.impatient else SAVE_SECONDS)
    app.session.drain()
    _gone.set()
    code = app.return_value if app.return_value is not None else app.departure.exit_code or app.return_code or 0
    code = code or app.session.progress.exit_code or (1 if app.session.progress.unsaved else 0)
    if app.session.progress.error:
        say(f"mnist-tui: {app.session.progress.error}")
    if app.session.progress.run:
        for line in app.session.progress.farewell():
            say(line)
    if not closed:
        leave_at_once(code)
    return code
