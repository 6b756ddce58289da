"""A path as people type it, or as terminals paste it when a file is dropped on them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit


def as_path(text: str) -> Path:
    """The file meant by `text`: with `~`, quotes, backslashes before odd characters, or as a `file://` URL."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    elif not text.lower().startswith("file:") and not os.path.exists(os.path.expanduser(text)):
        text = re.sub(r"\\(.)", r"\1", text)
    if text.lower().startswith("file:"):
        text = unquote(urlsplit(text).path)
    return Path(os.path.expanduser(text))


def complete(text: str) -> tuple[str, list[str]]:
    """What `text` can go on to: the longest beginning that all names there share, and those names.

    A folder ends in `/`; hidden names are left out unless one is being typed.
    """
    folder, _, begun = text.rpartition("/")
    where = Path(os.path.expanduser(f"{folder}/")) if folder or text.startswith("/") else Path()
    try:
        with os.scandir(where) as entries:
            names = sorted(
                entry.name + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.startswith(begun) and (begun or not entry.name.startswith("."))
            )
    except OSError:
        return text, []
    if not names:
        return text, []
    shared = next((i for i, some in enumerate(zip(*names, strict=False)) if len(set(some)) > 1), min(map(len, names)))
    return text[: len(text) - len(begun)] + names[0][:shared], names
