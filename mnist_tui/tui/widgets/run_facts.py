"""What is known about the run besides its curves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.words import clock, grouped
from mnist_tui.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mnist_tui.tui.session import Session


class RunFacts(LineView):
    """A short table; facts that are not known yet are not listed."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="facts", classes="panel")
        self._session = session
        self._shown: list[tuple[str, str]] = []
        self.border_title = " run "

    def show(self) -> None:
        """Repaint if a fact changed."""
        facts = self.facts()
        if facts != self._shown:
            self._shown = facts
            self.redraw()

    def facts(self) -> list[tuple[str, str]]:
        """Names and values, most lasting first."""
        progress, history = self._session.progress, self._session.history
        facts: list[tuple[str, str]] = []
        if not progress.run:
            facts.append(("data", progress.dataset or self._session.settings.dataset))
            if progress.train_size:
                facts += [("training images", grouped(progress.train_size))]
            if self._session.browser.digits is not None:
                facts.append(("test images", grouped(len(self._session.browser.digits))))
            return facts
        facts += [
            ("name", progress.name),
            ("images seen", grouped(progress.samples)),
            ("training time", clock(progress.train_seconds)),
        ]
        if progress.owner:
            facts.insert(1, ("by", progress.owner))
        if progress.gradient_norm is None:
            facts.insert(1, ("parameters", grouped(progress.parameters)))
        else:
            facts.append(("gradient norm", f"{progress.gradient_norm:.3g}"))
        scheduled = progress.hyperparameters is not None and progress.hyperparameters.schedule != "constant"
        if scheduled and progress.learning_rate is not None:
            facts.append(("rate now", f"{progress.learning_rate:.3g}"))
        if history.last_step:
            facts.append(("loss, average", f"{history.loss.average:.4f}"))
            facts.append(("accuracy, average", f"{history.accuracy.average * 100:.2f} %"))
        if (best := history.best) is not None:
            facts.append((f"best {best.split}", f"{best.accuracy * 100:.2f} %"))
            facts.append(("  at step", grouped(best.step)))
        return facts

    def draw_lines(self, width: int, height: int) -> Iterable[Iterable[Segment]]:
        """Names left, values right."""
        palette = self.palette
        muted, bright = Style(color=palette.muted), Style(color=palette.text)
        for name, value in self._shown or self.facts():
            room = max(1, width - len(name) - 1)
            shown = value if len(value) <= room else value[: room - 1] + ("~" if self._session.ascii_only else "…")
            yield [
                Segment(name, muted),
                Segment(" " * max(1, width - len(name) - len(shown))),
                Segment(shown, bright),
            ]
