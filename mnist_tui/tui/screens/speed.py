"""Why is it slow? Where the time of a batch goes, what the machine is doing, and one sentence on what bounds the speed.

While it is open it has one batch a second timed; closed, it costs the training nothing.
"""

from __future__ import annotations

import statistics
import textwrap
import time
from collections import deque
from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from mnist_tui.core.events import BatchTimed
from mnist_tui.core.speed import STAGES, MachineLoad, StageTimes, what_bounds
from mnist_tui.render.load import gpu_words
from mnist_tui.render.words import grouped
from mnist_tui.tui.session import Session
from mnist_tui.tui.widgets.line_view import LineView

ASK_SECONDS = 1.0
KEPT = 15  # batches, of which the median is shown
_GB = 1e9
_STAGE_CELLS, _FIGURE_CELLS = 10, 9


class SpeedScreen(ModalScreen[None]):
    """Changes nothing."""

    BINDINGS = [Binding("escape,W,q", "dismiss", "close")]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.set_class(session.ascii_only, "-ascii")
        self._session = session
        self._asked = 0.0
        self.table = SpeedTable(session)

    def compose(self) -> ComposeResult:
        """A table, and a sentence."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = " why is it slow? "
            dialog.border_subtitle = " esc closes "
            yield self.table

    def show(self, *, charts: bool, figures: bool) -> None:
        """Have a batch timed once a second, and show what came of it."""
        session, now = self._session, time.monotonic()
        training = session.progress.phase == "training"
        if session.monitor is not None:
            session.monitor.watch(session.progress.device or "cpu", training)
        if training and not session.watching and now - self._asked >= ASK_SECONDS:
            self._asked = now
            session.runner.request_timing()
        self.table.show()


class SpeedTable(LineView):
    """The sentence, milliseconds of each stage with its share as a bar, and the machine."""

    DEFAULT_CSS = """
    SpeedTable { height: 15; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__(id="speed")
        self._session = session
        self._timed: deque[BatchTimed] = deque(maxlen=KEPT)

    def show(self) -> None:
        """Take in the newest batch and repaint what changed."""
        newest = self._session.timed
        if newest is not None and (not self._timed or self._timed[-1] is not newest):
            if self._timed and self._timed[-1].batch_size != newest.batch_size:
                self._timed.clear()
            self._timed.append(newest)
        self.redraw()

    @property
    def times(self) -> StageTimes | None:
        """Medians of the batches that were timed."""
        if not self._timed:
            return None
        medians = {stage: statistics.median(getattr(batch, stage) for batch in self._timed) for stage in STAGES}
        return StageTimes(**medians, batch_size=self._timed[-1].batch_size)

    @property
    def sentence(self) -> str:
        """What bounds the speed, or why that cannot be told."""
        session, times = self._session, self.times
        progress = session.progress
        if session.watching:
            who = progress.owner or "another process"
            return f"trained by {who}, and only there it can be told: open this where it is trained"
        if times is None and progress.phase != "training":
            return "nothing is trained now: space trains, and a batch a second is timed then"
        if times is None:
            return "the first batch is being timed"
        load = self._load
        return what_bounds(times, progress.device, progress.threads, load)

    @property
    def _load(self) -> MachineLoad | None:
        monitor = self._session.monitor
        return monitor.load if monitor is not None else None

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Sentence, rates, stages, machine."""
        palette, times = self.palette, self.times
        words = self.sentence
        for line in textwrap.wrap(words[:1].upper() + words[1:] + ".", max(8, width)):
            yield [Segment(line, Style(color=palette.text, bold=True))]
        yield []
        rate = self._session.progress.images_per_second
        if rate:
            yield [Segment(f"{grouped(round(rate))} images/s", Style(color=palette.accent))]
        if times is not None:
            yield from self._stages(times, width)
        if not self._session.watching and self._load is not None:
            yield []
            for line in self._machine(self._load):
                yield [Segment(line[:width], Style(color=palette.muted))]

    def _stages(self, times: StageTimes, width: int) -> Iterable[list[Segment]]:
        palette = self.palette
        most = max(STAGES, key=times.share)
        room = max(0, width - _STAGE_CELLS - _FIGURE_CELLS - 8)
        sign = "#" if self._session.ascii_only else "█"
        for stage in STAGES:
            share = times.share(stage)
            style = Style(color=palette.warning if stage == most else palette.text)
            yield [
                Segment(f"{stage:<{_STAGE_CELLS}}", Style(color=palette.muted)),
                Segment(f"{getattr(times, stage):{_FIGURE_CELLS - 3}.2f} ms {share:4.0%}  ", style),
                Segment(sign * round(share * room), style),
            ]
        count = len(self._timed)
        of = f"medians of {count} batches" if count > 1 else "one batch so far"
        whole = f"{'a batch':<{_STAGE_CELLS}}{times.total:{_FIGURE_CELLS - 3}.2f} ms of {times.batch_size} images, {of}"
        yield [Segment(whole, Style(color=palette.text))]

    def _machine(self, load: MachineLoad) -> list[str]:
        lines = [
            f"{load.own:.1f} of {load.cores} cores busy with this, {load.others:.1f} with other programs, "
            f"{load.memory / _GB:.1f} GB"
        ]
        if load.gpu is not None:
            words = gpu_words(load.gpu, ascii_only=self._session.ascii_only)
            lines.append("  ".join([load.gpu.name, *words]))
        return lines
