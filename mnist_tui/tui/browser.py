"""Which digits are looked at, in which order, and which one now; shared by the panels that show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from mnist_tui.core.album import Album, Verdict
from mnist_tui.core.dataset import Source, Split
from mnist_tui.core.query import ALL, WRONG, Query, Sort

if TYPE_CHECKING:
    from mnist_tui.core.events import DataLoaded, Evaluated
    from mnist_tui.core.predictions import Blame, Predictions

OTHERS = "three networks that were not trained on what they judge"
SplitName: TypeAlias = Literal["test", "training", "drawings"]


@attrs.frozen(eq=False)
class Other:
    """Another evaluation of the same digits, to compare with; `name` says which, in words."""

    name: str
    predictions: Predictions


class DigitBrowser:
    """Splits of digits, their evaluation, what of them is wanted in which order, and a cursor.

    Attributes:
        album: evaluations of the test split; what is shown of any split belongs to the weights of the one shown.
        splits: the digits there are.
        split: which of them are looked at.
        source: where the digits are from; None until they are loaded.
        classes: the ten names.
        predictions: of the split looked at; None where there are none. Order and captions always come from this table.
            Of another split than the test digits it may be that of an earlier evaluation, until the one that is shown
            has judged them: its `step` says which.
        query, sort: what of it is shown, in which order; they survive the next evaluation.
        order: indices into the split in the order shown: as stored where there are no predictions.
        position: where in `order` the cursor is.
        blame: which condition leaves nothing; None where something is shown.
        searches: lines that were typed, oldest first.
        revision: grows with every change.
        runs: grows with every run that is shown: whatever was asked about the one before is to be asked anew.
        out_of_sample: training digits are shown as networks judge them that were not trained on them.
        evaluations: grows with every change of `predictions`, of the split or of what is compared with: all that drawn
            captions depend on.
    """

    def __init__(self) -> None:
        self.album = Album()
        self.splits: dict[SplitName, Split] = {}
        self.split: SplitName = "test"
        self.source: Source | None = None
        self.classes: Sequence[str] = tuple("0123456789")
        self.predictions: Predictions | None = None
        self.query: Query = ALL
        self.sort: Sort = "loss"
        self.sort_before: Sort | None = None  # than likely label errors were looked for
        self.order: Sequence[int] = ()
        self.position = 0
        self.blame: Blame | None = None
        self.searches: list[str] = []
        self.revision = 0
        self.evaluations = 0
        self.runs = 0
        self.out_of_sample = False
        self._moved = False
        self._tables: dict[object, Predictions] = {}
        self._newest: dict[SplitName, Predictions] = {}  # of the splits that are judged only while they are looked at
        self._chosen_other: Other | None = None

    # --- what is there

    @property
    def digits(self) -> Split | None:
        """The split that is looked at; None until it is loaded."""
        return self.splits.get(self.split)

    @property
    def index(self) -> int | None:
        """The index in the split under the cursor; None where nothing is shown."""
        return self.order[self.position] if 0 <= self.position < len(self.order) else None

    @property
    def judged(self) -> bool:
        """Whether the evaluation that is shown has judged the split that is looked at; so too where there is none."""
        page = self.album.shown
        return page is None or self.split == "test" or (self.split, page.step, page.branch) in self._tables

    @property
    def wrong_count(self) -> int | None:
        """How many digits the evaluation got wrong."""
        return None if self.predictions is None else int(self.predictions.wrong.sum())

    @property
    def only_wrong(self) -> bool:
        """Whether misclassified digits alone are shown."""
        return self.query.get("is") == WRONG.get("is")

    @property
    def other(self) -> Other | None:
        """What the evaluation is compared with: the one that was chosen, or the one before it."""
        if self.split != "test" or self.album.shown is None:
            return None
        if self._chosen_other is not None:
            return self._chosen_other
        before = self.album.before
        return None if before is None else Other(f"step {before.step}", self._table_of(before))

    def history(self, index: int) -> Sequence[Verdict]:
        """What every evaluation made of a test digit; nothing for other splits."""
        test = self.splits.get("test")
        return self.album.history(index, test.labels) if test is not None and self.split == "test" else ()

    # --- what happens

    def load(self, event: DataLoaded) -> None:
        """Show the digits of `event`, without predictions."""
        self.splits = {"test": event.test}
        self.split = "test"
        self.source = event.source
        self.classes = event.source.classes
        self.forget()

    def add_split(self, name: SplitName, digits: Split) -> None:
        """Have other digits to look at, or other ones of that name."""
        self.splits[name] = digits
        self._tables = {key: table for key, table in self._tables.items() if key[0] != name}  # type: ignore[index]
        self._newest.pop(name, None)
        self._turn_to_shown()

    def forget(self) -> None:
        """Drop the predictions: they belong to a run that is not shown any more."""
        self.runs += 1
        self.album.clear()
        self._tables.clear()
        self._newest.clear()
        self._chosen_other = None
        self.out_of_sample = False
        self.query = self.query.without("is").without("vs")
        self._moved = False
        self.position = 0
        self._turn_to_shown()

    def judge(self, event: Evaluated) -> None:
        """Take in `event`'s predictions, and show them unless an earlier evaluation is looked at."""
        test = self.splits.get("test")
        if test is None or len(event.logits) != 40 * len(test):
            return
        self.album.add(event)
        self._turn_to_shown()

    def judge_split(
        self, name: SplitName, step: int, branch: int, logits: bytes, weights_step: int | None = None
    ) -> None:
        """Take in predictions of another split, for the evaluation after `step` on `branch`.

        `weights_step` says which weights made them, where those of the evaluation are no more.
        """
        digits = self.splits.get(name)
        if digits is None or len(logits) != 40 * len(digits):
            return
        from mnist_tui.core.predictions import Predictions

        self._drop_tables()
        judged_by = step if weights_step is None else weights_step
        seen = name == "training"
        table = Predictions.from_bytes(logits, digits.labels, judged_by, in_sample=seen)
        self._newest[name] = self._tables[name, step, branch] = table
        self._turn_to_shown()

    def judge_crosswise(self, name: SplitName, step: int, logits: bytes) -> None:
        """Take in predictions of another split by networks that were not trained on what they predict."""
        digits = self.splits.get(name)
        if digits is None or len(logits) != 40 * len(digits):
            return
        from mnist_tui.core.predictions import Predictions

        table = Predictions.from_bytes(logits, digits.labels, step, judged_by=OTHERS)
        self._tables[name, "crosswise"] = table
        self._turn_to_shown()

    @property
    def judged_crosswise(self) -> bool:
        """Whether there are such predictions of the split that is looked at."""
        return (self.split, "crosswise") in self._tables

    def show_out_of_sample(self, wanted: bool) -> None:
        """Show what such networks make of the split, or again what the run's own does."""
        self.out_of_sample = wanted
        self._turn_to_shown()

    def rewind(self, step: int) -> None:
        """Forget evaluations of batches that were undone."""
        if self.album.rewind(step):
            self._newest = {name: table for name, table in self._newest.items() if table.step <= step}
            self._turn_to_shown()

    # --- what is wanted

    def show_split(self, name: SplitName) -> None:
        """Look at other digits, if they are there."""
        if name in self.splits and name != self.split:
            self.split = name
            self._moved = False
            self.position = 0
            self._turn_to_shown()

    def turn(self, distance: int) -> bool:
        """Look at an earlier or a later evaluation; whether there is one."""
        turned = self.album.turn(distance)
        if turned:
            self._turn_to_shown()
        return turned

    def compare_with(self, other: Other | None) -> None:
        """Compare with another evaluation; None: with the one before."""
        self._chosen_other = other
        self._turn_to_shown()

    def ask(self, query: Query, sort: Sort | None = None) -> None:
        """Show what `query` wants, in the order of `sort`, or in that it was in."""
        if query.get("is") != self.query.get("is"):
            self.evaluations += 1  # captions of suspects say what their label should be
        condition = query.get("is")
        if self.sort_before is not None and (condition is None or "suspect" not in condition.choices):
            if sort is None and self.sort == "quality":
                sort = self.sort_before
            self.sort_before = None
        self.query, self.sort = query, sort or self.sort
        self._reorder()

    def doubt(self) -> None:
        """Show digits whose label is likely wrong, the likeliest first, until that condition is taken off."""
        before = self.sort
        self.ask(self.query.choose("is", "suspect"), "quality")
        self.sort_before = before
        self.move_to(0)

    def sort_by(self, sort: Sort) -> None:
        """Show it in another order."""
        self.ask(self.query, sort)

    def toggle_wrong(self) -> None:
        """Show all digits, or only misclassified ones; without predictions there is nothing to tell them apart by."""
        if self.predictions is not None:
            self.ask(self.query.without("is") if self.only_wrong else self.query.choose("is", "wrong"))

    # --- the cursor

    def move(self, distance: int) -> None:
        """Move the cursor by `distance` digits, as far as there are any."""
        self.move_to(self.position + distance)

    def move_to(self, position: int) -> None:
        """Put the cursor at `position` in the order, or at its nearest end."""
        bounded = min(max(position, 0), max(0, len(self.order) - 1))
        self._moved = True
        if bounded != self.position:
            self.position = bounded
            self.revision += 1

    # --- inside

    def _table_of(self, page: Evaluated) -> Predictions:
        """The table of an evaluation of the test split, made once."""
        from mnist_tui.core.predictions import Predictions  # numpy: after the first frame, and with torch already there

        key = ("test", page.step, page.branch)
        if key not in self._tables:
            self._drop_tables()
            self._tables[key] = Predictions.from_bytes(page.logits, self.splits["test"].labels, page.step)
        return self._tables[key]

    def _drop_tables(self) -> None:
        """Keep the tables of the evaluation that is shown and of the one before it alone."""
        pages = [page for page in (self.album.shown, self.album.before) if page is not None]
        crosswise = {(name, "crosswise") for name in self.splits}
        kept = {(name, page.step, page.branch) for page in pages for name in self.splits} | crosswise
        self._tables = {key: table for key, table in self._tables.items() if key in kept}

    def _turn_to_shown(self) -> None:
        page = self.album.shown
        if page is None or self.digits is None:
            self.predictions = None
        elif self.out_of_sample and self.judged_crosswise:
            self.predictions = self._tables[self.split, "crosswise"]
        elif self.split == "test":
            self.predictions = self._table_of(page)
        else:
            self.predictions = self._tables.get((self.split, page.step, page.branch), self._newest.get(self.split))
        self.evaluations += 1
        self._reorder()

    def _reorder(self) -> None:
        index = self.index if self._moved else None
        self.blame = None
        if self.predictions is None:
            self.order = range(len(self.digits)) if self.digits else ()
        else:
            from mnist_tui.core.predictions import blame, select

            other = self.other if self.query.get("vs") else None
            compared = other.predictions if other else None
            self.order = select(self.predictions, self.query, self.sort, compared)
            if not self.order:
                self.blame = blame(self.predictions, self.query, compared)
        if index is not None and index in self.order:
            self.position = self.order.index(index)
        else:
            self.position = min(self.position, max(0, len(self.order) - 1)) if self._moved else 0
        self.revision += 1
