"""The browser under anything that can happen to it: what is drawn is right for its index, always."""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mnist_tui.core.dataset import Split, find
from mnist_tui.core.events import DataLoaded, Evaluated
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.predictions import Predictions, select
from mnist_tui.core.query import SORTS, Condition, Sort
from mnist_tui.core.search import parse
from mnist_tui.render.blocks import draw_digit, halve
from mnist_tui.render.palette import DARK, Palette
from mnist_tui.tui.browser import SplitName
from mnist_tui.tui.session import Session
from mnist_tui.tui.widgets.digit_panel import DigitPanel
from mnist_tui.tui.widgets.picture import draw_entry
from mnist_tui.tui.wording import title_choices, why_empty
from tests.tui.scripted import ScriptedRunner

Floats = npt.NDArray[np.float32]

SIZES: dict[SplitName, int] = {"test": 14, "training": 19}
CLASS_WORDS = st.lists(st.integers(0, 9), min_size=1, max_size=4).map(lambda some: ",".join(map(str, some)))
WORDS = st.one_of(
    st.sampled_from(["is:wrong", "is:right", "is:wrong,right", "vs:fixed", "vs:broken", "vs:both", "vs:fixed,changed"]),
    CLASS_WORDS.map("true:{}".format),
    CLASS_WORDS.map("pred:{}".format),
    st.sampled_from(["conf<0.6", "conf>=0.3", "conf:30-90%", "loss>2", "loss<=1.5", "margin<0", "margin:-0.5-0.5"]),
    st.sampled_from(["entropy>1", "quality<0.2", "index:3", "index:2-9", "index>12"]),
)
LINES = st.lists(WORDS, max_size=4, unique_by=lambda word: re.match(r"[a-z]*", word)[0]).map(" ".join)  # type: ignore[index]


def digits(name: SplitName) -> Split:
    """Pictures that differ in every row, with labels that are no function of the index."""
    generator = np.random.default_rng(SIZES[name])
    images = np.repeat(generator.integers(0, 256, SIZES[name] * 28, dtype=np.uint8), 28)
    return Split(images.tobytes(), generator.integers(0, 10, SIZES[name], dtype=np.uint8).tobytes())


SPLITS = {name: digits(name) for name in SIZES}
ART = {
    (name, index): [list(line) for line in draw_digit(halve(split.digit(index)), DARK, "half", 14)]
    for name, split in SPLITS.items()
    for index in range(len(split))
}


class Closeup(DigitPanel):
    """The large digit without an app."""

    @property
    def palette(self) -> Palette:
        return DARK


def wants(condition: Condition, table: Predictions, other: Predictions | None, index: int) -> bool:
    """Whether one digit meets one condition: one figure at a time, in plain Python."""
    true, predicted = int(table.labels[index]), int(table.logits[index].argmax())
    if condition.field in ("true", "pred"):
        return (true if condition.field == "true" else predicted) in condition.choices
    if condition.field == "is":
        return ("right" if predicted == true else "wrong") in condition.choices
    if condition.field == "vs":
        if other is None:
            return False
        before = int(other.logits[index].argmax())
        said = {
            "fixed": before != true and predicted == true,
            "broken": before == true and predicted != true,
            "both": before != true and predicted != true,
            "changed": before != predicted,
        }
        return any(said[str(choice)] for choice in condition.choices)
    value = figure(table, condition.field, index)
    over = value > condition.low if condition.above else value >= condition.low
    return over and (value < condition.high if condition.below else value <= condition.high)


def figure(table: Predictions, field: str, index: int) -> float:
    names = {"conf": "confidence", "quality": "label_quality", "loss": "losses"}
    return float(index) if field == "index" else float(getattr(table, names.get(field, field))[index])


def rank(table: Predictions, sort: Sort, index: int) -> tuple[float, int]:
    highest_first = sort in ("loss", "confidence", "entropy")
    value = figure(table, "conf" if sort == "confidence" else sort, index)
    return (-value if highest_first else value, index)


