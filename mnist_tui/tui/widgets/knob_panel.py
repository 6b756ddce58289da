"""The hyperparameters, and what there is to say about the one in focus."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import DescendantBlur, DescendantFocus

from mnist_tui.core.dataset import DATASET_KNOB
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.core.knob import Knob
from mnist_tui.core.progress import Progress
from mnist_tui.tui.widgets.knob_list import KnobList
from mnist_tui.tui.widgets.knob_row import KnobRow
from mnist_tui.tui.widgets.line_view import LineView


class KnobHelp(LineView):
    """A few lines about the focused row, or what is wrong with what is typed there."""

    DEFAULT_CSS = """
    KnobHelp { height: 6; }
    """

    def __init__(self, ascii_only: bool) -> None:
        super().__init__(id="knob-help")
        self._ascii = ascii_only
        self._knob: Knob | None = None
        self._remark = ("", False)

    def describe(self, knob: Knob | None) -> None:
        """Explain `knob`, or how the rows are used."""
        self._knob, self._remark = knob, ("", False)
        self.redraw()

    def remark(self, text: str, wrong: bool) -> None:
        """Show a row's own words until the focus moves."""
        if (text, wrong) != self._remark:
            self._remark = (text, wrong)
            self.redraw()

    @property
    def text(self) -> str:
        """What is shown, as one string."""
        return " ".join(text for text, _ in self._paragraphs())

    def _paragraphs(self) -> list[tuple[str, str]]:
        palette = self.palette
        live, later = ("*", "o") if self._ascii else ("●", "○")
        remark, wrong = self._remark
        if remark:
            return [(remark, palette.wrong if wrong else palette.text)]
        if self._knob is None:
            return [
                ("tab, then up and down, or a click chooses a setting", palette.muted),
                (f"{live} takes effect at the next batch", palette.muted),
                (f"{later} takes effect in the next run", palette.muted),
            ]
        when = "at the next batch" if self._knob.live else "in the next run"
        return [
            (self._knob.help, palette.text),
            (f"{self._knob.range_text}; takes effect {when}", palette.muted),
        ]

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The paragraphs, wrapped."""
        for text, colour in self._paragraphs():
            for line in textwrap.wrap(text, max(8, width)):
                yield [Segment(line, Style(color=colour))]


class KnobPanel(Vertical):
    """All hyperparameters; a row that is edited posts `KnobList.Changed` to the app."""

    DEFAULT_CSS = """
    KnobPanel { height: 1fr; }
    """

    def __init__(self, hyperparameters: Hyperparameters, dataset: str, *, ascii_only: bool = False) -> None:
        super().__init__(id="knobs", classes="panel")
        lines = [KnobRow(knob, getattr(hyperparameters, name), ascii_only=ascii_only) for name, knob in KNOBS.items()]
        lines.append(KnobRow(DATASET_KNOB, dataset, ascii_only=ascii_only))
        self.list = KnobList(lines)
        self._help = KnobHelp(ascii_only)
        self.border_title = " hyperparameters "

    def compose(self) -> ComposeResult:
        """Rows above, help below."""
        yield self.list
        yield self._help

    @property
    def focused_knob(self) -> str:
        """The name of the hyperparameter in focus, or empty."""
        return self.list.current.knob.name if self.list.has_focus else ""

    def begin(self, name: str) -> None:
        """Focus a row and begin to type; a choice moves on by one instead."""
        self.list.choose(name)
        self.screen.set_focus(self.list)
        if self.list.current.knob.kind == "choice":
            self.list.action_nudge(1)
        else:
            self.list.action_type()

    def show(self, wanted: Hyperparameters, dataset: str, progress: Progress) -> None:
        """Show what is wanted, marked where the engine has not confirmed it."""
        confirmed = progress.hyperparameters if progress.active else None
        for name, knob in KNOBS.items():
            value = getattr(wanted, name)
            differs = confirmed is not None and getattr(confirmed, name) != value
            self.list.show(name, value, pending=differs and knob.live, waits=differs and not knob.live)
        waits = confirmed is not None and dataset != progress.dataset
        self.list.show(DATASET_KNOB.name, dataset, pending=False, waits=waits)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Explain the row."""
        self._help.describe(self.list.current.knob)

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """Explain the panel."""
        self._help.describe(None)

    def on_knob_list_moved(self, message: KnobList.Moved) -> None:
        """Explain another row; the screen hears of it, too."""
        if self.list.has_focus:
            self._help.describe(message.knob)

    def on_knob_list_remarked(self, message: KnobList.Remarked) -> None:
        """Pass a row's words on."""
        message.stop()
        self._help.remark(message.text, message.wrong)
