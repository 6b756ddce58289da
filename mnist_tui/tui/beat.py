"""The app's clock: a call at equal intervals, as one step of the event loop.

Textual's timer is a task that sleeps, wakes and calls in three steps, and each of them finds the caches full of what
the training has just used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from textual.app import App


class Beat:
    """Calls `act` every `seconds`, until the app has ended; an interval that was missed is left out.

    Args:
        app: whose loop it is; a fault in `act` is told to it.
        seconds: the interval.
        act: what is called.
    """

    def __init__(self, app: App[Any], seconds: float, act: Callable[[], None]) -> None:
        self._app = app
        self._seconds = seconds
        self._act = act
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.time()
        self._wait()

    def _wait(self) -> None:
        late = self._loop.time() - self._next
        self._next += self._seconds * max(1, late // self._seconds + 1)
        self._loop.call_at(self._next, self._strike)

    def _strike(self) -> None:
        if self._app._exit or not self._app.is_running:
            return
        try:
            self._act()
        except Exception as error:  # as in a timer of Textual's
            self._app._handle_exception(error)
        else:
            self._wait()
