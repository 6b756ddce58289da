"""An export from the screen: what is shown is kept, written by a thread, and told of when it is whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from mnist_tui.core.errors import UserError
from mnist_tui.core.export_folder import ExportFolder
from mnist_tui.core.search import line
from mnist_tui.core.sheet import SHEET_LIMIT
from mnist_tui.inspecting import SheetWritten, Unanswered, WriteSheet

if TYPE_CHECKING:
    from mnist_tui.core.dataset import Split
    from mnist_tui.core.predictions.export import Selection
    from mnist_tui.tui.session import Session

_LOOK_SECONDS = 0.05


@attrs.frozen(eq=False)
class Export:
    """What is taken away: a selection, its pictures, and the screen as SVG."""

    run_folder: str
    selection: Selection
    digits: Split
    screen: str


def selection_of(session: Session) -> Selection:
    """What `session`'s browser shows now.

    Raises:
        UserError: it shows no digit, or none that was judged.
    """
    from mnist_tui.core.predictions.export import Selection

    browser, page = session.browser, session.browser.album.shown
    if browser.predictions is None or page is None:
        raise UserError("There is no evaluation of these digits to write yet: train, or press e.")
    if not browser.order:
        raise UserError("No digit is shown, so there is nothing to write.")
    return Selection(
        table=browser.predictions,
        order=tuple(browser.order),
        split=browser.split,
        classes=browser.classes,
        query=browser.query,
        sort=browser.sort,
        other=browser.other.name if browser.other and browser.query.get("vs") else "",
        run=session.progress.run,
        dataset=session.progress.dataset,
        epoch=page.epoch,
    )


async def write(export: Export, session: Session) -> Path | None:
    """Write `digits.csv`, `digits.json`, `screen.svg` and `digits.png` into a new folder, and return that.

    The texts are made by a thread, the sheet by the one that answers questions. None where there can be no sheet: why,
    the app says, as for every question.

    Raises:
        UserError: a file cannot be written. Nothing is left then, as where this is cancelled.
    """
    what = f"{export.selection.split} {line(export.selection.query, export.selection.classes) or 'all'}"
    folder = await asyncio.to_thread(ExportFolder, export.run_folder, what)
    finished = None
    try:
        await asyncio.to_thread(_write_texts, export, folder)
        if await _write_sheet(export, folder, session):
            finished = folder.finish()
    finally:
        if finished is None:
            folder.discard()
    return finished


def _write_texts(export: Export, folder: ExportFolder) -> None:
    from mnist_tui.core.predictions.export import to_csv, to_json

    folder.write("digits.csv", to_csv(export.selection))
    folder.write("digits.json", to_json(export.selection))
    folder.write("screen.svg", export.screen)


async def _write_sheet(export: Export, folder: ExportFolder, session: Session) -> bool:
    from mnist_tui.core.predictions.export import captions, heading

    question = WriteSheet(
        path=str(folder.path / "digits.png"),
        heading=heading(export.selection),
        captions=captions(export.selection),
        pixels=b"".join(export.digits.digit(index) for index in export.selection.order[:SHEET_LIMIT]),
    )
    session.ask(question)
    while True:  # the app's clock takes the answers in
        answer = session.answers.get(question.topic)
        if isinstance(answer, (SheetWritten, Unanswered)):
            return isinstance(answer, SheetWritten)
        await asyncio.sleep(_LOOK_SECONDS)
