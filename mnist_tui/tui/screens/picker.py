"""A list to choose one of; it may grow while it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mnist_tui.core.notes import harmless


class PickerScreen(ModalScreen[int | None]):
    """Dismissed with the place of the choice, or None.

    Args:
        title: what is chosen.
        rows: the choices so far, one line each, and whether there are all of them by now.
        ascii_only: whether the terminal knows only ASCII.
    """

    AUTO_FOCUS = "OptionList"
    BINDINGS = [Binding("escape,q", "dismiss(None)", "close")]

    DEFAULT_CSS = """
    PickerScreen OptionList { height: auto; max-height: 20; border: none; background: $surface; padding: 0; }
    PickerScreen OptionList:focus { border: none; }
    PickerScreen OptionList > .option-list--option-highlighted { background: $accent; color: $background; }
    """

    def __init__(self, title: str, rows: Callable[[], tuple[Sequence[str], bool]], *, ascii_only: bool = False) -> None:
        super().__init__()
        self.set_class(ascii_only, "-ascii")
        self._title = title
        self._rows = rows
        self._shown = 0
        self.options = OptionList()
        self._dialog = Vertical(self.options, classes="dialog")  # the clock may ask to show it before it is mounted

    def compose(self) -> ComposeResult:
        """The list in a frame."""
        self._dialog.border_title = Content(f" {harmless(self._title)} ")
        yield self._dialog

    def on_mount(self) -> None:
        """Show what there is."""
        self.show(charts=False, figures=False)

    def show(self, *, charts: bool, figures: bool) -> None:
        """Add what was found since the last look."""
        rows, whole = self._rows()
        self.options.add_options(
            Option(Text(harmless(row), no_wrap=True, overflow="ellipsis")) for row in rows[self._shown :]
        )
        if rows and not self._shown:
            self.options.highlighted = 0
        self._shown = len(rows)
        hint = "enter chooses, esc closes" if whole else "looking for other runs"
        self._dialog.border_subtitle = f" {hint} "

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Choose."""
        message.stop()
        self.dismiss(message.option_index)