class Browsing(RuleBasedStateMachine):
    """Evaluations come, are undone and turned through while somebody searches; the model is what was handed in."""

    @initialize()
    def load(self) -> None:
        session = Session(ScriptedRunner(), Hyperparameters())
        self.browser = session.browser
        self.closeup = Closeup(session)
        self.browser.load(DataLoaded(find("mnist"), SPLITS["test"]))
        self.step, self.branch, self.epoch = 0, 0, 0
        self.made: dict[tuple[SplitName, int, bytes], bool] = {}
        self.add_training()
        for seed in (1, 2):
            self.evaluate(seed, apart=3)

    def _logits(self, name: SplitName, seed: int, step: int) -> bytes:
        generator = np.random.default_rng([seed, step])
        logits = generator.normal(size=(SIZES[name], 10)).astype(np.float32) * (1 + seed % 5)
        packed = logits.tobytes()
        self.made[name, step, packed] = True
        return packed

    @rule(seed=st.integers(0, 99), apart=st.integers(1, 5))
    def evaluate(self, seed: int, apart: int) -> None:
        self.step += apart
        self.epoch += 1
        kept = self._kept()
        logits = self._logits("test", seed, self.step)
        follows = self.browser.album.follows
        self.browser.judge(Evaluated(self.step, self.epoch, "test", 0.5, 0.5, logits, 0.1, self.branch))
        if follows and self.browser.split == "test":
            assert self.browser.predictions is not None
            assert self.browser.predictions.logits.tobytes() == logits
        self._stays(kept)

    @rule()
    def add_training(self) -> None:
        self.browser.add_split("training", SPLITS["training"])

    @rule(name=st.sampled_from(["test", "training", "drawings"]))
    def show_split(self, name: SplitName) -> None:
        asked = (self.browser.query, self.browser.sort)
        self.browser.show_split(name)
        assert self.browser.split == (name if name in self.browser.splits else self.browser.split)
        assert (self.browser.query, self.browser.sort) == asked

    @precondition(lambda self: "training" in self.browser.splits and self.browser.album.pages)
    @rule(seed=st.integers(0, 99), place=st.integers(0, 9))
    def judge_training(self, seed: int, place: int) -> None:
        """Answers come late: for an evaluation that is shown, or for one that was."""
        pages = self.browser.album.pages
        page = pages[place % len(pages)]
        logits = self._logits("training", seed, page.step)
        self.browser.judge_split("training", page.step, page.branch, logits)
        if page is self.browser.album.shown and self.browser.split == "training":
            assert self.browser.judged
            assert self.browser.predictions is not None
            assert self.browser.predictions.logits.tobytes() == logits

    @rule(seed=st.integers(0, 99))
    def judge_other_digits(self, seed: int) -> None:
        """An answer about a split of another size is of no use."""
        before = self.browser.evaluations
        self.browser.judge_split("training", self.step, self.branch, bytes(40 * 7))
        assert self.browser.evaluations == before

    @rule(distance=st.integers(-3, 3))
    def turn(self, distance: int) -> None:
        kept = self._kept()
        self.browser.turn(distance)
        self._stays(kept)

    @rule(share=st.floats(0, 1))
    def rewind(self, share: float) -> None:
        self.step = int(self.step * share)
        self.branch += 1
        self.browser.rewind(self.step)
        self.made = {key: True for key in self.made if key[1] <= self.step}
        assert all(page.step <= self.step for page in self.browser.album.pages)

    @rule()
    def begin_another_run(self) -> None:
        self.browser.forget()
        self.made.clear()
        self.step = self.epoch = 0
        assert self.browser.predictions is None

    @rule(text=LINES, sort=st.sampled_from([None, *SORTS]))
    def ask(self, text: str, sort: Sort | None) -> None:
        kept = self._kept()
        self.browser.ask(parse(text).query, sort)
        self._stays(kept)

    @rule(sort=st.sampled_from(SORTS))
    def sort_by(self, sort: Sort) -> None:
        kept = self._kept()
        self.browser.sort_by(sort)
        self._stays(kept)

    @rule()
    def toggle_wrong(self) -> None:
        self.browser.toggle_wrong()

    @rule(distance=st.integers(-30, 30))
    def move(self, distance: int) -> None:
        self.browser.move(distance)

    def _kept(self) -> int | None:
        """The digit under a cursor that was moved."""
        return self.browser.index if self.browser._moved else None

    def _stays(self, index: int | None) -> None:
        if index is not None and index in self.browser.order:
            assert self.browser.index == index

    # --- what always holds

    @invariant()
    def the_order_is_brute_force(self) -> None:
        browser, table = self.browser, self.browser.predictions
        assert browser.digits is not None
        assert len(set(browser.order)) == len(browser.order)
        if table is None:
            assert list(browser.order) == list(range(len(browser.digits)))
            return
        other = browser.other.predictions if browser.other else None
        wanted = [
            index
            for index in range(len(browser.digits))
            if all(wants(condition, table, other, index) for condition in browser.query.conditions)
        ]
        assert list(browser.order) == sorted(wanted, key=lambda index: rank(table, browser.sort, index))

    @invariant()
    def the_cursor_is_on_a_digit(self) -> None:
        assert 0 <= self.browser.position < max(1, len(self.browser.order))
        assert (self.browser.index is None) == (not self.browser.order)
        assert (self.browser.blame is None) == bool(self.browser.order)
        assert bool(why_empty(self.browser)) == (not self.browser.order)

    @invariant()
    def predictions_were_handed_in_for_these_digits_and_not_undone(self) -> None:
        browser, table = self.browser, self.browser.predictions
        if table is None:
            assert browser.album.shown is None or browser.split != "test"
            return
        assert (browser.split, table.step, table.logits.tobytes()) in self.made
        assert browser.digits is not None
        assert table.labels.tolist() == list(browser.digits.labels)
        assert f"{browser.split} digits after step {table.step}:" in title_choices(browser)[0]
        if browser.split == "test":
            assert browser.album.shown is not None
            assert table.logits.tobytes() == browser.album.shown.logits

    @invariant()
    def every_small_picture_has_its_own_caption(self) -> None:
        browser = self.browser
        for index in browser.order:
            *art, caption = draw_entry(browser, index, DARK, "half")
            assert [list(line) for line in art] == ART[browser.split, index]
            self._check("".join(segment.text for segment in caption), index, small=True)

    @invariant()
    def the_large_digit_has_its_own_caption(self) -> None:
        browser, index = self.browser, self.browser.index
        if index is None:
            return
        caption, *lines = ([*line] for line in self.closeup.draw_lines(110, 15))
        text = "".join(segment.text for segment in caption)
        self._check(text, index, small=False)
        assert browser.digits is not None
        art = draw_digit(browser.digits.digit(index), DARK, "half", 28)
        assert [line[: len(own)] for line, own in zip(lines, art, strict=False)] == art
        assert re.search(rf"{browser.split} digit {index}\b", text)

    def _check(self, caption: str, index: int, *, small: bool) -> None:
        """Whether the words say what follows from the labels and the logits of that very index."""
        browser = self.browser
        true = SPLITS[browser.split].labels[index]
        if browser.predictions is None:
            assert caption.strip() == str(true) if small else f"true {true}" in caption
            return
        row = [float(value) for value in browser.predictions.logits[index]]
        predicted = row.index(max(row))
        share = 100 * math.exp(row[predicted]) / math.fsum(map(math.exp, row))
        if small:
            classes = str(true) if predicted == true else f"✗ {true}→{predicted}"
            pattern = rf"{classes} (\d+)%"
        else:
            classes = f"{'✓' if predicted == true else '✗'} true {true} → predicted {predicted}"
            pattern = rf"{classes}  ([\d.]+) % sure.*"
        found = re.fullmatch(pattern, caption.strip())
        assert found, (caption, pattern)
        assert abs(float(found[1]) - share) <= (1.0 if small else 0.1)


