"""The top line: what is trained on what, in which state, how far, how well, how fast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from mnist_tui.core.progress import Progress
from mnist_tui.core.settings import RunSettings
from mnist_tui.render.palette import Palette
from mnist_tui.render.words import clock, grouped
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session

_PHASES = ("training", "paused", "evaluating", "finding rate", "done", "stopped", "failed", "crashed")
_SIGNS = dict(zip(_PHASES, "●‖◌◌✓■✗✗", strict=True))
_ASCII_SIGNS = dict(zip(_PHASES, "*=~~+#xx", strict=True))


def status_pieces(
    progress: Progress, settings: RunSettings, slow_link: str = "", awaited: str = ""
) -> list[tuple[int, str, str]]:
    """The words of the line as (how soon they may be dropped, kind, text), in order; 0 is never dropped."""
    pieces: list[tuple[int, str, str]] = [
        (5, "name", "mnist-tui"),
        (3, "setting", f"{progress.name or settings.preset} · {progress.dataset or settings.dataset}"),
    ]
    if progress.device:
        where = progress.device_name or (f"{progress.threads} threads" if progress.threads > 1 else "1 thread")
        pieces.append((4, "setting", f"{progress.device} {where}"))
    pieces.append((0, "phase", progress.phase))
    if awaited:
        pieces.append((1, "slow", awaited))
    if progress.observed is not None:
        pieces.append((0, "figure", f"watching, {progress.observed}"))
        if progress.owner:
            pieces.append((4, "setting", progress.owner))
    if progress.phase == "downloading" and progress.notice:
        pieces.append((0, "figure", progress.notice))
    if progress.phase == "failed":
        pieces.append((0, "figure", progress.error))
    if progress.hyperparameters is not None and progress.run:
        pieces.append((1, "figure", f"epoch {progress.epoch}/{max(progress.epoch, progress.hyperparameters.epochs)}"))
        planned = progress.planned_steps
        of_planned = f"/{grouped(planned)}" if planned and progress.active else ""
        pieces.append((2, "figure", f"step {grouped(progress.step)}{of_planned}"))
    if slow_link:
        pieces.append((1, "slow", slow_link))
    if progress.stops_after is not None and progress.active:
        pieces.append((1, "figure", f"ends after epoch {progress.stops_after}"))
    if progress.test_accuracy is not None:
        pieces.append((0, "accuracy", f"test {progress.test_accuracy * 100:.2f} %"))
    if progress.active and progress.images_per_second:
        pieces.append((2, "figure", f"{grouped(round(progress.images_per_second))} img/s"))
        left = progress.seconds_left
        if left is not None and progress.phase != "paused":
            pieces.append((1, "figure", f"{clock(left)} left"))
    elif progress.over and progress.run:
        pieces.append((2, "figure", f"in {clock(max(progress.seconds, progress.train_seconds))}"))
    return pieces


class StatusBar(LineView):
    """One line; on a narrow screen the least important words go first."""

    DEFAULT_CSS = """
    StatusBar { height: 1; background: $panel; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="status")
        self._session = session
        self._ascii = session.ascii_only
        self._shown: list[tuple[int, str, str]] = []

    def show(self) -> None:
        """Repaint if a word changed."""
        pieces = self._pieces()
        if pieces != self._shown:
            self._shown = pieces
            self.redraw()

    def _pieces(self) -> list[tuple[int, str, str]]:
        session = self._session
        slow_link = getattr(self.app, "slow_link", "")
        return status_pieces(session.progress, session.settings, slow_link, session.awaited)

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """The words that fit, two spaces apart."""
        pieces = self._shown or self._pieces()
        signs = _ASCII_SIGNS if self._ascii else _SIGNS
        texts = []
        for priority, kind, text in pieces:
            if kind == "phase":
                text = f"{signs.get(text, '·' if not self._ascii else '-')} {text}"
            texts.append((priority, kind, text.replace("·", "-") if self._ascii else text))
        while len(texts) > 1 and sum(len(text) + 2 for _, _, text in texts) > width:
            worst = max(priority for priority, _, _ in texts)
            if worst == 0:
                break
            texts.remove(next(entry for entry in reversed(texts) if entry[0] == worst))
        palette = self.palette
        styles = {
            "name": Style(color=palette.accent, bold=True),
            "setting": Style(color=palette.muted),
            "phase": Style(color=self._phase_colour(palette), bold=True),
            "figure": Style(color=palette.text),
            "slow": Style(color=palette.warning),
            "accuracy": Style(color=palette.best, bold=True),
        }
        line = [Segment(" ")]
        for _, kind, text in texts:
            line += [Segment(text, styles[kind]), Segment("  ")]
        yield line

    def _phase_colour(self, palette: Palette) -> str:
        if self._session.progress.observed == "stalled":
            return palette.warning
        match self._session.progress.phase:
            case "training" | "done":
                return palette.right
            case "paused" | "evaluating" | "finding rate" | "stopped":
                return palette.warning
            case "failed" | "crashed":
                return palette.wrong
            case _:
                return palette.accent
