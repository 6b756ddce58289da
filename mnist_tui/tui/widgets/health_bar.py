"""What is wrong with the training, on one line that is there only while something is."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.core.progress import Progress
from mnist_tui.tui.widgets.line_view import LineView

_CURABLE = ("not finite", "exploding", "dead")  # by the way back


class HealthBar(LineView):
    """The newest ailment in words, or one that there is a cure for, and what there is besides."""

    DEFAULT_CSS = """
    HealthBar { height: 1; display: none; }
    HealthBar.-ailing { display: block; }
    """

    def __init__(self, progress: Progress, *, ascii_only: bool = False) -> None:
        super().__init__(id="health")
        self._progress = progress
        self._ascii = ascii_only
        self._shown = ""

    @property
    def text(self) -> str:
        """The line's words; empty where all is well."""
        ailments = self._progress.ailments if self._progress.active else {}
        if not ailments:
            return ""
        curable = [ailment for ailment in _CURABLE if ailment in ailments]
        name = curable[0] if curable else list(ailments)[-1]
        words = f"{name}: {ailments[name]}"
        if curable:
            words = f"g: back to the last checkpoint, half the rate; {words}"
        others = [other for other in ailments if other != name]
        return words + (f" (and {', '.join(others)})" if others else "")

    def show(self) -> None:
        """Appear, change or vanish."""
        text = self.text
        if text != self._shown:
            self._shown = text
            self.set_class(bool(text), "-ailing")
            self.redraw()

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """A sign and the words."""
        palette = self.palette
        style = Style(color=palette.background, bgcolor=palette.warning, bold=True)
        yield [Segment(f" {'!' if self._ascii else '▲'} {self._shown}".ljust(width), style)]
