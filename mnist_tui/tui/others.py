"""Which evaluations the shown one can be compared with; those of other runs are found by a thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from mnist_tui.core.catalogue import Catalogue, RunEntry
from mnist_tui.core.events import Evaluated
from mnist_tui.core.replay import Replay, in_force, read_logits
from mnist_tui.core.runs import read_run
from mnist_tui.tui.browser import DigitBrowser, Other

_RUNS_READ = 40  # the newest; each costs the reading of its log and of at most two evaluations
_ROW_BYTES = 40


@attrs.frozen
class Candidate:
    """An evaluation to compare with.

    Attributes:
        name: what it is called in titles.
        page: the evaluation; its logits are empty where they are still in `folder`.
        folder: the run's whose evaluation it is; None for the shown run.
        is_before: whatever comes before the shown one, not one in particular.
    """

    name: str
    page: Evaluated
    folder: Path | None = None
    is_before: bool = False

    @property
    def words(self) -> str:
        """A line of a list: name, epoch, step, accuracy."""
        page = self.page
        name = "whichever comes before" if self.is_before else self.name
        place = f"epoch {page.epoch}" if name == f"step {page.step}" else f"epoch {page.epoch}, step {page.step}"
        if self.is_before:
            place = f"now {self.name}"
        return f"{name:<36}  {place:<22} {100 * page.accuracy:6.2f} %"


def earlier(browser: DigitBrowser) -> list[Candidate]:
    """The evaluations of the shown run but the shown one; first the one before it."""
    shown, before = browser.album.shown, browser.album.before
    first = [] if before is None else [Candidate(f"step {before.step}", before, is_before=True)]
    pages = [page for page in reversed(browser.album.pages) if page is not shown]
    return [*first, *(Candidate(f"step {page.step}", page) for page in pages)]


def other_of(candidate: Candidate, labels: bytes) -> Other | None:
    """What to compare with; None where its file is gone or damaged by now."""
    from mnist_tui.core.predictions import Predictions

    page = candidate.page
    logits = page.logits or (read_logits(candidate.folder, page) if candidate.folder is not None else b"")
    if len(logits) != _ROW_BYTES * len(labels):
        return None
    return Other(candidate.name, Predictions.from_bytes(logits, labels, page.step))


class OtherRuns:
    """The best and the last evaluation of each other run on the same test digits.

    Args:
        runs_dir: where the runs are.
        folder: the shown run's, which is left out.
        dataset: what it is trained on, as far as its own file does not say.
        size: how many test digits there are.

    Attributes:
        looked: whether the disk has been read.
        candidates: what was found, the newest run first.
    """

    def __init__(self, runs_dir: Path, folder: str, dataset: str, size: int) -> None:
        self.runs_dir = runs_dir
        self.looked = False
        self.candidates: Sequence[Candidate] = ()
        self._own = Path(folder).absolute()
        self._dataset, self._size = dataset, size
        self._thread = threading.Thread(target=self._look, name="other runs", daemon=True)

    def start(self) -> None:
        """Begin to read; nobody waits for it."""
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for it all the same."""
        self._thread.join(seconds)

    def _look(self) -> None:
        found: list[Candidate] = []
        try:
            facts = {"dataset": self._dataset, "data_dir": None, **read_run(self._own)}
            entries = [entry for entry in Catalogue(self.runs_dir).look() if self._fits(entry, facts)]
            for entry in entries[:_RUNS_READ]:
                found += self._of(entry)
                self.candidates = tuple(found)
        finally:
            self.looked = True

    def _fits(self, entry: RunEntry, facts: Mapping[str, Any]) -> bool:
        same = entry.dataset == facts["dataset"] and entry.facts.get("data_dir") == facts["data_dir"]
        return same and entry.folder.absolute() != self._own

    def _of(self, entry: RunEntry) -> list[Candidate]:
        tests = [
            event
            for event in in_force(Replay(entry.folder).read(arrays=False))
            if isinstance(event, Evaluated) and event.split == "test"
        ]
        if not tests:
            return []
        best = max(tests, key=lambda event: event.accuracy)
        kinds = {"last": tests[-1]} if best is tests[-1] else {"best": best, "last": tests[-1]}
        return [
            Candidate(f"{entry.name}, {kind}", page, entry.folder)
            for kind, page in kinds.items()
            if len(read_logits(entry.folder, page)) == _ROW_BYTES * self._size
        ]
