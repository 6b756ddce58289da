"""One line with what can be done here; it also takes a line of typing, and asks before what cannot be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.events import Blur, Key, Paste

from mnist_tui.tui.widgets.line_view import LineView

_LONGEST = 400  # characters a field takes


class ActionLine(LineView, can_focus=True):
    """The actions of `bindings`, by key, by click, and with the line in focus by arrows and enter.

    Nothing global happens while it types or asks: every key is its own then.

    Attributes:
        typed: what was typed so far; None where nothing is.
        question: what is asked; empty where nothing is.
        remark: why what was typed is refused; empty where it is not.
    """

    BINDINGS = [
        Binding("left", "move(-1)", "action before", show=False),
        Binding("right", "move(1)", "next action", show=False),
        Binding("enter", "act", "do it", show=False),
        Binding("escape", "leave_line", "back", show=False),
    ]

    DEFAULT_CSS = """
    ActionLine { height: 1; padding: 0 1; }
    """

    def __init__(
        self, bindings: Sequence[Binding], *, ascii_only: bool = False, on_escape: str = "screen.back_to_table"
    ) -> None:
        super().__init__(id="actions")
        self._on_escape = on_escape
        self._actions = [binding for binding in bindings if binding.show]
        self._ascii = ascii_only
        self._place = 0
        self._prompt = ""
        self.typed: str | None = None
        self.question = ""
        self.remark = ""
        self._take: Callable[[str], str] = lambda _: ""
        self._keys: Sequence[str] = ()

    # --- what the screen asks for

    def type(self, prompt: str, text: str, take: Callable[[str], str]) -> None:
        """Have a line typed, beginning with `text`; `take` gets it, and answers why not, or nothing."""
        self._prompt, self.typed, self._take, self.remark = prompt, text, take, ""
        self.screen.set_focus(self)
        self.redraw()

    def ask(self, question: str, keys: Sequence[str], take: Callable[[str], str]) -> None:
        """Ask something that one of `keys` answers, which `take` gets; any other key leaves it undone."""
        self.question, self._keys, self._take = question, keys, take
        self.screen.set_focus(self)
        self.redraw()

    # --- keys

    @property
    def takes_keys(self) -> bool:
        """Whether something is being typed or asked."""
        return self.typed is not None or bool(self.question)

    async def action_leave_line(self) -> None:
        """What escape does where nothing is being typed."""
        await self.run_action(self._on_escape)

    def action_move(self, distance: int) -> None:
        """Go to another action."""
        self._place = (self._place + distance) % len(self._actions)
        self.redraw()

    async def action_act(self) -> None:
        """Do what the cursor is on."""
        await self.run_action(f"screen.{self._actions[self._place].action}")

    async def on_key(self, event: Key) -> None:
        """While typing or asking, take every key; else leave it to the bindings."""
        if self.question:
            self._answer(event)
        elif self.typed is not None:
            self._type(event, self.typed)
        else:
            return
        event.stop()
        event.prevent_default()

    def _answer(self, event: Key) -> None:
        self.question = ""
        if event.key in tuple(self._keys):
            self._take(event.key)
        self._leave()

    def _type(self, event: Key, typed: str) -> None:
        match event.key:
            case "enter":
                self.remark = self._take(typed)
                if self.remark:
                    self.redraw()
                else:
                    self._leave()
            case "escape":
                self._leave()
            case "backspace":
                self._retype(typed[:-1])
            case "ctrl+u":
                self._retype("")
            case _ if event.is_printable and event.character:
                self._retype(typed + event.character)

    def _retype(self, text: str) -> None:
        self.typed, self.remark = text[:_LONGEST], ""
        self.redraw()

    def _leave(self) -> None:
        self._drop()
        self.call_later(self.run_action, "screen.back_to_table")

    def _drop(self) -> None:
        self.typed, self.question, self.remark = None, "", ""
        self.redraw()

    def on_paste(self, event: Paste) -> None:
        """Take pasted text as typed."""
        event.stop()
        if self.typed is not None:
            self._retype(self.typed + " ".join(event.text[: 4 * _LONGEST].split()))

    def on_focus(self) -> None:
        """Show the cursor."""
        self.redraw()

    def on_blur(self, event: Blur) -> None:
        """Leaving drops what was half typed, and denies what was asked."""
        self._drop()

    # --- the picture

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The question, the field, or the actions."""
        palette = self.palette
        if self.question:
            yield [Segment(self.question, Style(color=palette.warning, bold=True))]
        elif self.typed is not None:
            remark = f"  {self.remark}" if self.remark else "  enter keeps it, esc does not"
            prompt = f"{self._prompt} "
            room = max(8, width - len(prompt) - min(len(remark), width // 2) - 1)
            shown = (self.typed + ("_" if self._ascii else "▏"))[-room:]
            field = Style(color=palette.background, bgcolor=palette.wrong if self.remark else palette.accent, bold=True)
            yield [
                Segment(prompt, Style(color=palette.text)),
                Segment(shown, field),
                Segment(remark, Style(color=palette.wrong if self.remark else palette.muted)),
            ]
        else:
            yield from [self._menu(width)]

    def _menu(self, width: int) -> list[Segment]:
        palette = self.palette
        line: list[Segment] = []
        used = 0
        for place, binding in enumerate(self._actions):
            key = binding.key_display or binding.key.split(",")[0]
            used += len(key) + len(binding.description) + 3
            if used - 2 > width:
                break
            back = Style(reverse=True) if self.has_focus and place == self._place else Style()
            click = Style(meta={"@click": f"screen.{binding.action}"})
            line += [
                Segment(key, Style(color=palette.accent, bold=True) + click + back),
                Segment(f" {binding.description}", Style(color=palette.muted) + click + back),
                Segment("  "),
            ]
        return line
