"""A widget that draws itself line by line and keeps the lines until something changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any, Self

from rich.segment import Segment
from rich.text import Text
from textual.app import RenderResult
from textual.content import Content, ContentType
from textual.dom import NoScreen
from textual.geometry import Region, Size
from textual.screen import Screen
from textual.strip import Strip
from textual.visual import VisualType
from textual.widget import Widget, _BorderTitle

from mnist_tui.render.palette import Palette
from mnist_tui.tui.finishing import Background, finished
from mnist_tui.tui.theme import palette_in
from mnist_tui.tui.titles import fitting_title
from mnist_tui.tui.update import SparingCompositor, StretchedWidget


class _Title(_BorderTitle):
    """Textual's, which draws the whole widget anew for a title; here, the line of the border that it is in."""

    def __set__(self, obj: Widget, title: Text | ContentType | None) -> None:
        if isinstance(title, Text):
            title = Content.from_rich_text(title)
        now = None if title is None else obj.render_str(title).expand_tabs(4).split()[0]
        before: Content | None = getattr(obj, self._internal_name)
        setattr(obj, self._internal_name, now)
        if now is None or before is None or not now.is_same(before):
            (left, top), (width, height) = obj.content_offset, obj.outer_size
            line = 0 if self._internal_name == "_border_title" else height - 1
            obj.refresh(Region(-left, line - top, width, 1))


class LineView(StretchedWidget, inherit_bindings=False):
    """Base of the drawn panels: `draw_lines` makes all lines at once, `redraw` repaints what changed."""

    border_title = _Title()
    border_subtitle = _Title()

    DEFAULT_CSS = """
    LineView { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Strip] | None = None
        self._drawn_size: object = None
        self._base: Background | None = None
        self._titles: Sequence[str | Content] = ()
        self._subtitles: Sequence[str | Content] = ()

    def entitle_with(self, *choices: str | Content, below: Sequence[str | Content] = ()) -> None:
        """Choose the title, and the one in the lower border: the first choice that fits, and again after a resize.

        Text is never parsed as markup.
        """
        self._titles, self._subtitles = choices, below
        self._choose_titles()

    def _choose_titles(self) -> None:
        width = self.outer_size.width
        if self._titles:
            self.border_title = fitting_title(self._titles, width)
        if self._subtitles:
            self.border_subtitle = fitting_title(self._subtitles, width)

    def on_resize(self) -> None:
        """Other titles fit."""
        self._choose_titles()

    @property
    def palette(self) -> Palette:
        """The colours of the theme in force."""
        return palette_in(self.app)

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The widget's content; lines may be too few, too many, too long or too short."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Textual's, but parts that changed are drawn when what runs now has ended."""
        self.stretches = {}
        screen = self._screen_of_ours() if regions and repaint and not (layout or recompose) else None
        if screen is None:
            return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        self._layout_cache.clear()
        self._set_dirty(*regions)
        self._dirty_regions.clear()  # which Textual fills, and reads nowhere
        self.clear_cached_dimensions()
        assert isinstance(screen._compositor, SparingCompositor)
        screen._compositor.draw_soon(self, screen)
        return self

    def _screen_of_ours(self) -> Screen[Any] | None:
        """The screen that this is on, where it draws in the way of `SparingCompositor`."""
        try:
            screen = self.screen
        except NoScreen:
            return None
        return screen if self._is_mounted and isinstance(screen._compositor, SparingCompositor) else None

    def redraw(self) -> None:
        """Draw anew, and repaint the stretches of lines that came out different."""
        before, size = self._lines, self.size
        if before is None or self._drawn_size != size:
            self._lines = None
            self.refresh()
            return
        self._lines = after = self._draw(size)
        regions, stretches = [], {}
        for y, (old, new) in enumerate(zip_longest(before, after, fillvalue=_NOTHING)):
            changed = changed_stretch(old, new, size.width)
            if changed is not None:
                start, end, strip = changed
                regions.append(Region(start, y, end - start, 1))
                if strip is not None:
                    stretches[y, start, end] = strip
        if regions:
            self.refresh(*regions)
            self.stretches = stretches

    def _draw(self, size: Size) -> list[Strip]:
        width, height = size
        return [finished(line, width, self._background()) for line in list(self.draw_lines(width, height))[:height]]

    def notify_style_update(self) -> None:
        """The theme changed, or a class."""
        super().notify_style_update()
        self._lines = self._base = None
        self.stretches = {}

    def render(self) -> RenderResult | VisualType:
        """Nothing: the lines are drawn by `render_line`."""
        return ""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Textual's, but for lines of the content alone, where nothing changes the colours that they have."""
        left, top = self.content_offset
        part = crop.translate((-left, -top))
        if not self.size.region.contains_region(part) or self.recoloured:
            return super().render_lines(crop)
        return [self.render_part(y, *part.column_span) for y in part.line_range]

    def render_part(self, y: int, first: int, end: int) -> Strip:
        """Columns `first` to `end` of a line of the content."""
        return self.render_line(y).crop(first, end)

    def render_line(self, y: int) -> Strip:
        """One line of the content, exactly as wide as the widget."""
        if self._lines is None or self._drawn_size != self.size:
            self._drawn_size = self.size
            self.stretches = {}
            self._lines = self._draw(self.size)
        return self._lines[y] if y < len(self._lines) else self.finish(())

    def finish(self, segments: Iterable[Segment]) -> Strip:
        """A line at the widget's width, on its background."""
        return finished(segments, self.size.width, self._background())

    def _background(self) -> Background:
        if self._base is None:
            self._base = Background(self.rich_style)  # half a millisecond each time it is asked for
        return self._base


_NOTHING = Strip([])


def changed_stretch(old: Strip, new: Strip, width: int) -> tuple[int, int, Strip | None] | None:
    """The cells (start, end) in which two lines differ, by whole segments, and what the new one has there.

    Args:
        old: what stood there.
        new: what stands there.
        width: of both, in cells.

    Returns:
        None where they are equal; no strip where the new line has no whole segments for those cells.
    """
    before, after = old._segments, new._segments
    if before == after:
        return None
    both, same, ends = min(len(before), len(after)), 0, 0
    while same < both and before[same] == after[same]:
        same += 1
    while ends < both - same and before[-1 - ends] == after[-1 - ends]:
        ends += 1
    start = sum(segment.cell_length for segment in after[:same])
    end = width - sum(segment.cell_length for segment in after[len(after) - ends :])
    if end <= start:
        return start, start + 1, None
    strip = Strip(after[same : len(after) - ends], end - start)
    return start, end, strip if new.cell_length == width else None
