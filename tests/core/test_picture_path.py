from pathlib import Path

import pytest

from mnist_tui.core.picture_path import as_path, complete


@pytest.mark.parametrize(
    "text",
    [
        "/a/my digit.png",
        "  /a/my digit.png \n",
        "'/a/my digit.png'",
        '"/a/my digit.png"',
        "/a/my\\ digit.png",
        "file:///a/my%20digit.png",
        "file://localhost/a/my%20digit.png",
        "'file:///a/my%20digit.png'",
    ],
)
def test_what_a_terminal_pastes_is_the_file_that_was_dropped(text: str) -> None:
    assert as_path(text) == Path("/a/my digit.png")


def test_home_and_a_name_that_really_has_a_backslash(tmp_path: Path) -> None:
    assert as_path("~/a.png") == Path.home() / "a.png"
    odd = tmp_path / "a\\b.png"
    odd.touch()
    assert as_path(str(odd)) == odd


def test_a_path_is_completed_as_far_as_names_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("seven.png", "seven.jpg", "six.png", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert complete("se") == ("seven.", ["seven.jpg", "seven.png"])
    assert complete("six") == ("six.png", ["six.png"])
    assert complete("ph") == ("photos/", ["photos/"])
    assert complete(f"{tmp_path}/si") == (f"{tmp_path}/six.png", ["six.png"])
    assert complete("") == ("", ["photos/", "seven.jpg", "seven.png", "six.png"])
    assert complete(".h") == (".hidden", [".hidden"])
    assert complete("nowhere/x") == ("nowhere/x", [])
