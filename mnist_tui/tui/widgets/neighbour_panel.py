"""The training digits nearest to the digit in the network's own feature space, and what they say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.content import Content
from textual.events import Click
from textual.message import Message

from mnist_tui.inspecting.reasons import Neighbour
from mnist_tui.render.bars import bar
from mnist_tui.render.maps import GAP, fitting, lay_out
from mnist_tui.render.words import grouped
from mnist_tui.tui.widgets.picture import SMALL_SIZE, draw_small
from mnist_tui.tui.widgets.study_panel import Line, StudyPanel

_CAPTIONS = (
    "below each: its label, how far its hidden outputs are from this digit's, its index",
    "below each: label, distance of hidden outputs, index",
    "label, distance, index",
)


class NeighbourPanel(StudyPanel, can_focus=True):
    """Pictures, nearest first, with label, distance and index; one of them can be opened."""

    class Opened(Message):
        """A training digit was chosen."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    TOPICS = ("neighbours",)
    BINDINGS = [
        Binding("up", "choose(-1)", "neighbour before", show=False),
        Binding("down", "choose(1)", "next neighbour", show=False),
        Binding("enter", "open", "look into the neighbour", show=False),
    ]

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._chosen = 0

    @property
    def _found(self) -> Sequence[Neighbour]:
        answer = self.study.neighbours
        return answer.neighbours if answer else ()

    def extra(self) -> object:
        """The cursor, which shows with the focus."""
        return self._chosen, self.has_focus, self.study.neighbours_outdated

    def entitle(self) -> None:
        """Whose weights, and how the labels of the nearest are shared out."""
        found, names = self._found, self.study.session.browser.classes
        votes = Counter(neighbour.label for neighbour in found).most_common()
        said = ", ".join(f"{count} x {names[label]}" for label, count in votes[:4])
        answer = self.study.neighbours
        old = ""
        if answer is not None and self.study.neighbours_outdated:
            old = f" after step {grouped(answer.weights_step)} (N: anew)"
        votes_words = f": {said}" if said else ""
        self.entitle_with(
            f"nearest training digits{old}{votes_words}",
            f"nearest training digits{votes_words}",
            f"nearest{votes_words}",
            "nearest",
            below=(*(_CAPTIONS if found else ()), Content("")),
        )

    def on_focus(self) -> None:
        """Show the cursor."""
        self.show()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.show()

    def action_choose(self, distance: int) -> None:
        """Move the cursor."""
        visible = min(len(self._found), self._columns * self._rows)
        self._chosen = min(max(self._chosen + distance, 0), max(0, visible - 1))
        self.show()

    def action_open(self) -> None:
        """Look into the neighbour under the cursor."""
        if self._chosen < len(self._found):
            self.post_message(self.Opened(self._found[self._chosen].index))

    def on_click(self, event: Click) -> None:
        """Look into the neighbour under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        column, inside = divmod(offset.x, SMALL_SIZE[0] + GAP)
        place = offset.y // SMALL_SIZE[1] * self._columns + column
        if inside < SMALL_SIZE[0] and column < self._columns and place < len(self._found):
            self._chosen = place
            self.action_open()

    @property
    def _columns(self) -> int:
        return fitting(SMALL_SIZE, self.size.width, self.size.height)[0]

    @property
    def _rows(self) -> int:
        return fitting(SMALL_SIZE, self.size.width, self.size.height)[1]

    def draw_lines(self, width: int, height: int) -> Iterable[Line]:
        """As many as fit."""
        found = self._found
        training = self.study.session.browser.splits.get("training")
        if not found or training is None:
            return self._missing(width)
        pictures = []
        for place, neighbour in enumerate(found[: self._columns * self._rows]):
            text, style = self._caption(neighbour, place)
            strips = draw_small(training.digit(neighbour.index), text, style, self.palette, self.glyphs)
            pictures.append([list(strip) for strip in strips])
        return lay_out(pictures, SMALL_SIZE, width, height)

    def _caption(self, neighbour: Neighbour, place: int) -> tuple[str, Style]:
        palette, subject, judged = self.palette, self.study.subject, self.study.judged
        distance = f"{neighbour.distance:.1f}" if neighbour.distance >= 1 else f"{neighbour.distance:.2g}"
        figures = f" {distance} {neighbour.index}"
        name = self.study.session.browser.classes[neighbour.label]
        text = name[: max(2, SMALL_SIZE[0] - len(figures))] + figures
        if self.has_focus and place == self._chosen:
            return text, Style(color=palette.background, bgcolor=palette.accent, bold=True)
        if subject is not None and neighbour.label == subject.true:
            return text, Style(color=palette.right)
        if judged is not None and neighbour.label == judged.predicted and subject and subject.true is not None:
            return text, Style(color=palette.wrong, bold=True)
        return text, Style(color=palette.muted)

    def _missing(self, width: int) -> Iterable[Line]:
        done, answer = self.study.working("neighbours"), self.study.neighbours
        if answer is not None:
            return self.muted_lines("the network diverged: what its hidden units give are not numbers", width)
        if done is None:
            return self.muted_lines(self.missing("neighbours"), width)
        training = self.study.session.browser.splits.get("training")
        count = grouped(len(training)) if training else "the"
        doing = f"computing hidden outputs of {count} training digits" if training else "reading the training digits"
        if self.study.session.progress.active:
            doing += ", once for this evaluation; training is slower meanwhile"
        room = min(40, width)
        line = Segment(bar(done, room, self.ascii), Style(color=self.palette.accent))
        return [*self.muted_lines(doing, width), [Segment(" " * ((width - room) // 2)), line]]
