"""A line that a person writes about a run, and text from files made fit to be shown."""

from __future__ import annotations

import re
from pathlib import Path

from mnist_tui.core.errors import UserError
from mnist_tui.core.files import write_atomically

NOTES_FILE = "notes.txt"
LONGEST_NOTE = 400  # characters
_LONGEST_TEXT = 200
# Controls of both sets, what turns the direction of writing, breaks of lines, and halves of characters. Not all that is
# not `isprintable`: Python does not know yet the newest characters that pictures are drawn with.
_MOVING = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def harmless(text: str) -> str:
    """`text`, character for character, with a `?` for each that could move a terminal's cursor or command it."""
    return _MOVING.sub("?", text)


def printable(text: str, longest: int = _LONGEST_TEXT) -> str:
    """`text` on one line, with a `?` for what could move a terminal's cursor, and not too long."""
    words = " ".join(text[: 4 * longest].split())
    return "".join(character if character.isprintable() else "?" for character in words)[:longest]


def read_notes(folder: Path) -> str:
    """What was noted about a run; empty where nothing was, or it cannot be read."""
    try:
        with open(folder / NOTES_FILE, "rb") as file:
            data = file.read(8 * LONGEST_NOTE)
    except OSError:
        return ""
    return printable(data.decode("utf-8", errors="replace"), LONGEST_NOTE)


def write_notes(folder: Path, text: str) -> None:
    """Note `text` about a run, in place of what was noted before; an empty text takes the note away.

    Raises:
        UserError: the folder cannot be written.
    """
    words = printable(text, LONGEST_NOTE)
    try:
        if words:
            write_atomically(folder / NOTES_FILE, f"{words}\n".encode())
        else:
            (folder / NOTES_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"the note cannot be written to {folder}: {error.strerror or error}") from None
