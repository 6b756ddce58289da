"""What every action may use: the session, and a way to say something."""

from __future__ import annotations

import time
import traceback

from textual.drivers.linux_driver import LinuxDriver
from textual.notifications import Notify, SeverityLevel
from textual.screen import Screen

from mnist_tui.core.notes import harmless
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.tui.actions.keys import OrderedKeys
from mnist_tui.tui.driver import GuardedDriver
from mnist_tui.tui.session import Session

CONFIRM_SECONDS = 5.0


class SessionApp(OrderedKeys):
    """An app over a `Session`; its return value is the exit code.

    Attributes:
        failure: the traceback of an exception in a screen, or empty.
        detached: the terminal is gone; nothing is drawn any more.
        slow_link: what to say of a line that cannot carry what would be painted; empty where it can.
    """

    slow_link = ""

    def __init__(self, session: Session, screen: ScreenSettings) -> None:
        super().__init__(driver_class=GuardedDriver)
        self.session = session
        self.settings = screen
        self._asked_for = ""
        self._asked_until = 0.0
        self.failure = ""
        self.detached = False

    def _fatal_error(self) -> None:
        """An exception in a screen ends the app; it is kept for the log, and for one sentence on the normal screen."""
        self.failure = traceback.format_exc()
        self._close_messages_no_wait()

    def end_input(self) -> None:
        """Stop the clock and the thread that reads keys, from any thread: the terminal is gone."""
        self.detached = True
        if isinstance(self._driver, LinuxDriver):
            self._driver.exit_event.set()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Show a toast without what commands a terminal: it may tell of paths and errors from outside."""
        message = "\n".join(map(harmless, message.split("\n")))
        super().notify(message, title=harmless(title), severity=severity, timeout=timeout, markup=markup)

    def on_notify(self, event: Notify) -> None:
        """A notice takes the place of one that says the same."""
        for old in list(self._notifications):
            if old.message == event.notification.message:
                self._unnotify(old, refresh=False)

    def say(self, text: str, title: str = "", *, severity: str = "information") -> None:
        """Show a sentence for a few seconds; it is never parsed as markup."""
        self.notify(text, title=title, severity=severity, markup=False)  # type: ignore[arg-type]

    def copy_to_clipboard(self, text: str) -> None:
        """Put text on the clipboard of the terminal, over SSH and out of tmux too, where the terminal allows it."""
        from mnist_tui.tui.clipboard import osc52
        from mnist_tui.tui.tmux import inside_tmux, load_buffer, wrap

        super().copy_to_clipboard(text)
        if inside_tmux() and self._driver is not None:
            self._driver.write(wrap(osc52(text)))
            load_buffer(text)

    def show(self, *, charts: bool = True, figures: bool = True) -> None:
        """Bring the screen in sight up to date."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def show_screen(self, screen: Screen[None]) -> None:
        """Show a screen above the dashboard, in place of those that are there."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def confirmed(self, what: str, question: str, title: str = "") -> bool:
        """Whether `what` was asked for twice within five seconds; the first time, ask."""
        now = time.monotonic()
        if self._asked_for == what and now <= self._asked_until:
            self._asked_for = ""
            return True
        self._asked_for, self._asked_until = what, now + CONFIRM_SECONDS
        self.say(question, title)
        return False
