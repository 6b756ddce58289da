"""A closer look at one digit."""

from __future__ import annotations

from mnist_tui.tui.inspect.base import InspectPart
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.gallery import Gallery


class Looking(InspectPart):
    """A closer look at one digit."""

    def on_gallery_opened(self, message: Gallery.Opened) -> None:
        """From the gallery."""
        self._look_closer()

    def on_digit_panel_opened(self, message: DigitPanel.Opened) -> None:
        """From the large digit."""
        message.stop()  # the app would open Inspect
        self._look_closer()

    def _look_closer(self) -> None:
        from mnist_tui.tui.screens.digit import DigitScreen

        self.app.push_screen(DigitScreen(self.session))
