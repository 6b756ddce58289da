"""Every key there is, made from the bindings themselves, so that it cannot go stale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from mnist_tui.core.health import LIMITS
from mnist_tui.core.history import SMOOTHING
from mnist_tui.render.palette import Palette
from mnist_tui.tui.screens.digit import DigitScreen
from mnist_tui.tui.screens.draw import DrawScreen
from mnist_tui.tui.screens.finder import FinderScreen
from mnist_tui.tui.screens.inspect import InspectScreen
from mnist_tui.tui.screens.picture import PictureScreen
from mnist_tui.tui.screens.runs import RunsScreen
from mnist_tui.tui.theme import palette_in
from mnist_tui.tui.widgets.batch_panel import BatchPanel
from mnist_tui.tui.widgets.canvas_view import CanvasView
from mnist_tui.tui.widgets.class_figures import ClassFigures
from mnist_tui.tui.widgets.confusion_matrix import ConfusionMatrix
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.gallery import Gallery
from mnist_tui.tui.widgets.knob_list import KnobList
from mnist_tui.tui.widgets.metric_chart import MetricChart
from mnist_tui.tui.widgets.neighbour_panel import NeighbourPanel
from mnist_tui.tui.widgets.runs_table import RunsTable
from mnist_tui.tui.widgets.search_line import SearchLine

_PANELS: tuple[tuple[str, type], ...] = (
    ("on a hyperparameter (tab goes there)", KnobList),
    ("on the test digits", DigitPanel),
    ("on a batch after a single step", BatchPanel),
    ("on a chart", MetricChart),
    ("in the gallery of Inspect", Gallery),
    ("on the search line of Inspect", SearchLine),
    ("on the confusion matrix", ConfusionMatrix),
    ("on the figures of the classes", ClassFigures),
    ("on the Inspect screen", InspectScreen),
    ("on one digit (enter opens it)", DigitScreen),
    ("on its neighbours (tab goes there)", NeighbourPanel),
    ("on the canvas of Draw", CanvasView),
    ("on the Draw screen", DrawScreen),
    ("on a picture that was opened", PictureScreen),
    ("in the table of Runs", RunsTable),
    ("on the Runs screen", RunsScreen),
    ("in the learning-rate finder", FinderScreen),
)
_WORDS = (
    f"The charts show every batch faintly, their moving average brightly (factor {SMOOTHING:g}, which < and > change, "
    "corrected for its start), an evaluation of the whole test set as a point, and the best one as a diamond. An edit "
    "is a dotted line with its label; what was undone is faint. A linear axis leaves out the steepest 3 % of the "
    "columns, so that the first steps do not flatten the rest. Accuracy with a logarithmic axis is logarithmic in the "
    "error. Every edit is preceded by a checkpoint, of which the newest ten are kept for u; changes of one field less "
    "than a second apart are one edit."
)
_KEY_NAMES = {
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "equals_sign": "=",
    "shift+left": "shift ←",
    "shift+right": "shift →",
    "shift+up": "shift ↑",
    "shift+down": "shift ↓",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "question_mark": "?",
    "escape": "esc",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "minus": "-",
    "plus": "+",
    "comma": ",",
    "slash": "/",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "semicolon": ";",
    "pageup": "page up",
    "pagedown": "page down",
}
_ASCII_ARROWS = {"←": "left", "→": "right", "↑": "up", "↓": "down"}


def key_words(key: str, ascii_only: bool = False) -> str:
    """Keys as they stand on a keyboard."""
    names = [_KEY_NAMES.get(part, part.replace("ctrl+", "^")) for part in key.split(",")]
    return " ".join(_ASCII_ARROWS.get(name, name) if ascii_only else name for name in names)


def rows_of(bindings: Sequence[BindingType], ascii_only: bool = False) -> Iterable[tuple[str, str]]:
    """Key and meaning of each binding."""
    for binding in bindings:
        if isinstance(binding, Binding) and binding.description:
            yield key_words(binding.key, ascii_only), binding.tooltip or binding.description


class HelpScreen(ModalScreen[None]):
    """All bindings, by where they hold."""

    BINDINGS = [Binding("escape,question_mark,q", "dismiss", "close")]

    def __init__(self, ascii_only: bool) -> None:
        super().__init__()
        self._ascii = ascii_only
        self.set_class(ascii_only, "-ascii")

    def compose(self) -> ComposeResult:
        """One scrolling table."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_title = " keys "
            dialog.border_subtitle = " esc closes "
            yield Static(self._table(palette_in(self.app)), markup=False)

    def _table(self, palette: Palette) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column()
        sections: list[tuple[str, Sequence[BindingType]]] = [("everywhere", self.app.BINDINGS)]
        below = self.app.screen_stack[-2] if len(self.app.screen_stack) > 1 else None
        here = [panel for panel in _PANELS if isinstance(below, panel[1])]
        others = [panel for panel in _PANELS if panel not in here]
        of_panels = [(name, widget.BINDINGS) for name, widget in (*here, *others)]  # type: ignore[attr-defined]
        sections = [*of_panels[: len(here)], *sections, *of_panels[len(here) :]]
        for number, (name, bindings) in enumerate(sections):
            if number:
                table.add_row("", "")
            table.add_row("", Text(name, style=f"bold {palette.text}"))
            for key, words in rows_of(bindings, self._ascii):
                table.add_row(Text(key, style=f"bold {palette.accent}"), Text(words, style=palette.muted))
        table.add_row("", "")
        table.add_row("", Text("what the health line warns of", style=f"bold {palette.text}"))
        for ailment, limit in LIMITS:
            table.add_row(Text(ailment, style=f"bold {palette.warning}"), Text(limit, style=palette.muted))
        table.add_row("", "")
        table.add_row("", Text(_WORDS, style=palette.muted))
        return table
