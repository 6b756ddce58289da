"""A partial repaint that writes the cells that changed, and none before them."""

from __future__ import annotations

from rich.cells import cell_len
from rich.console import Console
from textual._compositor import ChopsUpdate


class CroppedUpdate(ChopsUpdate):
    """Textual's, but each span begins where it begins.

    Textual (8.2) writes a widget's line from its left border up to the end of what changed: while a curve grows to the
    right that is the whole line, and most of the bytes that the dashboard sends.
    """

    @classmethod
    def of(cls, update: ChopsUpdate) -> CroppedUpdate:
        """The same repaint."""
        return cls(update.chops, update.spans, update.chop_ends)

    def render_segments(self, console: Console) -> str:
        """The repaint for the terminal; columns and rows there count from 1."""
        sequences: list[str] = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= last or end <= first:
                    continue
                skipped = max(0, first - x)
                if skipped and any(cell_len(character) != 1 for character in set(strip.text)):
                    skipped = 0  # the cut might go through a character of two cells
                cropped = strip.crop(skipped, min(end, last) - x)
                sequences.append(f"\x1b[{y + 1};{x + skipped + 1}H{cropped.render(console)}")
        return "".join(sequences)
