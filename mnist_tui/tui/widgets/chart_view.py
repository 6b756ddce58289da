"""A live picture of one metric; only the cells that changed are sent to the terminal."""

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

from mnist_tui.core.history import DEFAULT_SMOOTHING, SMOOTHINGS, History, Unit
from mnist_tui.core.progress import Progress
from mnist_tui.render.view import View
from mnist_tui.tui.finishing import finished
from mnist_tui.tui.widgets.framed import cell_segments, framed_line
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.render.chart import Drawing
    from mnist_tui.render.growth import Growth
    from mnist_tui.render.palette import Palette


class ChartView(LineView):
    """Loss or accuracy: raw batches faint, their average bright, test points, edits as marked lines.

    Args:
        view: which metric, and how it is looked at.
        history: what to draw.
        progress: whether the run has failed.
        hint: what to say where there is no batch yet.
        planned: where the run will end, in a unit of the x axis; None while it is unknown.
    """

    DEFAULT_CSS = """
    ChartView { height: 1fr; }
    """

    def __init__(
        self,
        view: View,
        history: History,
        progress: Progress,
        hint: Callable[[], str],
        planned: Callable[[Unit], float | None],
    ) -> None:
        super().__init__(id=view.metric, classes="panel")
        self.view = view
        self._history = history
        self._progress = progress
        self._hint = hint
        self._planned = planned
        self._subtitle = ""
        self._drawing: Drawing | None = None
        self._growth: Growth | None = None
        self._cell_styles: tuple[Palette, dict[int, Style]] | None = None
        self._drawn_key: object = None
        self._stale: set[int] = set()  # lines that were drawn in part since they were made

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
        self.show()
        self._write_subtitle()

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
        self._write_subtitle()

    def _write_subtitle(self) -> None:
        """What the cursor reads, or how the metric is looked at."""
        words = self._reading() or self._window_words()
        if words != self._subtitle:  # to set it repaints the whole chart
            self._subtitle = words
            self.border_subtitle = f" {words} "

    def _reading(self) -> str:
        if self.view.cursor is None or self._drawing is None:
            return ""
        from mnist_tui.render.marks import centre_of
        from mnist_tui.render.reading import describe_reading, read_cursor

        columns, x = self._drawing.frame.columns, self._drawing.x
        reach = (centre_of(1, x, columns) - centre_of(0, x, columns)) / 2
        reading = read_cursor(self._history, self.view, reach)
        if reading is None:
            return ""
        return describe_reading(reading, self.view.metric, self.view.ascii_only, self.size.width - 6)

    def _window_words(self) -> str:
        view = self.view
        words = ["zoomed" if view.zoom else "recent" if view.recent else "whole run"]
        if view.unit != "step":
            words.append(f"by {view.unit}")
        if view.log:
            words.append("log y")
        if view.smoothing != DEFAULT_SMOOTHING:
            strength = SMOOTHINGS[view.smoothing]
            words.append(f"smoothing {strength:g}" if strength else "no smoothing")
        return ", ".join(words)

    def show(self) -> None:
        """Draw the history as it is now; refresh the changed cells, or all where the frame changed."""
        width, height = self.size
        hint = self._hint() if self._history.last_step == 0 else ""
        planned = self._planned(self.view.unit)
        key = (self._history.revision, self.view, width, height, planned, hint)
        if key == self._drawn_key or width < 1 or height < 1:
            return
        self._drawn_key = key
        if self._history.last_step == 0 and not self._history.marks:
            self._drawing = None
            self.redraw()
            return
        before = self._drawing
        from mnist_tui.render.chart import draw_chart  # 10 ms that the first frame does without
        from mnist_tui.render.growth import Growth

        self._growth = self._growth or Growth()
        drawing = draw_chart(self._history, self.view, width, height, planned, self._growth)
        self._drawing = drawing
        self._write_subtitle()
        if before is None or before.frame is not drawing.frame:
            self.redraw()
            return
        left, top = drawing.frame.left, drawing.frame.top
        regions = []
        for row, start, end in drawing.cells.changes(before.cells):
            regions.append(Region(left + start, top + row, end - start, 1))
            self._stale.add(top + row)
        if regions:
            self.refresh(*regions)

    def redraw(self) -> None:
        """As ever; nothing is known of the lines that were drawn in part."""
        if self._lines is not None:
            for y in self._stale:
                self._lines[y] = Strip([])
        self._stale.clear()
        super().redraw()

    def render_line(self, y: int) -> Strip:
        """A whole line, made anew where it was drawn in part."""
        if self._lines is None or self._drawn_size != self.size:
            self._stale.clear()  # all lines are made anew, and may be fewer
        elif y in self._stale and self._drawing is not None:
            self._lines[y] = self.finish(self._line(y))
            self._stale.discard(y)
        return super().render_line(y)

    def render_part(self, y: int, first: int, end: int) -> Strip:
        """Cells of the plotting area are a tenth of the work that their whole line is."""
        drawing = self._drawing
        if y not in self._stale or drawing is None:
            return super().render_part(y, first, end)
        frame = drawing.frame
        if not frame.left <= first <= end <= frame.left + frame.columns:
            return super().render_part(y, first, end)
        cells = cell_segments(drawing.cells, y - frame.top, first - frame.left, end - frame.left, self._styles())
        return finished(cells, end - first, self._background())

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
        return framed_line(self._drawing, y, self._styles(), self.palette)

    def _styles(self) -> dict[int, Style]:
        """Of the cells; made once for each theme."""
        if self._cell_styles is None or self._cell_styles[0] is not self.palette:
            self._cell_styles = self.palette, self._make_styles()
        return self._cell_styles[1]

    def _make_styles(self) -> dict[int, Style]:
        from mnist_tui.render import cells

        palette = self.palette
        loss = self.view.metric == "loss"
        return {
            cells.BLANK: Style(),
            cells.RAW: Style(color=palette.raw if loss else palette.raw_accuracy),
            cells.AVERAGE: Style(color=palette.average if loss else palette.average_accuracy),
            cells.MARK: Style(color=palette.mark),
            cells.LABEL: Style(color=palette.mark, italic=True),
            cells.TEST: Style(color=palette.test, bold=True),
            cells.BEST: Style(color=palette.best, bold=True),
            cells.ABANDONED: Style(color=palette.faint),
            cells.ABANDONED_LABEL: Style(color=palette.muted, italic=True),
            cells.CURSOR: Style(color=palette.accent),
        }
