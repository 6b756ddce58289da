"""Screen 3: the table of runs, curves over each other, differences of settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from mnist_tui.core.catalogue import RunEntry
from mnist_tui.core.errors import UserError
from mnist_tui.core.housekeeping import delete_run, rename_run, size_of
from mnist_tui.core.notes import write_notes
from mnist_tui.tui.shelf import LETTERS, Shelf
from mnist_tui.tui.widgets.action_line import ActionLine
from mnist_tui.tui.widgets.key_bar import KeyBar
from mnist_tui.tui.widgets.overlay_chart import OverlayChart
from mnist_tui.tui.widgets.run_panel import RunPanel
from mnist_tui.tui.widgets.runs_table import RunsTable
from mnist_tui.tui.widgets.status_bar import StatusBar
from mnist_tui.tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session

FIRST_LOOK_SECONDS = 0.1  # so that the first picture of the screen has the runs in it, where the disk is quick


class RunsScreen(Screen[None]):
    """Look at runs, compare them, tidy up."""

    AUTO_FOCUS = "#runs"
    OWN_BINDINGS = [
        Binding("c", "choose", "choose", tooltip="lay the run's curve over the others, or no more"),
        Binding("o", "open", "open", tooltip="look at the run, as if it were trained here"),
        Binding("R", "resume_run", "resume", tooltip="train the run on"),
        Binding("n", "note", "note", tooltip="write a line about the run"),
        Binding("N,f2", "rename", "rename", key_display="N", tooltip="give the run another name"),
        Binding("D", "delete", "delete", tooltip="delete the run's folder, after a question"),
        Binding("v", "cycle_kind", "curves", tooltip="test accuracy, test loss or training loss"),
        Binding("l", "toggle_log", "log y", tooltip="logarithmic or linear curves"),
    ]
    BINDINGS = [*OWN_BINDINGS]

    def __init__(self, session: Session, shelf: Shelf) -> None:
        super().__init__(id="runs-screen")
        ascii_only = session.ascii_only
        self.set_class(ascii_only, "-ascii")
        self._session = session
        self.shelf = shelf
        self.status = StatusBar(session)
        self.table = RunsTable(shelf, ascii_only=ascii_only)
        self.actions = ActionLine(self.OWN_BINDINGS, ascii_only=ascii_only)
        self.overlay = OverlayChart(shelf, ascii_only=ascii_only)
        self.panel = RunPanel(shelf, ascii_only=ascii_only)

    def compose(self) -> ComposeResult:
        """Status, table, actions, curves beside differences, keys."""
        yield self.status
        with Vertical(id="panels"):
            yield self.table
            yield self.actions
            with Horizontal(id="compared"):
                yield self.overlay
                yield self.panel
        yield TooSmall(self._session.progress)
        yield KeyBar()

    def on_mount(self) -> None:
        """Look at the disk."""
        self.shelf.hurry()
        self.shelf.ask()
        self.shelf.wait(FIRST_LOOK_SECONDS)
        self.shelf.collect()

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date, and have the disk looked at about once a second."""
        if figures:
            self.status.show()
        self.shelf.collect()
        self.shelf.ask()
        self._draw()

    def _draw(self) -> None:
        self.table.show()
        self.overlay.show()
        self.panel.show()

    def on_runs_table_moved(self, message: RunsTable.Moved) -> None:
        """The curve and the differences follow the cursor."""
        self.shelf.ask()
        self._draw()

    def on_runs_table_chosen(self, message: RunsTable.Chosen) -> None:
        """As `c`."""
        self.action_choose()

    # --- what can be done with the cursor's run

    def action_act(self) -> None:
        """Go to the line of actions."""
        self.actions.focus()

    def action_back_to_table(self) -> None:
        """Go back to the table."""
        self.table.focus()

    def action_choose(self) -> None:
        """Lay the run over the others, or no more."""
        if not self.shelf.choose():
            self.notify(f"{len(LETTERS)} runs are chosen: c on one of them takes it out.", markup=False)
        self._draw()

    def action_cycle_kind(self) -> None:
        """Other curves."""
        self.shelf.cycle_kind()
        self._draw()

    def action_toggle_log(self) -> None:
        """A logarithmic or a linear axis."""
        self.shelf.toggle_log()
        self._draw()

    def action_open(self) -> None:
        """Look at the run."""
        entry = self.shelf.current
        if entry is not None:
            self.table.post_message(RunsTable.Opened(entry.folder))

    def action_resume_run(self) -> None:
        """Train the run on."""
        entry = self.shelf.current
        if entry is not None:
            self.table.post_message(RunsTable.Resumed(entry.folder))

    def action_note(self) -> None:
        """Write a line about the run."""
        entry = self.shelf.current
        if entry is not None:
            self.actions.type(f"note on {entry.name}:", entry.notes, lambda text: self._note(entry, text))

    def _note(self, entry: RunEntry, text: str) -> str:
        try:
            write_notes(entry.folder, text)
        except UserError as error:
            return str(error)
        self.shelf.hurry()
        return ""

    def action_rename(self) -> None:
        """Give the run another name."""
        entry = self.shelf.current
        if entry is not None and self._may_touch(entry, "renamed"):
            self.actions.type(f"{entry.name} becomes", entry.name, lambda text: self._rename(entry, text))

    def _rename(self, entry: RunEntry, text: str) -> str:
        try:
            target = rename_run(self.shelf.runs_dir, entry.folder, text)
        except UserError as error:
            return str(error)
        self.shelf.moved(entry.folder, target)
        return ""

    def action_delete(self) -> None:
        """Ask, then delete."""
        entry = self.shelf.current
        if entry is not None and self._may_touch(entry, "deleted"):
            size = size_of(entry.folder) / 1e6
            question = f"delete {entry.name}, {size:.1f} MB, for good? D deletes it, any other key keeps it"
            self.actions.ask(question, "D", lambda _: self._delete(entry))

    def _delete(self, entry: RunEntry) -> str:
        try:
            delete_run(self.shelf.runs_dir, entry.folder)
        except UserError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.shelf.removed(entry.folder)
            self.notify(f"{entry.name} is deleted.", markup=False)
        return ""

    def _may_touch(self, entry: RunEntry, done: str) -> bool:
        """Whether no process trains the run, as far as can be told; if one does, say so."""
        progress = self._session.progress
        here = progress.active and Path(progress.folder).absolute() == entry.folder.absolute()
        if not here and entry.state not in {"live", "stalled"}:
            return True
        who = "this program" if here else entry.owner or "another process"
        self.notify(f"{entry.name} cannot be {done} while {who} trains it.", severity="warning", markup=False)
        return False
