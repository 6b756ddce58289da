"""A bell and a desktop notification, as the terminal at the other end of the line understands them."""

from __future__ import annotations

from mnist_tui.tui import tmux

_LONGEST = 120


def notification(title: str, text: str, *, inside_tmux: bool) -> str:
    """Escape sequences: the bell, OSC 9 (iTerm2, Windows Terminal, kitty, WezTerm) and OSC 777 (urxvt, foot, Ghostty).

    Control characters are taken out, so that no text can end a sequence early. tmux hands them on wrapped, where its
    `allow-passthrough` is on, and swallows them otherwise.
    """
    title, text = _printable(title).replace(";", ","), _printable(text)
    sequences = [f"\x1b]9;{title}: {text}\x1b\\", f"\x1b]777;notify;{title};{text}\x1b\\"]
    if inside_tmux:
        sequences = [tmux.wrap(sequence) for sequence in sequences]
    return "\a" + "".join(sequences)


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:_LONGEST]
