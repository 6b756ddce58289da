"""Taking away what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from mnist_tui.core.errors import UserError
from mnist_tui.core.sheet import SHEET_LIMIT
from mnist_tui.render.words import grouped
from mnist_tui.tui.inspect.base import InspectPart
from mnist_tui.tui.inspect.copy import Copying

if TYPE_CHECKING:
    from mnist_tui.tui.exporting import Export

_GROUP = "export"
_PATH_SECONDS = 12.0  # a path takes longer to read, or to select with the mouse


class Taking(Copying, InspectPart):
    """Taking away what is shown: files, and an index on the clipboard."""

    KEYS: ClassVar[list[Binding]] = [
        Binding("E", "export", "export", tooltip="write what is shown as CSV, JSON, a contact sheet and a screenshot"),
        *Copying.COPY_KEYS,
    ]

    def action_export(self) -> None:
        """Write what is shown into a folder of the run; the screen stays free meanwhile."""
        from mnist_tui.tui.exporting import Export, selection_of

        if any(worker.group == _GROUP and worker.is_running for worker in self.app.workers):
            self.say("An export is still being written.")
            return
        try:
            selection = selection_of(self.session)
        except UserError as error:
            self.say(str(error), severity="warning")
            return
        digits = self.session.browser.digits
        assert digits is not None  # they were judged
        folder = self.session.progress.folder
        # Viewers that cut a text's leading spaces off would shift what follows them.
        screen = self.app.export_screenshot(simplify=True).replace("<text ", '<text xml:space="preserve" ')
        export = Export(folder, selection, digits, screen)
        self.say(f"Writing {_counted(len(selection))} ...")
        # The app's and not the screen's, so that it is written also where somebody looks at other things meanwhile.
        self.app.run_worker(self._export(export), group=_GROUP)

    async def _export(self, export: Export) -> None:
        from mnist_tui.tui.exporting import write

        try:
            folder = await write(export, self.session)
        except UserError as error:
            self.say(str(error), "not exported", severity="error")
            return
        if folder is not None:
            count = len(export.selection)
            few = f" (of the first {SHEET_LIMIT})" if count > SHEET_LIMIT else ""
            text = f"{_counted(count)} as CSV, JSON and a contact sheet{few}, and the screen: {folder}"
            self.notify(text, title="exported", timeout=_PATH_SECONDS, markup=False)


def _counted(count: int) -> str:
    return f"{grouped(count)} digit{'s' if count != 1 else ''}"
