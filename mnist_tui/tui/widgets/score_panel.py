"""Ten probabilities and logits, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from mnist_tui.render.bars import draw_bars
from mnist_tui.tui.widgets.study_panel import Line, StudyPanel, wrap
from mnist_tui.tui.widgets.subject_panel import facts_of

_LOGIT = 8  # cells
_WIDEST = 64


class ScorePanel(StudyPanel):
    """A bar and a logit a class; the title says what was predicted."""

    TOPICS = ("activate",)

    def entitle(self) -> None:
        """The verdict, told by a sign too."""
        self.border_title = self.title_with(*self._verdict())
        self.border_subtitle = self.title_with("probability, logit")

    def _verdict(self) -> list[str | tuple[str, str]]:
        subject, judged = self.study.subject, self.study.judged
        names = self.study.session.browser.classes
        if subject is None:
            return ["no digit"]
        true = "" if subject.true is None else f"true {names[subject.true]}"
        if judged is None:
            return [f"{true}, no prediction yet" if true else "no prediction yet"]
        share = f"{judged.table.probabilities[judged.row, judged.predicted] * 100:.1f} %"
        if subject.true is None:
            return [f"predicted {names[judged.predicted]}, {share}"]
        right = judged.predicted == subject.true
        sign = ("+" if right else "x") if self.ascii else ("✓" if right else "✗")
        arrow = "->" if self.ascii else "→"
        colour = self.palette.right if right else self.palette.wrong
        return [(f"{sign} {true} {arrow} predicted {names[judged.predicted]}", f"bold {colour}"), f", {share}"]

    def draw_lines(self, width: int, height: int) -> Iterable[Line]:
        """Bars, then figures where there is room."""
        study = self.study
        subject, judged = study.subject, study.judged
        if subject is None:
            return []
        names = study.session.browser.classes
        true = -1 if subject.true is None else subject.true
        shares = judged.table.bars(judged.row) if judged else None
        predicted = judged.predicted if judged else -1
        room = min(width, _WIDEST) - _LOGIT
        lines = draw_bars(shares, predicted if true < 0 else true, predicted, names, room, self.palette, self.ascii)
        for line, logit in zip(lines, judged.logits if judged else [], strict=False):
            line.append(Segment(f"{logit:{_LOGIT}.2f}", Style(color=self.palette.muted)))
        facts = wrap(facts_of(self), width)
        if height > len(lines) + 1:
            style = Style(color=self.palette.text)
            lines += [*([[]] if height > len(lines) + len(facts) else []), *([Segment(fact, style)] for fact in facts)]
        return lines
