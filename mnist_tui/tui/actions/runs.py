"""What is done with the runs on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mnist_tui.core.errors import UserError
from mnist_tui.core.notes import printable
from mnist_tui.core.progress import resumable
from mnist_tui.core.runs import name_of, read_run
from mnist_tui.tui.actions.look import LookActions

if TYPE_CHECKING:
    from mnist_tui.tui.shelf import Shelf
    from mnist_tui.tui.widgets.runs_table import RunsTable


class RunsActions(LookActions):
    """The Runs screen, and what it asks for.

    Attributes:
        opens: the run to be shown when this app has ended, or None.
    """

    opens: Path | None = None
    _shelf: Shelf | None = None

    @property
    def shelf(self) -> Shelf:
        """The runs of the runs folder; cursor and choice outlive the screen."""
        if self._shelf is None:
            from mnist_tui.tui.shelf import Shelf

            self._shelf = Shelf(self.session.settings.runs_dir)
        return self._shelf

    def action_runs(self) -> None:
        """Show the Runs screen."""
        from mnist_tui.tui.screens.runs import RunsScreen

        if not isinstance(self.screen, RunsScreen):
            self.show_screen(RunsScreen(self.session, self.shelf))

    def on_runs_table_opened(self, message: RunsTable.Opened) -> None:
        """Look at a run."""
        self.open_run(message.folder)

    def on_runs_table_resumed(self, message: RunsTable.Resumed) -> None:
        """Train a run on."""
        self.resume_run(message.folder)

    def open_run(self, folder: Path) -> None:
        """Show the run in `folder` in place of this screen, which comes back when that one is left."""
        progress = self.session.progress
        if progress.run and folder.absolute() == Path(progress.folder).absolute():
            self.action_train()  # it is the one that is shown
            return
        self.opens = folder
        self.exit(0)

    def resume_run(self, folder: Path) -> None:
        """Train the run in `folder` on; one that is finished gets as many epochs as the row says."""
        session, progress = self.session, self.session.progress
        name = name_of(folder)
        if session.watching:
            self.say(f"Here a run is only watched: leave, and run mnist-tui --resume {printable(resumable(folder))}")
            return
        from mnist_tui.core.resuming import check_whole, prepare_resumption

        try:
            facts = read_run(folder)
            finished = facts.get("epochs")
            more = facts.get("status") == "done" and isinstance(finished, int) and session.wanted.epochs > finished
            changes = {"epochs": session.wanted.epochs} if more else {}
            resumption = prepare_resumption(str(folder), session.settings.runs_dir, changes)
            if progress.active:  # and shall not be stopped for one that cannot go on
                check_whole(resumption)
            until = f", up to epoch {session.wanted.epochs}" if more else ""
            question = f"Press R again to stop {progress.name}, saved, and to go on with {printable(name)}{until}."
            if progress.active and not self.confirmed(f"resume {name}", question):
                return
            session.start(resumption=resumption)
        except UserError as error:
            self.say(str(error), severity="error")
            return
        self.action_train()
