"""A partial repaint that draws the widgets under what changed, and writes the cells that changed.

Textual (8.2) draws every widget in sight for each frame, those behind others too, and writes a widget's line from its
left border up to the end of what changed: half of what a frame of the dashboard cost, and half of its bytes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from textual._compositor import Compositor, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.screen import UPDATE_PERIOD, Screen
from textual.strip import Strip
from textual.widget import Widget

from mnist_tui.tui.finishing import NARROW
from mnist_tui.tui.sgr import Writing

Piece: TypeAlias = tuple[int, int, Strip]
"""Line and column on the screen, from 0, and what stands there from then on."""

Gaps: TypeAlias = dict[int, list[tuple[int, int]]]
"""What is still to be drawn: of each line, columns (first, end)."""


class StretchedWidget(Widget, inherit_bindings=False):
    """A widget that has at hand what it said has changed.

    Attributes:
        stretches: by line of its content, first column and end: what stands there, which is not drawn again.
    """

    stretches: Mapping[tuple[int, int, int], Strip] = {}

    @property
    def recoloured(self) -> bool:
        """Whether Textual draws its lines in other colours than they have."""
        return bool(self.highlight_link_id or self.get_line_filters())


class PiecesUpdate(CompositorUpdate):
    """Stretches of lines, each written where it stands."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As `render_segments`."""
        yield Segment(self.render_segments(console))

    def render_segments(self, console: Console) -> str:
        """The repaint for the terminal."""
        writing = _writing(console)
        for y, x, strip in self.pieces:
            writing.move(x, y)
            writing.write(strip)
        return writing.finish()


class WholeUpdate(LayoutUpdate):
    """Textual's, in fewer bytes."""

    def render_segments(self, console: Console) -> str:
        """The repaint for the terminal."""
        writing = _writing(console)
        for y, line in enumerate(self.strips, self.region.y):
            writing.move(self.region.x, y)
            for strip in line:
                writing.write(strip)
        return writing.finish()


def _writing(console: Console) -> Writing:
    return Writing(console._color_system or ColorSystem.TRUECOLOR)


class SparingCompositor(Compositor):
    """Textual's, but for what it draws, and when: what is drawn soon is not told from task to task before.

    That way, through four queues and a timer, takes a sixth of the thread's time while a chart moves.
    """

    def __init__(self) -> None:
        super().__init__()
        self._changed_widgets: set[Widget] = set()
        self._soon: asyncio.Handle | None = None
        self._drawn_at = 0.0

    def draw_soon(self, widget: Widget, screen: Screen[Any]) -> None:
        """Draw `widget`, parts of which have changed, as soon as what runs now has ended.

        Args:
            widget: on `screen`.
            screen: the one that this composes.
        """
        if not self._changed_widgets:
            self._soon = asyncio.get_running_loop().call_soon(self.draw_now, screen)
        self._changed_widgets.add(widget)

    def draw_now(self, screen: Screen[Any]) -> None:
        """Draw what was to be drawn soon, where it is in sight.

        What follows at once, as while a key is held, waits for Textual's next frame.

        Args:
            screen: as before.
        """
        widgets, self._changed_widgets = self._changed_widgets, set()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if not widgets or not screen.is_attached:
            return
        app, now = screen.app, time.monotonic()
        try:
            screen._dirty_widgets |= widgets & self.visible_widgets.keys()
            if screen.is_active and not app._batch_count and now - self._drawn_at >= UPDATE_PERIOD:
                self._drawn_at = now
                screen._on_timer_update()
            else:
                screen.check_idle()
        except Exception as error:  # as in the tasks of Textual, whose work this is
            app._handle_exception(error)

    def render_partial_update(self) -> PiecesUpdate | None:  # type: ignore[override]
        """What changed since the last repaint; None where nothing did."""
        pieces = self._draw(self._changed())
        return PiecesUpdate(sorted(pieces, key=_place)) if pieces else None

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """The whole screen."""
        self._dirty_regions.clear()
        width, height = self.size
        lines: list[list[Strip]] = [[] for _ in range(height)]
        for y, _, strip in sorted(self._draw({y: [(0, width)] for y in range(height) if width}), key=_place):
            lines[y].append(strip)  # none overlaps another: where a gap ends, a widget in front or the screen's edge is
        if simplify:  # for a picture of the screen
            lines = [[Strip(filter(_has_text, Strip.join(line))).simplify().discard_meta()] for line in lines]
        return WholeUpdate(list(lines), self.size.region)

    def _draw(self, gaps: Gaps) -> list[Piece]:
        """What stands in `gaps`, which are empty afterwards."""
        pieces: list[Piece] = []
        before: list[Region] = []
        for widget, (region, clip) in self.visible_widgets.items():  # the foremost first
            if not gaps:
                break
            seen = region.intersection(clip)
            taken = _take(gaps, seen)
            if taken:
                content = region.shrink(widget.gutter)
                inner = [place for place in taken if content.y <= place[0] < content.bottom]
                if isinstance(widget, StretchedWidget) and widget.stretches:
                    inner = _without_known(widget, content, inner, pieces)
                for group in (inner, *([place] for place in taken if not content.y <= place[0] < content.bottom)):
                    if group:
                        pieces += _pieces(widget, region, content, seen, group, before)
            before.append(seen)
        return pieces

    def _changed(self) -> Gaps:
        regions = self._dirty_regions.copy()
        self._dirty_regions.clear()
        gaps: Gaps = {}
        for y, first, end in self._regions_to_spans(regions):
            first, end = max(0, first), min(end, self.size.width)
            if 0 <= y < self.size.height and first < end:
                gaps.setdefault(y, []).append((first, end))
        return gaps


