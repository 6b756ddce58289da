"""The runs of the runs folder as the Runs screen knows them; the disk is read by a thread that nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import attrs

from mnist_tui.core.catalogue import Catalogue, RunEntry
from mnist_tui.core.curves import CURVE_KINDS, CurveKind, CurveReader, Curves
from mnist_tui.core.owner import Pulses

LETTERS = "ABCDEF"
LOOK_SECONDS = 1.0
_READERS = 24  # runs whose curves are kept read


@attrs.frozen(eq=False)
class Look:
    """What one look at the disk found."""

    entries: Sequence[RunEntry]
    curves: dict[Path, Curves]


class Shelf:
    """Entries, a cursor, and the runs chosen for the overlay.

    Attributes:
        runs_dir: where the runs are.
        entries: the newest first.
        chosen: folders, the first is the one the others are compared with.
        curves: of the chosen runs and the cursor's, as far as they were read.
        kind, log: which curves are laid over each other, and how.
        looked: whether the disk was looked at yet.
        revision: grows with every change, so that a view can tell whether it is up to date.
    """

    def __init__(self, runs_dir: Path, pulses: Pulses | None = None) -> None:
        self.runs_dir = runs_dir
        self.entries: Sequence[RunEntry] = ()
        self.chosen: list[Path] = []
        self.curves: dict[Path, Curves] = {}
        self.kind: CurveKind = CURVE_KINDS[0]
        self.log = False
        self.looked = False
        self.revision = 0
        self._cursor: Path | None = None
        self._catalogue = Catalogue(runs_dir, pulses=pulses)  # the thread's, as the readers are
        self._readers: dict[Path, CurveReader] = {}
        self._thread: threading.Thread | None = None
        self._found: Look | None = None
        self._asked: tuple[float, Sequence[Path]] = (0.0, ())

    # --- looking

    def ask(self) -> None:
        """Have the disk looked at, if that was a second ago, or other curves are wanted by now."""
        asked, folders = self._asked
        wanted = self._wanted()
        if self._thread is not None and (self._thread.is_alive() or self._found is not None):
            return
        if self._thread is not None and time.monotonic() - asked < LOOK_SECONDS and wanted == folders:
            return
        self._asked = (time.monotonic(), wanted)
        self._thread = threading.Thread(target=self._look, args=(wanted,), name="shelf", daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """Look at the next occasion: something was changed here."""
        self._asked = (float("-inf"), ())

    def wait(self, seconds: float) -> None:
        """Wait for a look under way."""
        if self._thread is not None:
            self._thread.join(seconds)

    def collect(self) -> bool:
        """Take over what a look found; whether anything differs."""
        found, self._found = self._found, None
        if found is None:
            return False
        before = (self.entries, self.curves, self.looked)
        self.entries, self.curves, self.looked = found.entries, found.curves, True
        there = {entry.folder for entry in found.entries}
        self.chosen = [folder for folder in self.chosen if folder in there]
        if before == (self.entries, self.curves, True):
            return False
        self.revision += 1
        return True

    def _wanted(self) -> list[Path]:
        current = self.current
        mine = [current.folder] if current is not None and current.folder not in self.chosen else []
        return [*self.chosen, *mine]

    def _look(self, wanted: Sequence[Path]) -> None:
        entries = self._catalogue.look()
        curves = {}
        for folder in wanted or [entry.folder for entry in entries[:1]]:
            reader = self._readers.pop(folder, None) or CurveReader(folder)
            self._readers[folder] = reader
            curves[folder] = reader.read()
        for folder in list(self._readers)[:-_READERS]:
            del self._readers[folder]
        self._found = Look(entries, curves)

    # --- cursor and choice

    @property
    def position(self) -> int:
        """Where the cursor is; it stays on its run when others come and go."""
        places = (place for place, entry in enumerate(self.entries) if entry.folder == self._cursor)
        return next(places, 0)

    @property
    def current(self) -> RunEntry | None:
        """The run the cursor is on; None where there is none."""
        return self.entries[self.position] if self.entries else None

    def move_to(self, position: int) -> None:
        """Put the cursor on another run, or as far as there are any."""
        if self.entries:
            self._cursor = self.entries[min(max(position, 0), len(self.entries) - 1)].folder
            self.revision += 1

    def choose(self) -> bool:
        """Choose the cursor's run for the overlay, or no more; false where no letter is left for it."""
        current = self.current
        if current is None:
            return True
        if current.folder in self.chosen:
            self.chosen.remove(current.folder)
        elif len(self.chosen) == len(LETTERS):
            return False
        else:
            self.chosen.append(current.folder)
        self.revision += 1
        return True

    def letter_of(self, folder: Path) -> str:
        """The letter of a chosen run; empty for others."""
        return LETTERS[self.chosen.index(folder)] if folder in self.chosen else ""

    @property
    def first(self) -> RunEntry | None:
        """The run the others are compared with."""
        if not self.chosen:
            return None
        return next((entry for entry in self.entries if entry.folder == self.chosen[0]), None)

    def cycle_kind(self) -> None:
        """Lay other curves over each other."""
        self.kind = CURVE_KINDS[(CURVE_KINDS.index(self.kind) + 1) % len(CURVE_KINDS)]
        self.revision += 1

    def toggle_log(self) -> None:
        """A logarithmic or a linear axis."""
        self.log = not self.log
        self.revision += 1

    def moved(self, folder: Path, target: Path) -> None:
        """The run in `folder` lies in `target` now."""
        self.chosen = [target if place == folder else place for place in self.chosen]
        if self._cursor in {folder, None}:
            self._cursor = target
        self.hurry()

    def removed(self, folder: Path) -> None:
        """The run in `folder` is gone: the cursor goes on to the next."""
        place = self.position
        self.entries = [entry for entry in self.entries if entry.folder != folder]
        self.chosen = [other for other in self.chosen if other != folder]
        self.move_to(place)
        self.hurry()
