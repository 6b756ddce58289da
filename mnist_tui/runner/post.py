"""A run's folder while it is trained: ours to write, our heartbeat in it, and the commands that others leave."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from mnist_tui.core import mailbag
from mnist_tui.core.control import Control
from mnist_tui.core.events import Answered, Commanded, Event
from mnist_tui.core.mailbag import BadLetter, Letter
from mnist_tui.core.owner import HEARTBEAT_SECONDS, STALE_SECONDS, Claim, RunOwned, claim

LOOK_SECONDS = 0.25
JOIN_SECONDS = 5.0  # a network file system may hold a call for long


class Post:
    """Claims `folder` for as long as it is entered, and brings what is asked for there to `control`.

    Entering raises `RunOwned` where another process trains the run, and `UserError` where its folder cannot be written.
    """

    def __init__(self, folder: Path, control: Control) -> None:
        self._folder = folder
        self._control = control
        self._claim: Claim | None = None
        self._lost: RunOwned | None = None
        self._over = threading.Event()
        self._beaten = 0.0
        self._handed: set[int] = set()  # to the control; their files go when they are acknowledged
        self._thread = threading.Thread(target=self._attend, name="post", daemon=True)

    def __enter__(self) -> Self:
        self._claim = claim(self._folder)
        self._beaten = time.monotonic()
        mailbag.clear(self._folder)
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(JOIN_SECONDS)
        if self._claim is not None and self._lost is None:
            mailbag.clear(self._folder)
            self._claim.release()

    def events(self, source: Iterator[Event]) -> Iterator[Event]:
        """What `source` yields; a command's file is removed when whoever iterates has dealt with its `Commanded`.

        Raises:
            RunOwned: somebody else has taken the run over: nothing more may be written.
        """
        for event in source:
            self.check()
            yield event
            if isinstance(event, Commanded):
                self._put_away(event.number)

    def check(self) -> None:
        """Make sure that the folder is still ours, where our heart may have stood still for long.

        Raises:
            RunOwned: somebody else has taken the run over: nothing more may be written.
        """
        if self._lost is not None:
            raise self._lost
        if self._claim is not None and time.monotonic() - self._beaten > STALE_SECONDS / 2:
            with contextlib.suppress(OSError):
                self._claim.beat()
                self._beaten = time.monotonic()

    def _put_away(self, number: int) -> None:
        """Take a command's file away; the number may be used again once it is gone."""
        if mailbag.remove(self._folder, number):
            self._handed.discard(number)

    # --- the thread

    def _attend(self) -> None:
        looks = 0
        while True:
            if looks % round(HEARTBEAT_SECONDS / LOOK_SECONDS) == 0 and not self._beat():
                return
            self._look()
            looks += 1
            if self._over.wait(LOOK_SECONDS):
                return

    def _beat(self) -> bool:
        """Show that we are alive; false where the run is another's."""
        assert self._claim is not None
        try:
            self._claim.beat()
            self._beaten = time.monotonic()
            # An NFS client believes its copy of a folder for up to 30 s; to touch the folder fetches the truth.
            os.utime(self._folder / mailbag.CONTROL_FOLDER)
        except RunOwned as lost:
            self._lost = lost
            self._control.break_off(lost)
            return False
        except OSError:  # a full disk, a folder that is gone or holds no commands yet: no reason to end the training
            pass
        return True

    def _look(self) -> None:
        for number in mailbag.waiting(self._folder):
            if number in self._handed:
                continue
            try:
                letter = mailbag.read(self._folder, number)
            except FileNotFoundError:  # just acknowledged
                continue
            except BadLetter as error:
                self._refuse(number, error)
                continue
            self._handed.add(number)
            self._control.acknowledge(Commanded(number, letter.command))
            self._carry_out(letter)

    def _refuse(self, number: int, error: BadLetter) -> None:
        from mnist_tui.core.recorder import append_log

        self._handed.add(number)
        self._put_away(number)
        with contextlib.suppress(OSError):
            append_log(self._folder, f"{error}; it was removed")
        self._control.acknowledge(Answered(0, str(error)))

    def _carry_out(self, letter: Letter) -> None:
        control = self._control
        match letter.command:
            case "edit":
                control.edit(letter.changes)
            case "undo":
                control.undo()
            case "recover":
                control.recover()
            case "pause":
                control.pause()
            case "resume":
                control.resume()
            case "step":
                control.step_once()
            case "evaluate":
                control.request_evaluation()
            case "save":
                control.request_save()
            case "find_rate":
                control.request_rate()
            case "cancel_rate":
                control.cancel_rate()
            case "stop_after_epoch":
                control.stop_after_epoch(letter.wanted)
            case "stop":
                control.stop()
