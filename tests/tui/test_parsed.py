"""Rules of style that an earlier start has left."""

from pathlib import Path
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet, StylesheetParseError

from mnist_tui.tui import parsed
from mnist_tui.tui.parsed import ParsedStylesheet

COLOURS = {"panel": "#102030", "text": "#ffffff"}
SHEETS = {
    "one": "Button { background: $panel; &:hover { color: $text; } }",
    "two": "#here > .there { layout: grid; grid-size: 2; hatch: cross $panel; width: 1fr; }",
}


def described(sheet: Stylesheet) -> list[tuple[object, ...]]:
    """All that is known of its rules; a layout is told by its name, as a theme's colours by their numbers."""
    return [
        (rule.selector_set, repr(rule.styles.get_rules()), rule.is_default_rules, rule.tie_breaker)
        for rule in sheet.rules
    ]


def filled(sheet: Stylesheet, scope: str = "", more: str = "") -> Stylesheet:
    for number, (name, text) in enumerate(SHEETS.items()):
        sheet.add_source(text + more, (name, name), is_default_css=bool(number), tie_breaker=number, scope=scope)
    return sheet


def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that Textual parses from now on."""
    texts: list[str] = []
    real = Stylesheet._parse_rules

    def spy(self: Stylesheet, css: str, *words: Any, **named: Any) -> list[RuleSet]:
        texts.append(css)
        return real(self, css, *words, **named)

    monkeypatch.setattr(Stylesheet, "_parse_rules", spy)
    return texts


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A folder with the file of an earlier start."""
    sheet = ParsedStylesheet(variables=COLOURS, folder=tmp_path)
    assert filled(sheet).rules
    sheet.keep()
    return tmp_path


def test_what_is_left_is_what_textual_parses(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = described(filled(Stylesheet(variables=COLOURS)))
    texts = parses(monkeypatch)
    assert described(filled(ParsedStylesheet(variables=COLOURS, folder=left))) == wanted
    assert texts == []


@pytest.mark.parametrize(("scope", "more"), [("Somewhere", ""), ("", " ")])
def test_another_text_and_another_scope_are_parsed_and_left_in_place_of_those_nobody_used(
    left: Path, monkeypatch: pytest.MonkeyPatch, scope: str, more: str
) -> None:
    (file,) = left.iterdir()
    size = file.stat().st_size
    texts = parses(monkeypatch)
    sheet = ParsedStylesheet(variables=COLOURS, folder=left)
    assert described(filled(sheet, scope, more)) == described(filled(Stylesheet(variables=COLOURS), scope, more))
    sheet.keep()
    assert len(texts) == 4
    texts.clear()
    again = ParsedStylesheet(variables=COLOURS, folder=left)
    assert filled(again, scope, more).rules
    again.keep()
    assert texts == []
    assert list(left.iterdir()) == [file]
    assert file.stat().st_size < 1.5 * size


def test_what_was_found_stays_beside_what_was_parsed(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def more(sheet: ParsedStylesheet) -> ParsedStylesheet:
        filled(sheet).add_source("Label { width: 5; }", ("more", ""))
        assert len(sheet.rules) == 4
        return sheet

    more(ParsedStylesheet(variables=COLOURS, folder=left)).keep()
    texts = parses(monkeypatch)
    more(ParsedStylesheet(variables=COLOURS, folder=left))
    assert texts == []


def test_files_of_long_ago_are_removed(tmp_path: Path) -> None:
    for number in range(8):
        sheet = ParsedStylesheet(variables={**COLOURS, "text": f"#00000{number}"}, folder=tmp_path)
        assert filled(sheet).rules
        sheet.keep()
    assert len(list(tmp_path.iterdir())) == parsed._MOST


def test_a_file_of_other_classes_is_parsed_over(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> None:
        raise TypeError("__new__() takes 3 positional arguments but 4 were given")

    monkeypatch.setattr("pickle.loads", refuse)
    sheet = ParsedStylesheet(variables=COLOURS, folder=left)
    assert described(filled(sheet)) == described(filled(Stylesheet(variables=COLOURS)))


def test_other_colours_are_another_file(left: Path) -> None:
    light = {**COLOURS, "panel": "#ffffff"}
    sheet = ParsedStylesheet(variables=light, folder=left)
    assert described(filled(sheet)) == described(filled(Stylesheet(variables=light)))
    sheet.keep()
    assert len(list(left.iterdir())) == 2


def test_colours_that_change_are_in_force(left: Path) -> None:
    sheet = filled(ParsedStylesheet(variables=COLOURS, folder=left))
    assert sheet.rules
    light = {**COLOURS, "panel": "#ffffff"}
    sheet.set_variables(light)
    sheet.parse()
    assert described(sheet) == described(filled(Stylesheet(variables=light)))


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"half"], ids=str)
def test_a_damaged_file_is_parsed_over(left: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = left.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] if content == b"half" else content)
    texts = parses(monkeypatch)
    sheet = ParsedStylesheet(variables=COLOURS, folder=left)
    assert described(filled(sheet)) == described(filled(Stylesheet(variables=COLOURS)))
    assert len(texts) == 4
    sheet.keep()
    assert len(file.read_bytes()) == len(whole)


def test_another_textual_is_another_file(left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (left / "other.py").write_bytes(b"")
    monkeypatch.setattr(parsed, "_TEXTUAL", (str(left / "other.py"),))
    texts = parses(monkeypatch)
    assert filled(ParsedStylesheet(variables=COLOURS, folder=left)).rules
    assert len(texts) == 2


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    sheet = ParsedStylesheet(variables=COLOURS, folder=tmp_path / "file")
    assert described(filled(sheet)) == described(filled(Stylesheet(variables=COLOURS)))
    sheet.keep()


def test_what_is_wrong_is_told_every_time(tmp_path: Path) -> None:
    for _ in range(2):
        sheet = ParsedStylesheet(variables=COLOURS, folder=tmp_path)
        sheet.add_source("Button { colour: $panel; }", ("wrong", ""))
        with pytest.raises(StylesheetParseError):
            sheet.parse()
        sheet.keep()
    assert list(tmp_path.iterdir()) == []
