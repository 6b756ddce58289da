"""Files of rules that are read when they are needed: to parse them takes a tenth of what the first frame does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.app import App

MODES = "modes.tcss"
"""Other sizes, other characters, other panels in sight."""

LATER = "later.tcss"
"""Screens that are opened later."""


def read_styles(app: App[Any], *names: str) -> None:
    """Let the rules of these files hold in `app`, too; those that hold already are not read again."""
    for name in names:
        path = Path(__file__).with_name(name)
        if not app.stylesheet.has_source(str(path)):
            app.stylesheet.read(path)
