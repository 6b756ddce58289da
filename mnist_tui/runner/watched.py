"""The runner that trains nothing: it reads the folder of a run that another process trains, or trained.

It imports neither torch nor the engine. A thread does all reading and writing, so that a network file system that is
slow never holds the screen.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import attrs

from mnist_tui.core import mailbag
from mnist_tui.core.dataset import find
from mnist_tui.core.digest import Digest
from mnist_tui.core.errors import UsageError, UserError
from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    Commanded,
    DataLoaded,
    Evaluated,
    Event,
    Observed,
)
from mnist_tui.core.hyperparameters import KNOBS, Hyperparameters
from mnist_tui.core.knob import Value
from mnist_tui.core.mailbag import Letter
from mnist_tui.core.owner import Pulses, read_owner, state_of
from mnist_tui.core.progress import resumable
from mnist_tui.core.replay import Replay, as_here
from mnist_tui.core.runs import name_of, read_run
from mnist_tui.runner import Order
from mnist_tui.runner.facts import engine_of, settings_of

LOOK_SECONDS = 0.2
JOIN_SECONDS = 2.0
AT_ONCE = 100_000  # batches handed over by one `drain`: they take the screen 0.06 s


class WatchedRunner:
    """Reads the run in `folder`; its wishes are commands to whoever trains it.

    Args:
        folder: the run's.
        notice: a sentence to say when the run is on the screen.
    """

    watching = True

    def __init__(self, folder: Path, notice: str = "") -> None:
        self.folder = folder
        self.name = name_of(folder.absolute())
        self._facts = read_run(folder)
        self.settings = settings_of(folder, self._facts)
        self._notices = [notice] if notice else []
        self._inbox: queue.SimpleQueue[list[Event]] = queue.SimpleQueue()
        self._wishes: queue.SimpleQueue[Letter | str | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._replay, self._digest, self._pulses = Replay(folder), Digest(), Pulses()
        self._digits = 0
        self._foreign = False  # evaluations of other digits than those that are here were met
        self._observed: Observed | None = None
        self._taken = 0
        self._stamp: tuple[int, ...] = ()

    # --- what a front end asks for

    def load(self) -> None:
        """Begin to read in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name="watcher", daemon=True)
            self._thread.start()

    def drain(self) -> list[Event]:
        """Everything that was read since the last call, in order; of a very long history, a part."""
        events: list[Event] = []
        batches = 0
        while batches < AT_ONCE:
            try:
                found = self._inbox.get_nowait()
            except queue.Empty:
                break
            batches += _batches(found)
            events += found
        return events

    def close(self, timeout: float = JOIN_SECONDS) -> bool:
        """End the reading; the training goes on. False where a read is still under way after `timeout` seconds."""
        self._closed.set()
        self._wishes.put(None)
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def start(self, order: Order) -> NoReturn:
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self.name} is only watched here: leave, and begin a run with mnist-tui")

    def restart(self, order: Order) -> NoReturn:
        """Refuse, as `start` does."""
        self.start(order)

    def edit(self, changes: Mapping[str, Value]) -> None:
        """Put the live part of `changes` in force."""
        later = [KNOBS[name].label for name in changes if not KNOBS[name].live]
        live = {name: value for name, value in changes.items() if KNOBS[name].live}
        if later:
            self._wishes.put(f"{' and '.join(later)} cannot change inside a run, and here one is only watched")
        if live:
            self._wishes.put(Letter("edit", live))

    def undo(self) -> None:
        """Take the last edit back, with all that was learnt since."""
        self._wishes.put(Letter("undo"))

    def recover(self) -> None:
        """Go back to the last good state and train on at half the rate."""
        self._wishes.put(Letter("recover"))

    def pause(self) -> None:
        """Wait after the batch under way."""
        self._wishes.put(Letter("pause"))

    def resume(self) -> None:
        """Train on."""
        self._wishes.put(Letter("resume"))

    def step_once(self) -> None:
        """Train one batch, then wait."""
        self._wishes.put(Letter("step"))

    def request_evaluation(self) -> None:
        """Evaluate the test set now."""
        self._wishes.put(Letter("evaluate"))

    def request_save(self) -> None:
        """Write a checkpoint now."""
        self._wishes.put(Letter("save"))

    def request_rate(self) -> None:
        """Run the learning-rate finder now."""
        self._wishes.put(Letter("find_rate"))

    def cancel_rate(self) -> None:
        """End the learning-rate finder."""
        self._wishes.put(Letter("cancel_rate"))

    def request_preview(self, hyperparameters: Hyperparameters) -> None:
        """Say that there is none."""
        self._wishes.put("there is no preview of augmented images while another process trains")

    def request_timing(self) -> None:
        """Nothing: only who trains can tell."""

    def stop_after_epoch(self, wanted: bool) -> None:
        """End the run with the epoch under way, or do not."""
        self._wishes.put(Letter("stop_after_epoch", wanted=wanted))

    def stop(self, reason: str = "") -> None:
        """Save and end the run, in the process that trains it."""
        self._wishes.put(Letter("stop"))

    # --- the thread

    def _main(self) -> None:
        try:
            self._watch()
        except Exception as error:  # nothing may vanish in a thread: the front end shows it
            self._inbox.put([Answered(0, f"{self.name} is read no more: {type(error).__name__}: {error}")])

    def _watch(self) -> None:
        self._load_digits()
        self._inbox.put([engine_of(self._facts)])
        self._look()
        self._inbox.put([Answered(0, notice) for notice in self._notices])
        due = time.monotonic() + LOOK_SECONDS
        while not self._closed.is_set():
            try:
                wish = self._wishes.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                self._look()
                due = time.monotonic() + LOOK_SECONDS
            else:
                self._grant(wish)

    def _load_digits(self) -> None:
        try:
            source = find(self.settings.dataset, self.settings.data_dir)
            test = source.load_test()
        except (UserError, OSError) as error:
            self._notices.append(f"the test digits of this run are not here, and are not shown: {error}")
            return
        self._digits = len(test)
        self._inbox.put([DataLoaded(source, test)])

    def _look(self) -> None:
        """Read what is new; who trains is looked up before what was done, so that no last word is missed."""
        owner = read_owner(self.folder)
        pulse = self._pulses.judge(owner)
        self._read_facts()
        state = state_of(self._facts.get("status"), pulse)
        self._hand_over([self._here(event) for event in self._digest.take(self._replay.read())])
        observed = Observed(state, owner.words if owner is not None and state in {"live", "stalled"} else "")
        if observed != self._observed:
            self._observed = observed
            self._inbox.put([observed])
        if self._foreign:
            self._foreign = False
            self._inbox.put([Answered(0, "the test digits here are others than this run's: no prediction is shown")])

    def _read_facts(self) -> None:
        """`run.json`, where it is another than at the last look."""
        try:
            there = os.stat(self.folder / "run.json")
        except OSError:
            return
        stamp = (there.st_ino, there.st_size, there.st_mtime_ns)
        if stamp != self._stamp and (facts := read_run(self.folder)):
            self._stamp, self._facts = stamp, facts

    def _hand_over(self, events: list[Event]) -> None:
        part: list[Event] = []
        batches = 0
        for event in events:
            part.append(event)
            batches += _batches([event])
            if batches >= AT_ONCE:
                self._inbox.put(part)
                part, batches = [], 0
        if part:
            self._inbox.put(part)

    def _here(self, event: Event) -> Event:
        """`event` with paths as they are from here, and without predictions of digits that are not here."""
        match event:
            case Commanded():
                self._taken = max(self._taken, min(event.number, 10**12))
            case Evaluated() if event.logits and len(event.logits) != 40 * self._digits:
                self._foreign = self._foreign or self._digits > 0
                return attrs.evolve(event, logits=b"")
            case _:
                pass
        return as_here(event, self.folder)

    def _grant(self, wish: Letter | str | None) -> None:
        if wish is None:
            return
        answer = wish if isinstance(wish, str) else self._send(wish)
        if answer:
            self._inbox.put([Answered(0, answer)])

    def _send(self, letter: Letter) -> str:
        """Leave a command; the sentence that answers it where there is something to say."""
        assert self._observed is not None
        state = self._observed.state
        if state == "finished":
            return f"{self.name} is finished: mnist-tui --resume {resumable(self.folder)} --epochs N gives it more"
        if state not in {"live", "stalled"}:
            return f"nobody trains {self.name}: resume it with mnist-tui --resume {resumable(self.folder)}"
        try:
            self._taken = mailbag.post(self.folder, letter, self._taken)
        except OSError as error:
            return f"nothing can be asked of {self._observed.owner}: {error.strerror or error} in {self.folder}"
        return "" if state == "live" else f"{self._observed.owner} does not answer: it is asked as soon as it does"


def _batches(events: list[Event]) -> int:
    return sum(len(event.losses) for event in events if isinstance(event, BatchesTrained))
