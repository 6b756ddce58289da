"""What all panels of the one-digit view share: they repaint when what they show has changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content

from mnist_tui.core.notes import harmless
from mnist_tui.render.blocks import Glyphs
from mnist_tui.tui.study import Study
from mnist_tui.tui.widgets.line_view import LineView

Line = list[Segment]
NO_WEIGHTS = "no evaluation yet: e evaluates while training, space trains"


class StudyPanel(LineView):
    """A panel over a study.

    Attributes:
        TOPICS: the questions whose answers it shows.
    """

    TOPICS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, study: Study, *, id: str) -> None:
        super().__init__(id=id, classes="panel")
        self.study = study
        self._shown: object = None

    @property
    def glyphs(self) -> Glyphs:
        """How pixels are drawn."""
        return self.study.session.glyphs

    @property
    def ascii(self) -> bool:
        """Whether nothing but ASCII may be written."""
        return self.study.session.ascii_only

    def on_mount(self) -> None:
        """Take the state over."""
        self.show()

    def show(self) -> None:
        """Repaint if what is shown changed; an answer that comes at once is waited for."""
        if not all(map(self.study.settled, self.TOPICS)):
            return
        browser = self.study.session.browser
        answers = tuple(map(self.study.answer_to, self.TOPICS))  # kept, so that no other gets their identity
        key = (self.study.subject, browser.evaluations, self.extra(), tuple(map(id, answers)))
        if self._shown is None or self._shown[:1] != (key,):  # type: ignore[index]
            self._shown = (key, answers)
            self.entitle()
            self.redraw()

    def extra(self) -> object:
        """What else the panel depends on."""
        return None

    def entitle(self) -> None:
        """Write the titles."""

    def title_with(self, *parts: str | tuple[str, str]) -> Content:
        """Text that is never parsed, and styled pieces of it."""
        safe = [harmless(part) if isinstance(part, str) else (harmless(part[0]), part[1]) for part in parts]
        return Content.assemble(" ", *safe, " ")

    def muted_lines(self, text: str, width: int) -> Iterable[Line]:
        """A sentence in the middle, in as many lines as it takes."""
        style = Style(color=self.palette.muted)
        return [[], *([Segment(line.center(width), style)] for line in wrap(text.split(" "), width, " "))]

    def missing(self, topic: str) -> str:
        """Why there is nothing to show of a topic."""
        study = self.study
        if study.session.weights is None:
            return NO_WEIGHTS
        if study.subject is None:
            return "no digit is shown here"
        return study.refusal(topic) or "one moment"


def wrap(pieces: Iterable[str], width: int, gap: str = "  ") -> list[str]:
    """Pieces in lines, none broken."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + len(gap) + len(piece) <= width:
            lines[-1] += gap + piece
        else:
            lines.append(piece)
    return lines
