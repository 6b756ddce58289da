"""Keys in the order they were typed.

Textual hands a key to the focused widget's own queue and looks its binding up when it has come back from there; what is
typed right behind it overtakes it, and goes where the focus was: `q` and Enter in one breath opened a digit.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.app import App
from textual.events import Event, Key, Paste


@runtime_checkable
class Field(Protocol):
    """A widget that one may type in."""

    @property
    def takes_keys(self) -> bool:
        """Whether every key is the field's own now."""

    async def on_key(self, event: Key) -> None:
        """Take a key."""

    def on_paste(self, event: Paste) -> None:
        """Take pasted text."""


class OrderedKeys(App[int]):
    """Deals with one key entirely before the next."""

    async def on_event(self, event: Event) -> None:
        """Keys and pasted text that have not been handed to a widget yet are dealt with here, all else by Textual."""
        if isinstance(event, (Key, Paste)) and not event.is_forwarded:
            field = self.focused
            if isinstance(field, Field) and field.takes_keys:
                await self._type_into(field, event)
                return
            if isinstance(event, Key) and await self._act_on(event):
                return
        await super().on_event(event)

    async def _type_into(self, field: Field, event: Key | Paste) -> None:
        if isinstance(event, Paste):
            field.on_paste(event)
        elif not await self._check_bindings(event.key, priority=True):
            await field.on_key(event)

    async def _act_on(self, event: Key) -> bool:
        """Whether a binding of the focused widget, of what it lies in, or of the app took the key."""
        return await self._check_bindings(event.key, priority=True) or await self._check_bindings(event.key)