Browsing.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, phases=[Phase.explicit, Phase.generate]
)
TestBrowsing = Browsing.TestCase


def test_what_was_judged_before_is_not_shown_once_it_is_undone() -> None:
    browser = Session(ScriptedRunner(), Hyperparameters()).browser
    browser.load(DataLoaded(find("mnist"), SPLITS["test"]))
    browser.add_split("training", SPLITS["training"])
    browser.show_split("training")
    logits = {name: np.ones((size, 10), dtype=np.float32).tobytes() for name, size in SIZES.items()}
    for step in (10, 20, 30):
        browser.judge(Evaluated(step, 1, "test", 0.5, 0.5, logits["test"], 0.1))
        if step == 20:
            browser.judge_split("training", 20, 0, logits["training"])
    assert browser.predictions is not None
    assert (browser.predictions.step, browser.judged) == (20, False)
    browser.rewind(15)
    assert browser.predictions is None


def test_fixed_broken_both_and_changed_are_told_apart() -> None:
    labels, before, after = [0, 0, 0, 0, 0], [1, 0, 1, 1, 0], [0, 1, 1, 2, 0]
    tables = [
        Predictions(np.eye(10, dtype=np.float32)[predicted], np.array(labels), step)
        for step, predicted in enumerate((before, after))
    ]
    for word, wanted in (("fixed", [0]), ("broken", [1]), ("both", [2, 3]), ("changed", [0, 1, 3])):
        assert select(tables[1], parse(f"vs:{word}").query, "index", tables[0]) == wanted
        assert select(tables[1], parse(f"vs:{word}").query, "index") == []
