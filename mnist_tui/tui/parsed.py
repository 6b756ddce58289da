"""Rules of style that are parsed once for all starts: a tenth of what comes before the first frame is to parse them."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import zlib
from pathlib import Path
from typing import Any, TypeAlias

import platformdirs
from textual.css import model, parse, styles, stylesheet
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

from mnist_tui import __version__
from mnist_tui.core.files import remove_leftovers, write_atomically

_TEXTUAL = tuple(module.__file__ or "" for module in (model, parse, styles, stylesheet))
_MOST = 4  # files: two themes, before and after an upgrade
_Source: TypeAlias = tuple[str, CSSLocation, bool, int, str]


class ParsedStylesheet(Stylesheet):
    """Textual's, which takes rules from a file where an earlier start has left them there, and parses the others.

    A file belongs to one version of Textual, of Python and of this program, and to one set of variables; rules in it
    are found by the very text that they were parsed of. What is damaged, or cannot be read, is parsed.

    Args:
        variables: of the theme.
        folder: of such files; default: the user's cache folder.
    """

    def __init__(self, *, variables: dict[str, str] | None = None, folder: Path | None = None) -> None:
        super().__init__(variables=variables)
        self._folder = folder or platformdirs.user_cache_path("mnist-tui", appauthor=False) / "styles"
        self._left: dict[_Source, list[RuleSet]] | None = None
        self._parsed: dict[_Source, list[RuleSet]] = {}
        self._used: dict[_Source, list[RuleSet]] = {}
        self._keeps = True

    def set_variables(self, variables: dict[str, str]) -> None:
        """As in Textual; rules in the old colours do not count any more."""
        super().set_variables(variables)
        self._left, self._parsed, self._used = None, {}, {}

    def keep(self) -> None:
        """Leave the rules that were parsed so far to later starts; from now on nothing is looked up or left.

        Where that cannot be done, they are parsed again then.
        """
        if self._keeps and self._parsed:
            with contextlib.suppress(OSError):
                content = pickle.dumps((self._made_for, {**self._used, **self._parsed}), pickle.HIGHEST_PROTOCOL)
                self._folder.mkdir(parents=True, exist_ok=True)
                write_atomically(self._file, zlib.crc32(content).to_bytes(4, "big") + content)
                remove_leftovers(self._folder)
                for old in sorted(self._folder.glob("*.pickle"), key=lambda file: -file.stat().st_mtime_ns)[_MOST:]:
                    old.unlink(missing_ok=True)
        self._keeps, self._left, self._parsed, self._used = False, None, {}, {}

    def _parse_rules(
        self,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        if not self._keeps:
            return super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
        if self._left is None:
            self._left = self._read()
        source = (css, read_from, is_default_rules, tie_breaker, scope)
        rules = self._left.get(source)
        if rules is not None:
            self._used[source] = rules
            return rules
        rules = self._parsed.get(source)
        if rules is None:
            rules = super()._parse_rules(*source)
            if not any(rule.errors for rule in rules):
                self._parsed[source] = rules
        return rules

    @property
    def _made_for(self) -> tuple[Any, ...]:
        # To ask what version Textual has takes 30 ms; its files are others in another one, or have another time.
        files = tuple((each, (found := os.stat(each)).st_mtime_ns, found.st_size) for each in _TEXTUAL)
        return files, sys.version_info[:3], __version__, self._variables

    @property
    def _file(self) -> Path:
        return self._folder / f"{zlib.crc32(repr(self._made_for).encode()):08x}.pickle"

    def _read(self) -> dict[_Source, list[RuleSet]]:
        try:
            content = self._file.read_bytes()
            if zlib.crc32(content[4:]) != int.from_bytes(content[:4], "big"):
                return {}
            made_for, rules = pickle.loads(content[4:])  # the user's own folder, as for compiled Python
        except (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, ImportError):
            return {}
        except pickle.UnpicklingError:
            return {}
        return rules if made_for == self._made_for else {}
