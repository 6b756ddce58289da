"""The digit large, under a map of what in it speaks for the predicted class."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.content import Content

from mnist_tui.render.blocks import SIDE, draw_digit
from mnist_tui.render.heat import draw_heat, enlarge, enlarge_digit, hues, peak_of
from mnist_tui.render.words import grouped
from mnist_tui.tui.widgets.study_panel import NO_WEIGHTS, Line, StudyPanel, wrap


class SubjectPanel(StudyPanel, can_focus=True):
    """Block art of 28 x 14 cells, or of 56 x 28 where there is room; below it what else fits."""

    TOPICS = ("explain", "activate")

    def extra(self) -> object:
        """The kind of map."""
        return self.study.heat, self.study.against

    def entitle(self) -> None:
        """What it is, and what the colours mean."""
        subject = self.study.subject
        self.entitle_with(subject.title if subject else "no digit")
        if self.study.heat:
            self.border_subtitle = Content.assemble(*self._legend())
        else:  # an evaluation may take it out of what is shown
            self.border_subtitle = " no longer selected " if self.study.left_out else ""

    def _legend(self) -> list[str | tuple[str, str]]:
        study, names = self.study, self.study.session.browser.classes
        judged, against = study.judged, study.against
        if judged is None or against is None or study.explained is None:
            waits = study.refusal("explain") or ("one moment" if study.session.weights else NO_WEIGHTS)
            return [f"{study.heat}: {waits}"]
        if not peak_of(_heat_of(study.explained.heat)):
            return [f"{study.heat}: no trace"]
        speaks_for, speaks_against = hues(self.palette)
        name = names[judged.predicted]
        if study.heat == "contrast":
            first, second = f"+ {name}", f"- {names[against]}"
        elif len(name) <= 2:
            first, second = f"+ {name}", f"- not {name}"
        else:
            first, second = "+ for", "- against"
        parts: list[str | tuple[str, str]] = [(first, f"bold {speaks_for}"), "  ", (second, f"bold {speaks_against}")]
        return [f"{study.heat}  ", *parts] if len(first) + len(second) < 17 else parts

    def draw_lines(self, width: int, height: int) -> Iterable[Line]:
        """Block art, then facts where there is room below."""
        subject, explained = self.study.subject, self.study.explained
        if subject is None:
            return self.muted_lines("no digit is shown here", width)
        factor = 2 if width >= 2 * SIDE and height >= SIDE else 1
        side = SIDE * factor
        pixels = enlarge_digit(subject.pixels, SIDE, factor) if factor > 1 else subject.pixels
        if explained is None or not self.study.heat:
            art = draw_digit(pixels, self.palette, self.glyphs, side)
        else:
            heat = enlarge(_heat_of(explained.heat), SIDE, factor)
            art = draw_heat(pixels, heat, self.palette, self.glyphs, side)
        margin = Segment(" " * max(0, (width - side) // 2))
        lines: list[Line] = [[margin, *line] for line in art]
        room = height - len(lines)
        if room > 2:
            style = Style(color=self.palette.muted)
            parts = self._legend() if self.study.heat else []
            lines.append(
                [
                    Segment(part, style) if isinstance(part, str) else Segment(part[0], Style.parse(part[1]))
                    for part in parts
                ]
            )
            facts = wrap(facts_of(self), width)
            lines += [*([[]] if len(facts) + 1 < room else []), *([Segment(line, style)] for line in facts)]
        return lines


def facts_of(panel: StudyPanel) -> Sequence[str]:
    """Figures of the prediction, and where it is from, a piece each."""
    study = panel.study
    judged, subject = study.judged, study.subject
    if judged is None or subject is None:
        return [NO_WEIGHTS] if study.session.weights is None else ["no prediction yet"]
    table, row = judged.table, judged.row
    pieces = []
    if subject.true is not None:
        pieces += [f"loss {table.losses[row]:.3f}", f"margin {table.margin[row]:+.3f}"]
    pieces += [f"entropy {table.entropy[row]:.3f}", f"after step {grouped(table.step)}"]
    layers = study.layers
    if layers is not None and layers.weights_step != table.step:
        pieces += [f"looked into after step {grouped(layers.weights_step)}:", "the nearest weights kept"]
    elif study.of_browser and not study.session.browser.album.follows:
        pieces.append("an earlier evaluation")
    return pieces


def _heat_of(packed: bytes) -> Sequence[float]:
    return struct.unpack(f"{SIDE * SIDE}f", packed)
