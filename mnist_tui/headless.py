"""The same run without a screen: rich progress on a terminal, plain lines in a pipe, JSON lines for programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Protocol

from mnist_tui.core.events import (
    Answered,
    BatchesTrained,
    Commanded,
    DataLoaded,
    DownloadProgressed,
    EngineLoaded,
    Evaluated,
    Event,
    HealthWarned,
    Recalled,
    RunContinued,
    RunFailed,
    RunFinished,
    RunStarted,
    SaveFailed,
)
from mnist_tui.core.monitor import Monitor
from mnist_tui.core.progress import Progress
from mnist_tui.core.recorder import as_record, to_json
from mnist_tui.core.speed import CrowdWatch
from mnist_tui.detached import settle
from mnist_tui.leaving import Departure, leave_at_once
from mnist_tui.reaper import Reaper
from mnist_tui.render.words import clock
from mnist_tui.runner import Order
from mnist_tui.runner.local import LocalRunner

LOOK_SECONDS = 0.2  # how often a signal is looked for; a signal also interrupts the wait


class Reporter(Protocol):
    """Shows a run somewhere; told every event after `progress` has taken it in."""

    def report(self, event: Event, progress: Progress) -> None:
        """Show one event."""

    def close(self) -> None:
        """Show nothing more."""


class JsonReporter:
    """One JSON object a line on stdout: the engine's events, without the logits."""

    def report(self, event: Event, progress: Progress) -> None:
        """Print the event, unless it is about loading."""
        if not isinstance(event, (DataLoaded, DownloadProgressed)):
            print(to_json(as_record(event)), flush=True)

    def close(self) -> None:
        """Nothing to close."""