def _without_known(
    widget: StretchedWidget, content: Region, taken: Sequence[tuple[int, int, int]], pieces: list[Piece]
) -> list[tuple[int, int, int]]:
    """The stretches of `taken` that are still to be drawn; what the widget has at hand goes to `pieces`."""
    if widget.recoloured:
        return list(taken)
    left, top, stretches, rest = content.x, content.y, widget.stretches, []
    for place in taken:
        y, first, end = place
        strip = stretches.get((y - top, first - left, end - left))
        if strip is None:
            rest.append(place)
        else:
            pieces.append((y, first, strip))
    return rest


def _pieces(
    widget: Widget,
    region: Region,
    content: Region,
    seen: Region,
    taken: Sequence[tuple[int, int, int]],
    before: Sequence[Region],
) -> Iterator[Piece]:
    """What stands in some stretches of a widget, drawn with one look at it.

    Args:
        widget: what is drawn.
        region: where it is on the screen.
        content: where the inside of its border and padding is.
        seen: the part of `region` that is not cut off.
        taken: line, first column, end, from the top.
        before: what lies in front of it.
    """
    top, bottom = taken[0][0], taken[-1][0] + 1
    left, right = min(first for _, first, _ in taken), max(end for _, _, end in taken)
    if seen.x < left != content.x:  # half a character may be there
        left -= 1
    if content.right != right < seen.right:
        right += 1
    lines = widget.render_lines(Region(left - region.x, top - region.y, right - left, bottom - top))
    for y, first, end in taken:
        first, end = _widened(lines[y - top], y, first, end, left, before)
        yield y, first, lines[y - top].crop(first - left, end - left)


def _place(piece: Piece) -> tuple[int, int]:
    return piece[:2]


def _has_text(segment: Segment) -> bool:
    return bool(segment.text)


def _take(gaps: Gaps, seen: Region) -> list[tuple[int, int, int]]:
    """Take out of `gaps` what lies in `seen`: line, first column, end, from the top."""
    taken: list[tuple[int, int, int]] = []
    left, right = seen.column_span
    for y in seen.line_range:
        rest: list[tuple[int, int]] = []
        for first, end in gaps.get(y, ()):
            inner = max(first, left), min(end, right)
            if inner[0] >= inner[1]:
                rest.append((first, end))
                continue
            taken.append((y, *inner))
            rest += [part for part in ((first, inner[0]), (inner[1], end)) if part[0] < part[1]]
        if rest:
            gaps[y] = rest
        else:
            gaps.pop(y, None)
    return taken


def _widened(strip: Strip, y: int, first: int, end: int, left: int, before: Sequence[Region]) -> tuple[int, int]:
    """Columns `first` to `end` of line `y`, and the other halves of characters of two cells that the ends go through.

    Args:
        strip: the line's, from column `left` on.
        y: on the screen, as the columns.
        first: of the stretch.
        end: of the stretch.
        left: where the strip begins.
        before: what lies in front of it, and is not written to.
    """
    text = strip.text
    if NARROW.fullmatch(text) or all(cell_len(character) == 1 for character in set(text)):
        return first, end
    free = [x for x in (first - 1, end) if not any(other.contains(x, y) for other in before)]
    return (
        first - (first - 1 in free and _is_split(strip, first - left)),
        end + (end in free and _is_split(strip, end - left)),
    )


def _is_split(strip: Strip, column: int) -> bool:
    """Whether a cut there would go through a character of two cells."""
    width = 0
    for character in strip.text:
        if width >= column:
            break
        width += cell_len(character)
    return width > column
