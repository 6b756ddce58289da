"""Taking digits away from the Inspect screen: files, and an index on the clipboard."""

import base64
import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from textual.pilot import Pilot

from mnist_tui.core.query import WRONG
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.session import Session
from mnist_tui.tui.tmux import load_buffer
from tests.tui.scripted import evaluation, loaded, make_app, mid_run, said


@pytest.fixture(autouse=True)
def none_answers_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever answers questions of a session ends with the test."""
    sessions: list[Session] = []
    begin = Session.__init__

    def keep(session: Session, *words: Any, **more: Any) -> None:
        begin(session, *words, **more)
        sessions.append(session)

    monkeypatch.setattr(Session, "__init__", keep)
    yield
    assert all(session.close() for session in sessions)


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TMUX", raising=False)
    run = tmp_path / "runs" / "x"
    run.mkdir(parents=True)
    return run


async def until(pilot: Pilot[int], there: Callable[[], bool]) -> None:
    for _ in range(2000):
        if there():
            return
        await pilot.pause(0.02)
    raise AssertionError(said(pilot.app))  # type: ignore[arg-type]


async def exported(pilot: Pilot[int], app: MnistApp) -> None:
    await until(pilot, lambda: not any(worker.is_running for worker in app.workers))


async def test_what_is_shown_is_written_into_the_run(there: Path) -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.session.browser.predictions is not None)
        await pilot.press("i", "m", "E")
        order = list(app.session.browser.order)
        await pilot.press("m", "escape")  # what is looked at meanwhile makes no difference
        await exported(pilot, app)
    (folder,) = (there / "exports").iterdir()
    assert folder.name.endswith("-test-wrong")
    assert {path.name for path in folder.iterdir()} == {"digits.csv", "digits.json", "digits.png", "screen.svg"}
    with open(folder / "digits.csv", encoding="utf-8") as file:
        assert [int(row["index"]) for row in csv.DictReader(file)] == order
    found = json.loads((folder / "digits.json").read_text(encoding="utf-8"))
    assert (found["run"], found["step"], found["epoch"]) == ("20260101-120000-classic", 938, 1)
    assert (found["query"], found["dataset"], len(found["digits"])) == ("wrong", "mnist", 125)
    assert "misclassified" in (folder / "screen.svg").read_text(encoding="utf-8")
    with Image.open(folder / "digits.png") as sheet:
        assert sheet.width > 1000
    words = "125 digits as CSV, JSON and a contact sheet, and the screen: "
    assert said(app)[-1] == f"{words}{Path('runs/x/exports') / folder.name}"


async def test_one_is_written_at_a_time_and_leaving_in_the_middle_leaves_nothing(there: Path) -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.session.browser.predictions is not None)
        await pilot.press("i")
        app.session.ask = lambda question: None  # type: ignore[method-assign]  # nobody draws the sheet
        await pilot.press("E")
        await until(pilot, lambda: any((there / "exports").glob(".*.tmp/screen.svg")))
        await pilot.press("E")
        assert said(app)[-1] == "An export is still being written."
    assert list(there.iterdir()) == []


async def test_nothing_to_write_is_said(there: Path) -> None:
    app, runner = make_app(loaded())
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.session.browser.digits is not None)
        await pilot.press("i", "E")
        assert said(app)[-1] == "There is no evaluation of these digits to write yet: train, or press e."
        runner.say(evaluation(5))
        await until(pilot, lambda: app.session.browser.predictions is not None)
        app.session.browser.ask(WRONG.choose("true", 0).choose("pred", 0))
        await pilot.press("E", "y")
        assert said(app)[-2:] == [
            "No digit is shown, so there is nothing to write.",
            "No digit is shown, so there is no index to copy.",
        ]
    assert list(there.iterdir()) == []


@pytest.mark.parametrize("blocked", ["table", "sheet"])
async def test_an_export_that_cannot_be_written_is_one_sentence(
    there: Path, monkeypatch: pytest.MonkeyPatch, blocked: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    place = {"table": "mnist_tui.core.export_folder", "sheet": "mnist_tui.engine.insight.sheet"}[blocked]
    monkeypatch.setattr(f"{place}.write_atomically", refuse)
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.session.browser.predictions is not None)
        await pilot.press("i", "m", "E")
        await exported(pilot, app)
        writing, sentence = said(app)
    assert writing == "Writing 125 digits ..."
    assert sentence.startswith("cannot write ")
    assert sentence.endswith(": No space left on device")
    assert list(there.iterdir()) == []


# --- the clipboard


def fake_tmux(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `tmux` first on the path that writes down what it is told."""
    log = folder / "tmux.log"
    script = folder / "bin" / "tmux"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho "$@" > {log}.new\ncat >> {log}.new\nmv {log}.new {log}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    return log


@pytest.mark.parametrize("in_tmux", [False, True])
async def test_the_index_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_tmux: bool) -> None:
    log = fake_tmux(tmp_path, monkeypatch)
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.session.browser.predictions is not None)
        if in_tmux:
            monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
        written: list[str] = []
        assert app._driver is not None
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("i", "right", "right", "y")
        index = app.session.browser.index
        if in_tmux:
            await until(pilot, log.exists)
    osc52 = f"\x1b]52;c;{base64.b64encode(str(index).encode()).decode()}\x07"
    outside = f"\x1bPtmux;\x1b{osc52}\x1b\\"
    copies = [text for text in written if "]52;" in text]
    assert copies == ([osc52, outside] if in_tmux else [osc52])
    assert log.exists() == in_tmux
    if in_tmux:
        assert log.read_text() == f"load-buffer -w -\n{index}"
    assert said(app)[-1].startswith(f"{index}, the index of this test digit. If it cannot be pasted")


def test_no_tmux_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    thread = load_buffer("5")
    thread.join(10)
    assert not thread.is_alive()
