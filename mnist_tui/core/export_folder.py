"""The folder of an export: it has its name once every file in it is whole, and is gone where one cannot be written."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

from mnist_tui.core.errors import UserError
from mnist_tui.core.files import write_atomically

PLACE = "exports"
PLACE_ELSEWHERE = Path("mnist-tui-exports")


class ExportFolder:
    """A folder under a name that begins with a dot, until it is finished.

    Args:
        run_folder: of the run, in whose `exports/` it is made; `./mnist-tui-exports/` is taken where there is no run,
            or nothing can be written there.
        what: words that say what is exported; they become part of its name.

    Attributes:
        path: where it is now.

    Raises:
        UserError: it can be made in neither place.
    """

    def __init__(self, run_folder: str, what: str) -> None:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{_slug(what)}"
        places = [Path(run_folder) / PLACE] if run_folder and os.path.isdir(run_folder) else []
        for place in [*places, PLACE_ELSEWHERE]:
            try:
                place.mkdir(exist_ok=True)
                self._target = _free(place / name)
                self.path = place / f".{self._target.name}.{os.getpid()}.tmp"
                self.path.mkdir()
            except OSError as error:
                reason = error.strerror or str(error)
                refusal = UserError(f"cannot write to {place}: {reason}; make room, or begin where you may write")
            else:
                return
        raise refusal

    def write(self, name: str, text: str) -> None:
        """Write a file of it as UTF-8.

        Raises:
            UserError: it cannot be written.
        """
        try:
            write_atomically(self.path / name, text.encode())
        except OSError as error:
            raise UserError(f"cannot write {self._target / name}: {error.strerror or error}") from None

    def finish(self) -> Path:
        """Give it its name, and return that.

        Raises:
            UserError: it is gone.
        """
        try:
            os.replace(self.path, self._target)
        except OSError as error:
            raise UserError(f"cannot write {self._target}: {error.strerror or error}") from None
        return self._target

    def discard(self) -> None:
        """Remove it, and the folder it lies in where that is empty then."""
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()


def _slug(words: str) -> str:
    """Words as part of a file's name: `test is:wrong conf<0.6` is `test-is-wrong-conf-0.6`."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", words)[:60].strip("-.")


def _free(path: Path) -> Path:
    number, free = 2, path
    while free.exists():
        free, number = path.with_name(f"{path.name}-{number}"), number + 1
    return free
