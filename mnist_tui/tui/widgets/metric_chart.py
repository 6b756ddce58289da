"""A live chart of one metric; only the cells that changed are sent to the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from mnist_tui.core.history import History
from mnist_tui.core.progress import Progress
from mnist_tui.render.view import View
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.render.chart import Drawing


class MetricChart(LineView):
    """Loss or accuracy: raw batches faint, their average bright, test points, edits as marked lines.

    Args:
        view: which metric, and how it is looked at.
        hint: what to say where there is no batch yet.
    """

    DEFAULT_CSS = """
    MetricChart { height: 1fr; }
    """

    def __init__(self, view: View, history: History, progress: Progress, hint: Callable[[], str]) -> None:
        super().__init__(id=view.metric, classes="panel")
        self.view = view
        self._history = history
        self._progress = progress
        self._hint = hint
        self._drawing: Drawing | None = None
        self._drawn_key: object = None

    def on_mount(self) -> None:
        """Write the legend, anew in each theme's colours."""
        self.watch(self.app, "theme", self._title)

    def on_resize(self) -> None:
        """The axes need another frame."""
        self._title()
        self.show()

    def look(self, **changes: object) -> None:
        """Change how the metric is looked at, e.g. `log=True`."""
        self.view = attrs.evolve(self.view, **changes)  # type: ignore[arg-type]
        self._title()
        self.show()

    def _title(self) -> None:
        ascii_only = self.view.ascii_only
        palette = self.palette
        raw, mean = (
            (palette.raw, palette.average)
            if self.view.metric == "loss"
            else (palette.raw_accuracy, palette.average_accuracy)
        )
        legend = [
            (":" if ascii_only else "⣿", raw, "batch"),
            ("*" if ascii_only else "━", mean, "average"),
            ("o" if ascii_only else "●", palette.test, "test"),
            ("@" if ascii_only else "◆", palette.best, "best"),
        ]
        parts: list[str | tuple[str, str]] = [(f" {self.view.metric} ", f"bold {mean}")]
        if self.size.width >= 48:
            for sign, colour, word in legend:
                parts += [("  ", ""), (sign, colour), (f" {word}", palette.muted)]
            parts.append((" ", ""))
        self.border_title = Content.assemble(*parts)
        window = "recent" if self.view.recent else "whole run"
        self.border_subtitle = f" {window}{', log y' if self.view.log else ''} "

    def show(self) -> None:
        """Draw the history as it is now; refresh the changed cells, or all where the frame changed."""
        width, height = self.size
        hint = self._hint() if self._history.last_step == 0 else ""
        key = (self._history.revision, self.view, width, height, self._progress.planned_steps, hint)
        if key == self._drawn_key or width < 1 or height < 1:
            return
        self._drawn_key = key
        if self._history.last_step == 0 and not self._history.marks:
            self._drawing = None
            self.redraw()
            return
        before = self._drawing
        from mnist_tui.render.chart import draw_chart  # 10 ms that the first frame does without

        drawing = draw_chart(self._history, self.view, width, height, self._progress.planned_steps)
        self._drawing = drawing
        if before is None or before.frame is not drawing.frame:
            self.redraw()
            return
        left, top = drawing.frame.left, drawing.frame.top
        regions = []
        for row, start, end in drawing.cells.changes(before.cells):
            regions.append(Region(left + start, top + row, end - start, 1))
            if self._lines is not None:
                self._lines[top + row] = self.finish(Strip(self._line(top + row)))
        if regions:
            self.refresh(*regions)

    def draw_lines(self, width: int, height: int) -> list[list[Segment]]:
        """All lines of the chart, or the hint."""
        if self._drawing is None:
            return self._hint_lines(width, height)
        return [self._line(y) for y in range(min(height, len(self._drawing.frame.lines)))]

    def _hint_lines(self, width: int, height: int) -> list[list[Segment]]:
        failed = self._progress.phase == "failed"
        style = Style(color=self.palette.wrong if failed else self.palette.muted)
        lines = textwrap.wrap(self._hint(), max(10, width - 4))
        above: list[list[Segment]] = [[] for _ in range(max(0, height - len(lines)) // 2)]
        return above + [[Segment(line.center(width), style)] for line in lines]

    def _line(self, y: int) -> list[Segment]:
        assert self._drawing is not None
        frame, cells = self._drawing.frame, self._drawing.cells
        palette = self.palette
        axis = Style(color=palette.faint)
        text = frame.lines[y]
        row = y - frame.top
        if not 0 <= row < len(cells.characters):
            return [Segment(text, Style(color=palette.muted))]
        styles = self._styles()
        segments = [
            Segment(text[: frame.left - 1], Style(color=palette.muted)),
            Segment(text[frame.left - 1 : frame.left], axis),
        ]
        characters, numbers = cells.characters[row], cells.styles[row]
        start = 0
        for column in range(1, len(characters) + 1):
            if column == len(characters) or numbers[column] != numbers[start]:
                segments.append(Segment("".join(characters[start:column]), styles[numbers[start]]))
                start = column
        return segments

    def _styles(self) -> dict[int, Style]:
        from mnist_tui.render import curves

        palette = self.palette
        loss = self.view.metric == "loss"
        return {
            curves.BLANK: Style(),
            curves.RAW: Style(color=palette.raw if loss else palette.raw_accuracy),
            curves.AVERAGE: Style(color=palette.average if loss else palette.average_accuracy),
            curves.MARK: Style(color=palette.mark),
            curves.LABEL: Style(color=palette.mark, italic=True),
            curves.TEST: Style(color=palette.test, bold=True),
            curves.BEST: Style(color=palette.best, bold=True),
        }
