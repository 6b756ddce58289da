"""What each evaluation made of the digit, as a strip and in words."""

from __future__ import annotations

from collections.abc import Iterable

from mnist_tui.render.strip import draw_history, tell
from mnist_tui.tui.widgets.study_panel import NO_WEIGHTS, Line, StudyPanel


class HistoryPanel(StudyPanel):
    """One column an evaluation, the newest at the right; the title says when it was learned."""

    def entitle(self) -> None:
        """The story in words."""
        subject = self.study.subject
        if subject is None or subject.true is None or not self.study.history:
            self.entitle_with("history")
            return
        story, end = (tell(self.study.history, subject.true, brief=brief) for brief in (False, True))
        self.entitle_with(f"history: {story}", story, f"history: {end}", end)

    def draw_lines(self, width: int, height: int) -> Iterable[Line]:
        """The strip."""
        history, subject = self.study.history, self.study.subject
        if not history or subject is None or subject.true is None:
            missing = NO_WEIGHTS if self.study.session.weights is None else "only test digits are evaluated every time"
            return list(self.muted_lines(missing, width))[height < 3 :]
        shown = self.study.session.browser.album.shown
        step = shown.step if shown else -1
        names = self.study.session.browser.classes
        return draw_history(history, subject.true, step, names, width, height, self.palette, self.ascii)
