"""What is done to the run: start, pause, step, edit, undo, stop."""

from __future__ import annotations

from mnist_tui.core.errors import UserError
from mnist_tui.core.hyperparameters import KNOBS
from mnist_tui.tui.actions.base import SessionApp
from mnist_tui.tui.widgets.knob_list import KnobList


class RunActions(SessionApp):
    """Keys become wishes to the runner; what came of them is what the engine says."""

    announce_save = False

    def action_toggle_training(self) -> None:
        """Start, pause or resume."""
        session, progress = self.session, self.session.progress
        if progress.active:
            session.pausing = not session.pausing
            if session.pausing:
                session.runner.pause()
            else:
                session.runner.resume()
        elif session.watching:
            session.runner.resume()
        elif progress.phase == "failed" and not progress.device:
            self.say(progress.error, "nothing can be trained", severity="error")
        elif progress.over and progress.name:
            what = "is over" if progress.run else "does not go on"
            question = "It is on the disk. Press space again to begin a new run with the settings on the rows."
            if not session.start_wanted and self.confirmed("start", question, f"{progress.name} {what}"):
                self._start()
        elif not session.start_wanted:
            self._start()
        self.show()

    def _start(self, *, paused: bool = False, find_rate: bool = False) -> bool:
        try:
            self.session.start(paused=paused, find_rate=find_rate)
        except UserError as error:
            self.say(str(error), severity="error")
            return False
        return True

    def _training(self, when_over: str) -> bool:
        """Whether there is a run; if not, say why."""
        progress = self.session.progress
        if progress.active or self.session.watching:  # whom it is asked of knows better, and says so
            return True
        if self.session.start_wanted:
            self.say("The run is just beginning.")
        else:
            self.say(when_over if progress.over and progress.run else "There is no run yet: space begins one.")
        return False

    def action_step(self) -> None:
        """Train one batch, then wait."""
        if self._training("The run is over: space, twice, begins a new one."):
            self.session.pausing = self.session.progress.active
            self.session.runner.step_once()

    def action_evaluate(self) -> None:
        """Evaluate the test set now."""
        if self._training("The run is over: its last evaluation is the one that is shown."):
            self.session.runner.request_evaluation()

    def action_save(self) -> None:
        """Write a checkpoint now."""
        progress = self.session.progress
        if progress.active:
            self.announce_save = True
            self.session.runner.request_save()
        elif progress.run:
            self.say(progress.unsaved or progress.folder, "not saved" if progress.unsaved else "already saved")
        else:
            self.say("There is nothing to save yet: space begins a run.")

    def action_undo(self) -> None:
        """Take the last edit back."""
        if self._training("The run is over: what it learnt stays."):
            self.session.runner.undo()
            self.session.going_back = True

    def action_recover(self) -> None:
        """Go back to the last good state and halve the learning rate."""
        if not self._training("The run is over: what it learnt stays."):
            return
        question = "Press g again to go back to the last checkpoint and halve the learning rate."
        progress = self.session.progress
        if not progress.active or "not finite" in progress.ailments or self.confirmed("recover", question):
            self.session.runner.recover()
            self.session.going_back = True

    def action_stop(self) -> None:
        """Save after this batch and end the run."""
        question = "Press x again to stop the run after this batch; all of it is saved."
        if self._training("The run is over already.") and (
            not self.session.progress.active or self.confirmed("stop", question)
        ):
            self.session.runner.stop()

    def action_stop_after_epoch(self) -> None:
        """End the run with the epoch under way, or do not."""
        if self._training("The run is over already."):
            self.session.runner.stop_after_epoch(self.session.progress.stops_after is None)

    def action_restart(self) -> None:
        """Begin anew with the values on the rows."""
        progress = self.session.progress
        if self.session.watching:
            self._start()
        elif progress.active:
            question = f"Press r again to stop {progress.name}, saved, and to begin a run with the values on the rows."
            if not self.session.start_wanted and self.confirmed("restart", question):
                self._start()
        else:
            self.action_toggle_training()

    def action_find_rate(self) -> None:
        """Try rates from tiny to huge on a copy of the network."""
        session, progress = self.session, self.session.progress
        if progress.active:
            session.runner.request_rate()
        elif session.watching:
            session.runner.request_rate()
            return
        elif (
            (
                progress.over
                and progress.run
                and not self.confirmed(
                    "find", "The run is over. Press f again to begin a new one, paused, with the finder first."
                )
            )
            or session.start_wanted
            or not self._start(paused=True, find_rate=True)
        ):
            return
        session.finding = None
        from mnist_tui.tui.screens.finder import FinderScreen

        self.push_screen(FinderScreen(session))

    def action_scale_rate(self, factor: float) -> None:
        """Halve or double the learning rate."""
        rate = KNOBS["learning_rate"].clamp(self.session.wanted.learning_rate * factor)
        self.edit("learning_rate", rate)

    def on_knob_list_changed(self, message: KnobList.Changed) -> None:
        """A row was edited."""
        self.edit(message.name, message.value)

    def edit(self, name: str, value: float | int | str) -> None:
        """Want another value of a hyperparameter."""
        try:
            self.session.edit(name, value)
        except UserError as error:
            self.say(str(error), severity="error")
        self.show()
