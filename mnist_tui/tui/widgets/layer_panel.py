"""What the convolutions make of the digit, and what they have learned."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.content import Content

from mnist_tui.inspecting.reasons import Layer
from mnist_tui.render.heat import hues, peak_of
from mnist_tui.render.maps import caption, draw_filter, draw_map, draw_table, fitting, lay_out
from mnist_tui.tui.study import Study
from mnist_tui.tui.widgets.study_panel import Line, StudyPanel


class LayerPanel(StudyPanel):
    """The feature maps of one convolution after ReLU and pooling, the strongest first.

    Args:
        study: the digit.
        place: 1 or 2.
    """

    TOPICS = ("activate",)

    def __init__(self, study: Study, place: int, *, id: str) -> None:
        super().__init__(study, id=id)
        self._place = place

    @property
    def _layer(self) -> Layer | None:
        layers = self.study.layers
        return None if layers is None else layers.first if self._place == 1 else layers.second

    def entitle(self) -> None:
        """How many there are, and how many show nothing."""
        layer = self._layer
        if layer is None:
            self.entitle_with(f"convolution {self._place}")
            return
        silent = sum(not peak_of(values) for values in _squares(layer.maps, layer.channels))
        words = f"convolution {self._place}: {layer.channels} maps of {layer.side} x {layer.side}"
        order, quiet = ", strongest first", f", {silent} silent" if silent else ""
        choices = words + order + quiet, words + quiet, words, f"convolution {self._place}"
        self.entitle_with(*choices, below=("below each: its number and its highest value", Content("")))

    def draw_lines(self, width: int, height: int) -> Iterable[Line]:
        """As many as fit, each with its channel and its highest value; all on one scale."""
        layer = self._layer
        if layer is None:
            return self.muted_lines(self.missing("activate"), width)
        side = layer.side + layer.side % 2
        size = side, side // 2 + 1
        columns, rows = fitting(size, width, height)
        maps = _squares(layer.maps, layer.channels)
        peaks = [peak_of(values) for values in maps]
        order = sorted(range(layer.channels), key=lambda channel: -peaks[channel])[: columns * rows]
        highest, style = max(peaks), Style(color=self.palette.muted)
        return lay_out(
            (
                [
                    *draw_map(maps[channel], layer.side, highest, self.palette, self.glyphs),
                    caption(_words(channel, peaks[channel], side), side, style),
                ]
                for channel in order
            ),
            size,
            width,
            height,
        )


class FilterPanel(StudyPanel):
    """The kernels of the first convolution, and the norms of those of the second."""

    TOPICS = ("filters",)

    def entitle(self) -> None:
        """What the colours mean."""
        filters = self.study.filters
        if filters is None:
            self.entitle_with("filters")
            return
        speaks_for, speaks_against = hues(self.palette)
        signs = (("+ light", f"bold {speaks_for}"), " ", ("- dark", f"bold {speaks_against}"))
        many = f"{filters.channels} filters"
        self.entitle_with(
            self.title_with(f"{many} of convolution 1: ", *signs), self.title_with(f"{many}: ", *signs), many
        )

    def draw_lines(self, width: int, height: int) -> Iterable[Line]:
        """Kernels in their own order; below them, where there is room, a table of norms."""
        filters = self.study.filters
        if filters is None:
            return self.muted_lines(self.missing("filters"), width)
        kernels = _squares(filters.kernels, filters.channels)
        peak = max(map(peak_of, kernels))
        style = Style(color=self.palette.muted)
        size = 6, 4
        pictures = (
            [*draw_filter(kernel, peak, self.palette, self.glyphs), caption(f"{channel}", 6, style)]
            for channel, kernel in enumerate(kernels)
        )
        lines = lay_out(pictures, size, width, height)
        room = height - len(lines) - 1
        if room * 2 >= filters.channels and width >= filters.second_channels:
            norms = struct.unpack(f"{len(filters.norms) // 4}f", filters.norms)
            columns, rows = filters.second_channels, filters.channels
            turned = [norms[column * rows + row] for row in range(rows) for column in range(columns)]
            words = f"convolution 2, norms: from {rows} (down) to {columns} (across)"
            lines += [[Segment(words[:width], style)], *draw_table(turned, columns, self.palette, self.glyphs)]
        return lines


def _squares(packed: bytes, count: int) -> list[Sequence[float]]:
    """The values of each of `count` maps."""
    size = len(packed) // 4 // count
    return [struct.unpack_from(f"{size}f", packed, place * size * 4) for place in range(count)]


def _words(channel: int, peak: float, width: int) -> str:
    long = f"{channel}: {peak:.1f}"
    return long if len(long) <= width else str(channel)
