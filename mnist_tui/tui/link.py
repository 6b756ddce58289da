"""What the app knows of the line to its terminal: a frame waits until the one before has been taken."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from textual.app import App

from mnist_tui.tui.driver import GuardedDriver
from mnist_tui.tui.output import Output
from mnist_tui.tui.pace import Pace


class Link:
    """Holds painting while the terminal has not taken what was painted; widgets that change meanwhile are painted once.

    So at most one frame is on its way when a key is typed, and its answer is the next.
    """

    def __init__(self, app: App[Any], fps: float) -> None:
        self._app = app
        self.pace = Pace(fps)
        self._hold = contextlib.ExitStack()
        self._holding = False
        self._lost = False

    @property
    def _output(self) -> Output | None:
        driver = self._app._driver
        return driver.output if isinstance(driver, GuardedDriver) else None

    @property
    def busy(self) -> bool:
        """Whether the terminal has yet to take something."""
        output = self._output
        return output is not None and output.backlog > 0

    def judge(self, now: float) -> bool:
        """Look how long the terminal made the writing wait; whether the rate changed."""
        output, before = self._output, self.pace.rate
        if output is not None:
            self.pace.judge(now, output.waited)
        return self.pace.rate != before

    def frame_sent(self) -> None:
        """A frame was handed over: hold the next one on a slow line, or where this one queues behind another."""
        output = self._output
        if output is None or self._holding or output.backlog < (1 if self.pace.slow else 2):
            return
        self._holding = True
        self._hold.enter_context(self._app.batch_update())
        loop = asyncio.get_running_loop()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the app has ended
                loop.call_soon_threadsafe(self._release)

        output.tell_when_through(tell)

    def frame_made(self) -> None:
        """A frame is to be shown: while painting is held, Textual drops it for good, and all is painted afterwards.

        Most wait by themselves; a change of the layout does not.
        """
        self._lost = self._lost or self._holding

    def _release(self) -> None:
        self._holding = False
        self._hold.close()
        lost, self._lost = self._lost, False
        if self._app.is_running and self._app.screen_stack:
            if lost:
                self._app.screen.refresh()
            self._app.screen.check_idle()
