"""Leaving: while a run is under way it asks, and it always saves first."""

from __future__ import annotations

from mnist_tui.tui.actions.base import SessionApp


class LeaveActions(SessionApp):
    """`q`, Ctrl+C, and what a signal does to the screen.

    Attributes:
        leaving: the run is being saved, and the app ends when it is.
        leaving_code: the exit code then.
        impatient: asked a third time, and wants no waiting for the save.
    """

    leaving = False
    leaving_code = 0
    impatient = False

    def action_leave(self) -> None:
        """Leave; while a run is under way here, ask first."""
        progress = self.session.progress
        if self.session.watching or not progress.active:
            self.exit(0)
        elif not self._asking:
            from mnist_tui.tui.screens.leave import LeaveScreen

            self.push_screen(LeaveScreen(progress, self.session.ascii_only), self._answered)

    @property
    def _asking(self) -> bool:
        return self.screen.has_class("asks-to-leave")

    def _answered(self, stop: bool | None) -> None:
        if stop:
            self.stop_and_leave(0)

    def action_interrupt(self) -> None:
        """Ctrl+C and Ctrl+Q: ask; a second one saves and leaves with 130; a third leaves at once."""
        if self.leaving and self.leaving_code == 130:
            self.impatient = True
            self.exit(130)
        elif self.leaving:
            self.leaving_code = 130
            self.say("Saving the run. Once more leaves at once.")
        elif self._asking:
            self.stop_and_leave(130)
        else:
            self.action_leave()

    async def action_quit(self) -> None:
        """Textual's own way out is ours."""
        self.action_leave()

    def stop_and_leave(self, code: int, reason: str = "") -> None:
        """Stop the run, which saves it, and leave when it is over; one that is only watched goes on."""
        self.leaving, self.leaving_code = True, code
        if self.session.progress.active and not self.session.watching:
            self.session.runner.stop(reason)
            self.say("Saving the run …" if not self.session.ascii_only else "Saving the run ...")
        else:
            self.exit(code)
