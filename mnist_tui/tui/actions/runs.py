"""What is done with the runs on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mnist_tui.core.notes import printable
from mnist_tui.core.runs import name_of
from mnist_tui.tui.actions.base import SessionApp

if TYPE_CHECKING:
    from mnist_tui.tui.shelf import Shelf
    from mnist_tui.tui.widgets.runs_table import RunsTable


class RunsActions(SessionApp):
    """The Runs screen, and what it asks for."""

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
        """Say how the run in `folder` is looked at."""
        self.say(f"leave, and run: mnist-tui watch {printable(name_of(folder))}")

    def resume_run(self, folder: Path) -> None:
        """Say how the run in `folder` is trained on."""
        self.say(f"leave, and run: mnist-tui --resume {printable(name_of(folder))}")
