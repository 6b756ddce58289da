"""Which test digits are looked at, in which order, and which one now; shared by the panels that show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnist_tui.core.dataset import Split
from mnist_tui.core.events import DataLoaded, Evaluated

if TYPE_CHECKING:
    from mnist_tui.core.predictions import Predictions


class DigitBrowser:
    """The test set, its newest evaluation, a filter, and a cursor.

    Attributes:
        test: the digits; None until they are loaded.
        classes: the ten names.
        predictions: the newest evaluation; None before the first. Order and captions always come from this one table.
        only_wrong: show misclassified digits alone.
        order: indices into `test` in the order shown: by loss, or as stored before the first evaluation.
        position: where in `order` the cursor is.
        revision: grows with every change.
        evaluations: grows with every change of `predictions`, which is what drawn captions depend on.
    """

    def __init__(self) -> None:
        self.test: Split | None = None
        self.classes: Sequence[str] = tuple("0123456789")
        self.predictions: Predictions | None = None
        self.only_wrong = False
        self.order: Sequence[int] = ()
        self.position = 0
        self.revision = 0
        self.evaluations = 0
        self._moved = False

    @property
    def index(self) -> int | None:
        """The test index under the cursor; None where nothing is shown."""
        return self.order[self.position] if 0 <= self.position < len(self.order) else None

    @property
    def wrong_count(self) -> int | None:
        """How many digits the newest evaluation got wrong."""
        return None if self.predictions is None else int(self.predictions.wrong.sum())

    def load(self, event: DataLoaded) -> None:
        """Show the digits of `event`, without predictions."""
        self.test = event.test
        self.classes = event.source.classes
        self.forget()

    def forget(self) -> None:
        """Drop the predictions: they belong to a run that is not shown any more."""
        self.predictions = None
        self.evaluations += 1
        self.only_wrong = False
        self.order = range(len(self.test)) if self.test else ()
        self.position = 0
        self._moved = False
        self.revision += 1

    def judge(self, event: Evaluated) -> None:
        """Show `event`'s predictions; a cursor that was moved stays on its digit where that is still shown."""
        if self.test is None:
            return
        from mnist_tui.core.predictions import (
            Predictions,
        )  # numpy: after the first frame, and with torch already there

        self.predictions = Predictions.from_bytes(event.logits, self.test.labels, event.step)
        self.evaluations += 1
        self._reorder()

    def toggle_wrong(self) -> None:
        """Show all digits, or only misclassified ones; without predictions there is nothing to tell them apart by."""
        if self.predictions is not None:
            self.only_wrong = not self.only_wrong
            self._reorder()

    def _reorder(self) -> None:
        from mnist_tui.core.predictions import Filter

        assert self.predictions is not None
        index = self.index if self._moved else None
        self.order = self.predictions.select(Filter(only="wrong" if self.only_wrong else "all"), "loss")
        if index is not None and index in self.order:
            self.position = self.order.index(index)
        else:
            self.position = min(self.position, max(0, len(self.order) - 1)) if self._moved else 0
        self.revision += 1

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
