"""Files that are either whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path


def write_atomically(path: Path, data: bytes, *, previous: Path | None = None) -> None:
    """Write `data` to a temporary name beside `path`, force it to the disk, and rename it over `path`.

    Args:
        path: the file.
        data: all of it.
        previous: keep what was at `path` under this name; it is replaced only once the new file was read back.

    Raises:
        OSError: it could not be written, or is not what was written; `path` is then as it was, and no temporary file
            is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None:
            if temporary.read_bytes() != data:
                raise OSError(errno.EIO, "what was read back is not what was written")
            _keep(path, previous)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _keep(path: Path, previous: Path) -> None:
    """Give the file at `path` a second name, so that at no moment there is none; not all file systems can."""
    spare = previous.with_name(f".{previous.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        spare.unlink(missing_ok=True)
        os.link(path, spare)
        os.replace(spare, previous)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that a killed process left in `folder`."""
    with contextlib.suppress(OSError):
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; some network file systems refuse to sync a folder, and need not."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
