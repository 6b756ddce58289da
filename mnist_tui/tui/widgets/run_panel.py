"""What there is to say about the cursor's run, and how its settings differ from the first chosen one's."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content

from mnist_tui.core.catalogue import RunEntry
from mnist_tui.core.comparison import Difference, differences_of, settings_of
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.render.runs_table import ASCII_SIGNS, SIGNS
from mnist_tui.tui.shelf import LETTERS, Shelf
from mnist_tui.tui.widgets.line_view import LineView
from mnist_tui.tui.widgets.runs_table import state_colour

_LEAST_VALUE = 6


class RunPanel(LineView):
    """State, settings, note."""

    DEFAULT_CSS = """
    RunPanel { height: 1fr; width: 44; }
    """

    def __init__(self, shelf: Shelf, *, ascii_only: bool = False) -> None:
        super().__init__(id="run", classes="panel")
        self._shelf = shelf
        self._ascii = ascii_only
        self._shown: object = None

    def show(self) -> None:
        """Repaint if the shelf changed."""
        key = (self._shelf.revision, self.size)
        if key == self._shown:
            return
        self._shown = key
        entry = self._shelf.current
        against = self._against(entry)
        title = entry.name if entry is not None else ""
        title += f" against {LETTERS[0]} {against.name}" if against is not None else ""
        self.border_title = Content(f" {title} " if title else "")
        self.redraw()

    def _against(self, entry: RunEntry | None) -> RunEntry | None:
        first = self._shelf.first
        return first if entry is not None and first is not None and first.folder != entry.folder else None

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """State, differences, note."""
        entry = self._shelf.current
        if entry is None:
            return
        palette = self.palette
        state = entry.state_in_words
        sign = (ASCII_SIGNS if self._ascii else SIGNS)[state]
        words = ", ".join(word for word in (f"{sign} {state}", entry.owner, entry.problem) if word)
        yield from self._wrapped(words, width, Style(color=state_colour(state, palette), bold=True))
        if entry.notes:
            yield from self._wrapped(entry.notes, width, Style(color=palette.text, italic=True))
        against = self._against(entry)
        if against is not None:
            rows = differences_of(against, entry)
            yield from self._table(rows, width, (LETTERS[0], "this run"), "the same settings")
        else:
            yield from self._table(_unusual(entry), width, ("default", "this run"), "every setting is the default")

    def _wrapped(self, text: str, width: int, style: Style) -> Iterable[Iterable[Segment]]:
        text = text.encode("ascii", "replace").decode() if self._ascii else text
        for line in textwrap.wrap(text, max(8, width)):
            yield [Segment(line, style)]

    def _table(
        self, rows: list[Difference], width: int, titles: tuple[str, str], none: str
    ) -> Iterable[Iterable[Segment]]:
        palette = self.palette
        if not rows:
            yield [Segment(none, Style(color=palette.muted))]
            return
        value = max(_LEAST_VALUE, *(cell_len(text) for row in rows for text in (row.a, row.b)), len(titles[1]))
        value = min(value, max(_LEAST_VALUE, (width - 10) // 2 - 1))
        first = width - 2 * (value + 1)
        muted = Style(color=palette.muted)
        yield [Segment(" " * first), *(Segment(f" {title[:value]:>{value}}", muted) for title in titles)]
        for row in rows:
            yield [
                Segment(_fitted(row.setting, first), muted),
                Segment(" " + _fitted(row.a, value, right=True), Style(color=palette.text)),
                Segment(" " + _fitted(row.b, value, right=True), Style(color=palette.accent, bold=True)),
            ]


def _fitted(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells; what was cut off ends with a tilde."""
    if cell_len(text) > width:
        return set_cell_size(text, max(0, width - 1)) + "~"
    padding = " " * (width - cell_len(text))
    return padding + text if right else text + padding


def _unusual(entry: RunEntry) -> list[Difference]:
    """The settings that are not the defaults, and where it was trained."""
    defaults = Hyperparameters()
    rows = [
        Difference(KNOBS[name].label, KNOBS[name].format(getattr(defaults, name)), KNOBS[name].format(value))
        for name, value in entry.hyperparameters.items()
        if value != getattr(defaults, name)
    ]
    settings = settings_of(entry)
    return rows + [Difference(name, "", settings[name]) for name in ("device", "threads") if name in settings]
