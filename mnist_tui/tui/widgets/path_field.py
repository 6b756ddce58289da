"""A field for a path: `~`, tab completion, and whatever a terminal pastes when a file is dropped on it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.events import Key, Paste
from textual.message import Message

from mnist_tui.core.notes import harmless
from mnist_tui.core.picture_path import as_path, complete
from mnist_tui.tui.widgets.line_view import LineView

_LONGEST = 2000  # characters


class PathField(LineView, can_focus=True):
    """Every key is its own while it has the focus.

    Attributes:
        text: what was typed.
        place: where the cursor is in it.
        names: what it may go on to.
        remark: why it is refused, or what is being done; empty where there is nothing to say.
    """

    class Entered(Message):
        """A path was typed to its end."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    class Left(Message):
        """Nothing is to be opened."""

    DEFAULT_CSS = """
    PathField { height: 3; }
    """

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__(id="path")
        self._ascii = ascii_only
        self.text = ""
        self.place = 0
        self.names: list[str] = []
        self.remark = ""
        self.refused = False

    @property
    def takes_keys(self) -> bool:
        """It is there to be typed into."""
        return True

    def mark(self, remark: str, *, refused: bool = False) -> None:
        """Say something below the path."""
        self.remark, self.refused, self.names = remark, refused, []
        self.redraw()

    async def on_key(self, event: Key) -> None:
        """Edit the line."""
        event.stop()
        event.prevent_default()
        before, after = self.text[: self.place], self.text[self.place :]
        match event.key:
            case "enter":
                if self.text.strip():
                    self.post_message(self.Entered(as_path(self.text)))
            case "escape":
                self.post_message(self.Left())
            case "tab":
                grown, names = complete(before)
                self._edit(grown, after, names if len(names) > 1 else [])
            case "backspace":
                self._edit(before[:-1], after)
            case "delete":
                self._edit(before, after[1:])
            case "left":
                self._edit(before[:-1], before[-1:] + after)
            case "right":
                self._edit(before + after[:1], after[1:])
            case "home" | "ctrl+a":
                self._edit("", self.text)
            case "end" | "ctrl+e":
                self._edit(self.text, "")
            case "ctrl+u":
                self._edit("", after)
            case "ctrl+w":
                self._edit(before.rstrip("/")[: before.rstrip("/").rfind("/") + 1], after)
            case _ if event.is_printable and event.character:
                self._edit(before + event.character, after)

    def on_paste(self, event: Paste) -> None:
        """Take pasted text as typed; a whole path takes the place of what is there."""
        event.stop()
        text = " ".join(event.text[:_LONGEST].split("\n")).strip()
        if text.lstrip("'\"").startswith(("/", "~", "file:")):
            self._edit(text, "")
        else:
            self._edit(self.text[: self.place] + text, self.text[self.place :])

    def _edit(self, before: str, after: str, names: list[str] | None = None) -> None:
        self.text, self.place = (before + after)[:_LONGEST], min(len(before), _LONGEST)
        self.names, self.remark, self.refused = names or [], "", False
        self.redraw()

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The path with its cursor; below it what is wrong, or what it may go on to."""
        palette = self.palette
        prompt = "file "
        room = max(8, width - len(prompt))
        shown, at = _stretch(harmless(self.text) + " ", self.place, room)
        field = Style(color=palette.text, bgcolor=palette.panel)
        yield [
            Segment(prompt, Style(color=palette.muted)),
            Segment(shown[:at], field),
            Segment(shown[at], field + Style(reverse=self.has_focus)),
            Segment(shown[at + 1 :], field),
        ]
        if self.remark:
            sign = ("x " if self._ascii else "✗ ") if self.refused else ""
            remark = sign + harmless(" ".join(self.remark.split()))
            colour = palette.wrong if self.refused else palette.muted
        else:
            more = "tab completes, enter opens; a file dropped on the terminal is its path"
            remark, colour = harmless("  ".join(self.names)) or more, palette.muted
        for line in _wrapped(remark, width):
            yield [Segment(line, Style(color=colour))]


def _stretch(text: str, place: int, room: int) -> tuple[str, int]:
    """As much of `text` as fills `room` cells and has the character at `place` in it, and where that is then."""
    start, end, used = place, place + 1, cell_len(text[place])
    while start > 0 and used + cell_len(text[start - 1]) <= room:
        start -= 1
        used += cell_len(text[start])
    while end < len(text) and used + cell_len(text[end]) <= room:
        used += cell_len(text[end])
        end += 1
    return text[start:end] + " " * (room - used), place - start


def _wrapped(text: str, width: int) -> list[str]:
    """At most two lines of `width` cells; a word breaks only where it is longer than a line."""
    lines: list[str] = [""]
    for word in text.split(" "):
        grown = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(grown) <= width:
            lines[-1] = grown
            continue
        rest = word if lines[-1] else lines.pop() + word
        while rest and len(lines) <= 2:
            size = max(1, len(_stretch(rest, 0, width)[0].rstrip(" ")))
            lines.append(rest[:size])
            rest = rest[size:]
    if len(lines) > 2:
        lines[1] = set_cell_size(lines[1], min(cell_len(lines[1]), max(0, width - 4))) + " ..."
    return lines[:2]
