"""The chosen runs and the cursor's, curve over curve."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content

from mnist_tui.tui.shelf import LETTERS, Shelf
from mnist_tui.tui.theme import curve_colours
from mnist_tui.tui.widgets.framed import framed_line
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.render.overlay import Overlaid

_CURSOR = len(LETTERS)  # the number of the cursor's run where it is not chosen
_LEGEND_NAME = 16


class OverlayChart(LineView):
    """Test accuracy, test loss or training loss over the steps; `*` is the cursor's run where it has no letter."""

    DEFAULT_CSS = """
    OverlayChart { height: 1fr; }
    """

    def __init__(self, shelf: Shelf, *, ascii_only: bool = False) -> None:
        super().__init__(id="overlay", classes="panel")
        self._shelf = shelf
        self._ascii = ascii_only
        self._shown: object = None

    def on_mount(self) -> None:
        """Write the legend in each theme's colours."""
        self.watch(self.app, "theme", self._legend)

    def on_resize(self) -> None:
        """Another frame."""
        self._shown = None
        self.show()

    def show(self) -> None:
        """Repaint if the shelf changed."""
        key = (self._shelf.revision, self.size)
        if key != self._shown:
            self._shown = key
            self._legend()
            self.redraw()

    def _runs(self) -> list[Overlaid]:
        from mnist_tui.render.overlay import Overlaid

        shelf = self._shelf
        runs = [
            Overlaid(letter, number, shelf.curves[folder].of(shelf.kind))
            for number, (letter, folder) in enumerate(zip(LETTERS, shelf.chosen, strict=False))
            if folder in shelf.curves
        ]
        current = shelf.current
        if current is not None and current.folder not in shelf.chosen and current.folder in shelf.curves:
            runs.append(Overlaid("*", _CURSOR, shelf.curves[current.folder].of(shelf.kind)))
        return runs

    def _legend(self) -> None:
        shelf, palette = self._shelf, self.palette
        names = {entry.folder: entry.name for entry in shelf.entries}
        parts: list[str | tuple[str, str]] = [(f" {shelf.kind} ", f"bold {palette.text}")]
        shown = [
            (letter, colour, names.get(folder, ""))
            for letter, colour, folder in zip(LETTERS, curve_colours(palette), shelf.chosen, strict=False)
        ]
        current = shelf.current
        if current is not None and current.folder not in shelf.chosen:
            shown.append(("*", palette.text, current.name))
        for letter, colour, name in shown:
            short = name if len(name) <= _LEGEND_NAME else set_cell_size(name, _LEGEND_NAME - 1) + "~"
            parts += [("  ", ""), (letter, f"bold {colour}"), (f" {short}", palette.muted)]
        parts.append((" ", ""))
        self.border_title = Content.assemble(*parts)
        self.border_subtitle = " log y " if shelf.log else ""

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The chart, or why there is none."""
        from mnist_tui.render.overlay import LETTER, LINE, draw_overlay

        shelf, palette = self._shelf, self.palette
        drawing = draw_overlay(self._runs(), shelf.kind, width, height, log=shelf.log, ascii_only=self._ascii)
        if drawing is None:
            hint = f"no {shelf.kind} yet" if shelf.entries else ""
            yield from ([] for _ in range(max(0, height - 1) // 2))
            yield [Segment(hint.center(width), Style(color=palette.muted))]
            return
        styles: dict[int, Style] = {0: Style()}
        for number, colour in enumerate((*curve_colours(palette), palette.text)):
            styles[LINE + number] = Style(color=colour)
            styles[LETTER + number] = Style(color=colour, bold=True, reverse=not self._ascii)
        for y in range(len(drawing.frame.lines)):
            yield framed_line(drawing, y, styles, palette)