class LineReporter:
    """Plain lines: the settings, a line every ten seconds, each evaluation, each trouble."""

    EVERY_SECONDS = 10.0

    def __init__(self) -> None:
        self._shown_at = 0.0
        self._downloaded = ("", -1)

    def report(self, event: Event, progress: Progress) -> None:
        """Print a line where the event is worth one."""
        line = describe(event, progress)
        if isinstance(event, BatchesTrained):
            if progress.train_seconds - self._shown_at < self.EVERY_SECONDS:
                return
            self._shown_at = progress.train_seconds
        if isinstance(event, DownloadProgressed):
            tenths = (event.file, event.done * 10 // event.total if event.total else 0)
            if tenths == self._downloaded:
                return
            self._downloaded = tenths
        if line:
            print(line, flush=True)

    def close(self) -> None:
        """Nothing to close."""


class BarReporter:
    """A progress bar over the whole run on a terminal, and a line above it for each evaluation."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskID, TextColumn
        from rich.progress import Progress as Bar

        self._console = Console(stderr=True, highlight=False)
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            console=self._console,
            transient=True,
        )
        self._task: TaskID = self._bar.add_task("loading", total=None)
        self._bar.start()

    def report(self, event: Event, progress: Progress) -> None:
        """Move the bar, or print a line above it."""
        if isinstance(event, (BatchesTrained, DownloadProgressed)):
            total = progress.samples_per_epoch * (progress.hyperparameters.epochs if progress.hyperparameters else 0)
            self._bar.update(
                self._task,
                description=describe(event, progress),
                completed=progress.samples,
                total=total or None,
            )
        elif line := describe(event, progress):
            self._console.print(line, markup=False)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


def describe(event: Event, progress: Progress) -> str:
    """One plain line about an event; empty where it is not worth one."""
    match event:
        case DataLoaded():
            return f"data: {event.source.name}, {event.source.where}" + _more(event.source.notice)
        case DownloadProgressed():
            return progress.notice
        case EngineLoaded():
            name = f" {event.device_name}" if event.device_name else ""
            threads = f"{event.threads} thread" + ("s" if event.threads != 1 else "")
            return f"device: {event.device}{name}, {threads}, torch {event.torch_version}" + _more(event.notice)
        case RunStarted():
            return f"run: {event.folder}, {event.parameters} parameters"
        case RunContinued():
            return f"run: {event.folder}, goes on after step {event.step}" + _more(event.notice)
        case BatchesTrained():
            return f"{_position(progress)}  loss {event.losses[-1]:.4f}  {_pace(progress)}"
        case Evaluated():
            return (
                f"epoch {event.epoch}  step {event.step}  {event.split} accuracy {event.accuracy:.2%}  "
                f"{event.split} loss {event.loss:.4f}"
            )
        case SaveFailed():
            return f"warning: {event.message}"
        case RunFinished():
            why = f" ({event.reason})" if event.reason else ""
            epochs = f"{event.epochs} epoch" + ("" if event.epochs == 1 else "s")
            before = progress.continued_after
            these = f", {event.step - before} of them" if before else ""
            return f"{event.status}: {epochs}, {event.step} steps{these} in {clock(event.seconds)}{why}"
        case Commanded():
            return f"asked by a watcher: {event.command.replace('_', ' ')}"
        case Answered():
            return event.message
        case HealthWarned():
            return f"warning: {event.ailment}: {event.message}"
        case _:
            return ""


def _more(notice: str) -> str:
    return f" ({notice})" if notice else ""


def _position(progress: Progress) -> str:
    epochs = progress.hyperparameters.epochs if progress.hyperparameters else 0
    return f"epoch {progress.epoch}/{epochs}  step {progress.step}"


def _pace(progress: Progress) -> str:
    rate, left = progress.images_per_second, progress.seconds_left
    words = [f"{rate:.0f} img/s"] if rate else []
    words += [f"{clock(left)} left"] if left is not None else []
    return "  ".join(words)


def summarise(progress: Progress, status: str, world_size: int = 1) -> dict[str, Any]:
    """The last line of `train --json`; `world_size` processes trained together."""
    rate = progress.samples / progress.train_seconds if progress.train_seconds else None
    checkpoints = progress.checkpoints
    summary: dict[str, Any] = {
        "run": progress.run,
        "status": status,
        "steps": progress.step,
        "epochs": progress.epochs_finished,
        "train_images_per_second": rate,
        "test_accuracy": progress.test_accuracy,
        "test_loss": progress.test_loss,
        "best_test_accuracy": progress.best_test_accuracy,
        "seconds": progress.seconds,
        "device": progress.device,
        "world_size": world_size,
        "checkpoint": checkpoints.get("best") or checkpoints.get("last"),
        "model": f"{progress.folder}/cnn_model.pth" if "last" in checkpoints and not progress.unsaved else None,
    }
    if progress.error:
        summary["error"] = progress.error
    return summary


def train(runner: LocalRunner, order: Order, *, as_json: bool) -> int:
    """Train as ordered to the end, or until a signal; returns the exit code."""
    departure = Departure()
    departure.listen()
    departure.suspend_honestly()
    reaper = Reaper(departure, runner)
    try:
        return _train(runner, order, departure, reaper, as_json=as_json)
    finally:
        reaper.close()


def _train(runner: LocalRunner, order: Order, departure: Departure, reaper: Reaper, *, as_json: bool) -> int:
    reporter: Reporter
    if as_json:
        reporter = JsonReporter()
    else:
        reporter = BarReporter() if sys.stdout.isatty() and sys.stderr.isatty() else LineReporter()
    progress, monitor, crowd = Progress(), Monitor(), CrowdWatch()
    runner.start(order)
    ending: RunFinished | RunFailed | None = None
    try:
        while ending is None:
            for event in runner.wait(LOOK_SECONDS):
                if isinstance(event, Recalled):
                    for recalled in event.events:
                        progress.apply(recalled)
                    continue
                progress.apply(event)
                if isinstance(event, (RunStarted, RunContinued)):
                    settle(Path(event.folder))
                reporter.report(event, progress)
                reaper.told()
                if isinstance(event, (RunFinished, RunFailed)):
                    ending = event
            if not as_json:
                monitor.watch(progress.device or "cpu", progress.phase == "training")
                if words := crowd.consider(progress, monitor.load):
                    reporter.report(Answered(progress.step, f"slow: {words}"), progress)
            if departure.asked.is_set():
                if departure.interrupts > 1 or not progress.run:
                    reporter.close()
                    leave_at_once(departure.exit_code)  # asked twice, or nothing was trained that could be saved
                runner.stop(departure.reason)
    finally:
        monitor.close()
        reporter.close()
        closed = runner.close()
        reaper.told()
    if as_json:
        status = ending.status if isinstance(ending, RunFinished) else "failed"
        print(to_json(summarise(progress, status, runner.world_size)), flush=True)
    code = _conclude(ending, progress, departure, as_json, runner.world_size)
    if not closed:
        leave_at_once(code)
    return code


def _conclude(
    ending: RunFinished | RunFailed, progress: Progress, departure: Departure, as_json: bool, world_size: int = 1
) -> int:
    if isinstance(ending, RunFailed):
        print(f"mnist-tui: {ending.message}", file=sys.stderr)
        return ending.exit_code
    if not as_json:
        together = f"torchrun --nproc-per-node {world_size} -m mnist_tui"
        for line in progress.farewell(f"{together if world_size > 1 else 'mnist-tui'} train"):
            print(line, flush=True)
    if progress.unsaved:
        print(f"mnist-tui: the run is not saved: {progress.unsaved}", file=sys.stderr)
        return departure.exit_code or 1
    return departure.exit_code if ending.status == "stopped" else 0
