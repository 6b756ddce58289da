"""From the command line to the first frame, and from the last frame back to the shell."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.lazily import import_without
from mnist_tui.core.settings import RunSettings, ScreenSettings
from mnist_tui.leaving import (
    DEBUG_VARIABLE,
    Departure,
    forget_terminal,
    leave_at_once,
    leave_stuck_screen,
    say,
    terminal_attributes,
)
from mnist_tui.runner.local import LocalRunner
from mnist_tui.tui.looks import choose_look

if TYPE_CHECKING:
    from mnist_tui.core.resuming import Resumption
    from mnist_tui.tui.app import MnistApp
    from mnist_tui.tui.session import Session

SAVE_SECONDS = 10.0  # how long a signal waits for the run to be on the disk
LOOK_SECONDS = 0.5  # how soon a signal is seen once the terminal is gone


def open_dashboard(
    hyperparameters: Hyperparameters,
    run: RunSettings,
    screen: ScreenSettings,
    resumption: Resumption | None = None,
) -> int:
    """Draw, train, leave; returns the exit code."""
    prepare_drawing()
    attributes = terminal_attributes()
    from mnist_tui.tui.app import MnistApp
    from mnist_tui.tui.session import Session

    runner = LocalRunner(run, behind_screen=True)
    departure = Departure()
    departure.listen()
    session = Session(runner, hyperparameters, ascii_only=screen.ascii, look=choose_look(screen, os.environ))
    session.measuring = True
    app = MnistApp(session, screen, departure, resumption)
    shown = [app]
    _watch_departure(departure, runner, session, shown, attributes)
    try:
        show_all(screen, departure, shown, session)
    finally:
        code = _close(runner, shown[0])
    return code


def show_all(
    screen: ScreenSettings, departure: Departure, shown: list[MnistApp], beside: Session | None = None
) -> None:
    """Show an app, and other runs as they are opened from it, until the user leaves.

    Args:
        screen: how it is drawn.
        departure: signals.
        shown: holds the app that is on the screen.
        beside: what is trained here.
    """
    from mnist_tui.tui.app import MnistApp

    app = shown[0]
    app.run(mouse=screen.mouse)
    while app.opens is not None and not departure.asked.is_set():
        look_at(app.opens, screen, departure, shown, beside)
        again = attrs.evolve(screen, start=False)
        shown[0] = app = MnistApp(app.session, again, departure, comes_from=app)
        if not departure.asked.is_set():
            app.run(mouse=screen.mouse)


def look_at(
    folder: Path, screen: ScreenSettings, departure: Departure, shown: list[MnistApp], beside: Session | None = None
) -> None:
    """Show another run, and whatever is opened from there, until the user leaves it; who trains here trains on.

    Args:
        folder: the run's.
        screen: how it is drawn.
        departure: signals.
        shown: holds the app that is on the screen.
        beside: what is trained here, whose events are taken in meanwhile.
    """
    from mnist_tui.runner.watched import WatchedRunner
    from mnist_tui.tui.app import MnistApp
    from mnist_tui.tui.collecting import let_go
    from mnist_tui.tui.session import Session

    following: Path | None = folder
    while following is not None and not departure.asked.is_set():
        runner = WatchedRunner(following)
        session = Session(runner, Hyperparameters(), ascii_only=screen.ascii, look=shown[0].session.look)
        shown[0] = app = MnistApp(session, attrs.evolve(screen, start=False), departure, beside=beside)
        try:
            app.run(mouse=screen.mouse)
        finally:
            runner.close()
            session.close()
            let_go()
        if app.failure:
            _say_failure(app.failure, str(following))
        _wait_if_alone(app)
        following = app.opens


def _wait_if_alone(app: MnistApp) -> None:
    """Where the terminal is gone and the run goes on, the reaper ends the process when that is over."""
    if app.detached or app.outlives_terminal:
        threading.Event().wait()


def prepare_drawing() -> None:
    """What must be so before Textual is imported, which draws on stderr."""
    # A key waits half of a period for its frame: 4 ms at 120 a second, 2 at 240. Nothing is painted unchanged.
    os.environ.setdefault("TEXTUAL_FPS", "240")
    # Under an ASCII locale every block would be written as an escape.
    reconfigure = getattr(sys.__stderr__, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace")
    import_without("asyncio", "ssl")  # no line of the screen's is encrypted: OpenSSL is 3 % of the time to its frame


def _watch_departure(
    departure: Departure,
    runner: LocalRunner,
    session: Session,
    shown: list[MnistApp],
    attributes: list[object] | None,
) -> None:
    """Save and leave on a signal, also when the screen is stuck in a terminal that nobody reads.

    `shown` holds the app that is on the screen.
    """

    def reap() -> None:
        departure.asked.wait()
        if shown[0].outlives_terminal:
            _train_on_alone(departure, runner, session, shown[0])
        runner.stop(departure.reason)
        runner.wait_until_idle(SAVE_SECONDS)
        leave_stuck_screen(_gone, attributes, departure)

    _gone.clear()
    threading.Thread(target=reap, name="reaper", daemon=True).start()


def _train_on_alone(departure: Departure, runner: LocalRunner, session: Session, app: MnistApp) -> None:
    """The terminal is gone: end the screen as far as it ends, and train to the end, or to the next signal.

    Textual's loop may be stuck in the dead terminal for ever, so nothing here waits for it.
    """
    forget_terminal()
    app.end_input()
    departure.outlive_terminal()
    while not runner.wait_until_idle(LOOK_SECONDS):
        session.drain()  # nobody else empties the inbox now
        if departure.asked.is_set():
            return
    leave_at_once(session.progress.exit_code)


_gone = threading.Event()


def _say_failure(failure: str, folder: str) -> None:
    """One sentence about an exception in a screen; all of it goes to the run's log."""
    where = ""
    if folder:
        from mnist_tui.core.recorder import append_log

        with contextlib.suppress(OSError):
            append_log(Path(folder), failure)
            where = f"; {Path(folder) / 'log.txt'} says where"
    reason = " ".join(failure.strip().splitlines()[-1].split())[:300]
    say(failure if os.environ.get(DEBUG_VARIABLE) else f"mnist-tui: the screen failed: {reason}{where}")


def _close(runner: LocalRunner, app: MnistApp) -> int:
    """Save what is still unsaved, say on the normal screen what there is, and settle the exit code."""
    _wait_if_alone(app)
    closed = runner.close(0.0 if app.impatient else SAVE_SECONDS)
    closed = app.session.close() and closed
    app.session.drain()
    _gone.set()
    code = app.return_value if app.return_value is not None else app.departure.exit_code or app.return_code or 0
    code = code or app.session.progress.exit_code or (1 if app.session.progress.unsaved else 0)
    if app.failure:
        _say_failure(app.failure, app.session.progress.folder)
    if app.session.progress.error:
        say(f"mnist-tui: {app.session.progress.error}")
    if app.session.progress.run:
        for line in app.session.progress.farewell():
            say(line)
    if not closed:
        leave_at_once(code)
    return code
