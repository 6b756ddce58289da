"""The one-digit view over a scripted run with a real, small network behind the questions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import attrs
import numpy as np
import pytest
import torch
from textual.content import Content
from textual.pilot import Pilot
from textual.widget import Widget

from mnist_tui.core.dataset import Source, Split
from mnist_tui.core.events import Evaluated
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.engine.checkpoint import serialise, state_of
from mnist_tui.engine.model import CNN
from mnist_tui.engine.network import Architecture
from mnist_tui.inspecting.reasons import Explain
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.screens.digit import DigitScreen
from mnist_tui.tui.screens.inspect import InspectScreen
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.subject import Subject
from mnist_tui.tui.widgets.line_view import LineView
from mnist_tui.tui.widgets.neighbour_panel import NeighbourPanel
from mnist_tui.tui.widgets.subject_panel import SubjectPanel
from tests.tui.scripted import batches, evaluation, make_app, mid_run, real_digits, started

SIZE = (120, 36)


@cache
def weights(diverged: bool = False) -> bytes:
    torch.manual_seed(3)
    model = CNN(Architecture(4, 6, 12))
    if diverged:
        torch.nn.init.constant_(model.fc1.weight, torch.nan)
    return serialise(state_of(model))


@cache
def training() -> Split:
    test = real_digits()[1]
    return Split(test.images[784 * 4000 : 784 * 4600], test.labels[4000:4600])


@pytest.fixture(autouse=True)
def few_training_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Source, "load_train", lambda self: training())


def judged(step: int, epoch: int, wrong_every: int = 80, diverged: bool = False) -> Evaluated:
    return attrs.evolve(evaluation(step, epoch, wrong_every), weights=weights(diverged))


def run(*evaluations: Evaluated) -> list[object]:
    return [*started(), *batches(1, 40), *(evaluations or (judged(20, 1), judged(40, 2, 90)))]


def text_of(widget: Widget) -> str:
    assert isinstance(widget, LineView)
    titles = [Content.from_markup(title or "").plain for title in (widget.border_title, widget.border_subtitle)]
    title = "  ".join(titles)
    return title + "\n" + "\n".join(widget.render_line(y).text for y in range(widget.size.height))


class Look:
    """An app whose questions are answered before anything is read from it."""

    def __init__(self, app: MnistApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def settle(self) -> None:
        quiet = 0
        for _ in range(20):  # an answer may lead to the next question, and a new screen asks once it is mounted
            await self.pilot.pause()
            self.app.tick()
            self.app.show()
            inspector = self.app.session._inspector
            screen = self.app.screen
            unasked = isinstance(screen, DigitScreen) and (not screen.is_mounted or screen.study.waiting)
            quiet = quiet + 1 if inspector is None or not (inspector.busy or unasked) else 0
            if quiet == 2:
                break
            assert inspector is None or inspector.wait(30)
        self.app.tick()
        self.app.show()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    @property
    def screen(self) -> DigitScreen:
        assert isinstance(self.app.screen, DigitScreen)
        return self.app.screen

    def read(self, panel: str) -> str:
        return text_of(self.screen.query_one(f"#{panel}"))


async def with_digit(
    check: Callable[[Look], object],
    events: object = None,
    size: tuple[int, int] = SIZE,
    screen: ScreenSettings | None = None,
    keys: tuple[str, ...] = ("i", "m", "enter"),
) -> None:
    app, _ = make_app(events or run(), screen)  # type: ignore[arg-type]
    try:
        async with app.run_test(size=size) as pilot:
            look = Look(app, pilot)
            await look.settle()
            await look.press(*keys)
            await check(look)  # type: ignore[misc]
    finally:
        assert app.session.close()


def figure(distance: float) -> str:
    return f"{distance:.1f}" if distance >= 1 else f"{distance:.2g}"


async def test_enter_shows_the_digit_with_figures_history_and_neighbours() -> None:
    async def check(look: Look) -> None:
        browser = look.app.session.browser
        index, table = browser.index, browser.predictions
        assert index is not None
        assert table is not None
        true, predicted = int(table.labels[index]), int(table.predicted[index])
        assert f"test digit {index}" in look.read("subject")
        scores = look.read("scores")
        assert f"✗ true {true} → predicted {predicted}" in scores
        assert f"{table.logits[index, predicted]:.2f}" in scores
        assert f"loss {table.losses[index]:.3f}" in scores
        assert f"margin {table.margin[index]:+.3f}" in scores
        assert f"entropy {table.entropy[index]:.3f}" in scores
        assert "after step 40" in scores
        assert "says" in look.read("history")
        found = look.screen.study.neighbours
        assert found is not None
        panel = look.read("neighbours")
        for neighbour in found.neighbours[:14]:
            assert f"{neighbour.label} {figure(neighbour.distance)} {neighbour.index}" in panel
        labels = [neighbour.label for neighbour in found.neighbours]
        most = max(set(labels), key=labels.count)
        assert f"{labels.count(most)} x {most}" in panel

    await with_digit(check)


async def test_walking_takes_everything_along() -> None:
    async def check(look: Look) -> None:
        browser = look.app.session.browser
        for key in ("right", "right", "left"):
            await look.press(key)
            study, index = look.screen.study, browser.index
            assert index is not None
            pixels = bytes(real_digits()[1].digit(index))
            assert f"test digit {index}" in look.read("subject")
            assert study.layers is not None
            assert study.layers.question.pixels == pixels
            assert study.neighbours is not None
            assert study.neighbours.question.pixels == pixels
        assert browser.position == 1

    await with_digit(check)


async def test_h_goes_through_the_maps_and_c_through_the_classes() -> None:
    async def check(look: Look) -> None:
        study = look.screen.study
        assert study.judged is not None
        assert study.subject is not None
        true, predicted = study.subject.true, study.judged.predicted
        for kind in ("gradient", "occlusion", "contrast"):
            await look.press("h")
            assert study.explained is not None
            question = study.explained.question
            assert question == Explain(
                weights=question.weights,
                pixels=study.subject.pixels,
                heat=kind,
                target=predicted,
                against=true if kind == "contrast" and true is not None else -1,
            )
            assert kind in look.read("subject")
        assert f"+ {predicted}  - {true}" in look.read("subject")
        seen = {true}
        for _ in range(8):
            await look.press("c")
            assert study.against not in seen | {predicted}
            seen.add(study.against)
            assert f"- {study.against}" in look.read("subject")
        await look.press("h")
        assert study.explained is None
        await look.press("c")
        assert study.heat == "contrast"

    await with_digit(check)


async def test_c_sets_the_runner_up_against_a_right_digit() -> None:
    async def check(look: Look) -> None:
        study = look.screen.study
        await look.press("c")
        assert study.judged is not None
        assert study.subject is not None
        assert study.judged.predicted == study.subject.true
        logits = study.judged.logits
        others = [digit for digit in range(10) if digit != study.subject.true]
        assert study.against == max(others, key=lambda digit: logits[digit])

    await with_digit(check, keys=("i", "end", "enter"))


async def test_n_goes_through_neighbours_maps_and_filters() -> None:
    async def check(look: Look) -> None:
        shown = []
        for _ in range(5):
            below = look.screen.query_one("#below")
            (visible,) = [child for child in below.children if child.display]
            shown.append(visible.id)
            text = text_of(visible)
            if visible.id == "maps-1":
                assert "4 maps of 14 x 14" in text
            if visible.id == "maps-2":
                assert "6 maps of 7 x 7" in text
            if visible.id == "filters":
                assert "4 filters" in text
            await look.press("n")
        assert shown == ["neighbours", "maps-1", "maps-2", "filters", "neighbours"]

    await with_digit(check)


async def test_a_click_on_a_neighbour_shows_it_and_esc_goes_back_step_by_step() -> None:
    async def check(look: Look) -> None:
        index = look.app.session.browser.index
        found = look.screen.study.neighbours
        assert found is not None
        await look.pilot.click(NeighbourPanel, offset=(20, 3))
        await look.settle()
        second = found.neighbours[1]
        assert f"training digit {second.index}" in look.read("subject")
        assert f"true {second.label} →" in look.read("scores")
        subject = look.screen.study.subject
        assert subject is not None
        assert subject.pixels == bytes(training().digit(second.index))
        again = look.screen.study.neighbours
        assert again is not None
        assert second.index not in {neighbour.index for neighbour in again.neighbours}
        await look.press("escape")
        assert f"test digit {index}" in look.read("subject")
        await look.press("escape")
        assert isinstance(look.app.screen, InspectScreen)

    await with_digit(check)


async def test_neighbours_are_reached_by_keys_too() -> None:
    async def check(look: Look) -> None:
        found = look.screen.study.neighbours
        assert found is not None
        await look.press("tab", "down", "down", "enter")
        assert f"training digit {found.neighbours[2].index}" in look.read("subject")

    await with_digit(check)


async def test_a_picture_has_neighbours_and_saliency_too() -> None:
    app, _ = make_app(run())  # type: ignore[arg-type]
    try:
        async with app.run_test(size=SIZE) as pilot:
            look = Look(app, pilot)
            await look.settle()
            pixels = bytes(real_digits()[1].digit(5))
            app.push_screen(DigitScreen(app.session, Subject(pixels, "drawn [by] hand", None)))
            await look.settle()
            await look.press("h")
            study = look.screen.study
            assert "drawn [by] hand" in look.read("subject")
            assert study.judged is not None
            assert f"predicted {study.judged.predicted}, " in look.read("scores")
            assert "loss" not in look.read("scores")
            assert study.explained is not None
            assert study.neighbours is not None
            assert study.neighbours.question.pixels == pixels
            await look.press("right")
            assert "drawn [by] hand" in look.read("subject")
    finally:
        assert app.session.close()


async def test_before_the_first_evaluation_it_is_said_what_to_do() -> None:
    async def check(look: Look) -> None:
        for panel in ("scores", "history", "neighbours"):
            assert "no evaluation yet: e evaluates" in look.read(panel)
        await look.press("h", "c", "n", "n", "n", "right")
        assert "no evaluation yet" in look.read("filters")

    await with_digit(check, [*started(), *batches(1, 40)], keys=("i", "enter"))


async def test_a_network_that_diverged_is_said_to_have() -> None:
    async def check(look: Look) -> None:
        await look.press("h")
        assert "no trace" in look.read("subject")
        assert "diverged" in look.read("neighbours")
        await look.press("n", "n")
        assert "6 maps" in look.read("maps-2")

    await with_digit(check, run(judged(40, 1, diverged=True)))


async def test_weights_that_are_gone_are_a_sentence() -> None:
    async def check(look: Look) -> None:
        assert "no checkpoint that can be read" in " ".join(look.read("neighbours").split())

    await with_digit(check, mid_run())


@pytest.mark.parametrize(
    ("size", "ascii_only"),
    [
        ((80, 24), False),
        ((80, 24), True),
        ((120, 36), True),
        ((200, 60), False),
        ((60, 40), False),
        ((120, 24), False),
        ((90, 50), True),
        ((41, 12), False),
    ],
)
async def test_every_size_shows_the_digit_and_its_scores(size: tuple[int, int], ascii_only: bool) -> None:
    async def check(look: Look) -> None:
        await look.press("h")
        assert "test digit" in look.read("subject")
        screen = look.screen
        art = screen.query_one(SubjectPanel)
        assert art.size.width >= 28
        assert art.size.height >= 14 or size[1] < 20
        if size[0] >= 80:
            for panel in ("subject", "scores", "history", "neighbours"):
                region = screen.query_one(f"#{panel}").region
                assert region.right <= size[0], panel
                assert region.bottom <= size[1] - 1, panel
                assert region.height >= 2, panel
            assert " x " in look.read("neighbours")
        if size == (200, 60):
            assert screen.query_one("#maps-1").display
            assert screen.query_one("#more").region.height == 14
            assert art.size.height >= 28
        if ascii_only:
            drawn = "".join(look.read(panel.id or "") for panel in screen.query(LineView) if panel.display)
            assert drawn.isascii()

    await with_digit(check, size=size, screen=ScreenSettings(ascii=ascii_only))


async def test_while_a_training_runs_neighbours_stay_with_their_weights_until_N() -> None:
    app, runner = make_app(run())  # type: ignore[arg-type]
    try:
        async with app.run_test(size=SIZE) as pilot:
            look = Look(app, pilot)
            await look.settle()
            await look.press("i", "m", "enter")
            assert app.session.progress.active
            runner.say(judged(60, 3))
            await look.settle()
            study = look.screen.study
            assert study.neighbours is not None
            assert study.neighbours.weights_step == 40
            assert "after step 40 (N: anew)" in look.read("neighbours")
            await look.press("N")
            assert study.neighbours is not None
            assert study.neighbours.weights_step == 60
            assert "anew" not in look.read("neighbours")
    finally:
        assert app.session.close()


async def test_the_training_gallery_is_judged_along_the_way() -> None:
    async def check(look: Look) -> None:
        browser = look.app.session.browser
        browser.show_split("training")
        assert browser.predictions is not None
        assert len(browser.predictions) == len(training())
        await look.settle()
        assert f"training digit {browser.index}" in look.read("subject")
        found = look.screen.study.neighbours
        assert found is not None
        assert browser.index not in {neighbour.index for neighbour in found.neighbours}

    await with_digit(check)


async def test_screens_come_back_from_the_digit() -> None:
    async def check(look: Look) -> None:
        await look.press("i")
        assert isinstance(look.app.screen, InspectScreen)
        assert len(look.app.screen_stack) == 2
        await look.press("enter", "1")
        assert isinstance(look.app.screen, TrainScreen)
        await look.press("i", "tab", "enter")
        assert isinstance(look.app.screen, DigitScreen)

    await with_digit(check)


async def test_a_late_answer_about_another_digit_is_not_shown() -> None:
    async def check(look: Look) -> None:
        study, answers = look.screen.study, look.app.session.answers
        late = study.layers
        assert late is not None
        look.screen.action_walk(1)
        answers["activate"] = late
        study.refresh()
        assert study.layers is not late

    await with_digit(check)


async def test_a_digit_that_an_evaluation_takes_out_of_what_is_shown_stays_under_study() -> None:
    app, runner = make_app([*mid_run()])
    async with app.run_test(size=SIZE) as pilot:
        look = Look(app, pilot)
        await look.settle()
        await look.press("i", "m", "right", "enter")
        browser, study = app.session.browser, look.screen.study
        index, after = browser.order[1], browser.order[2]
        assert study.index == index
        table = np.frombuffer(evaluation(1876, 2, 80).logits, np.float32).reshape(-1, 10).copy()
        table[index] = 0
        table[index, browser.splits["test"].labels[index]] = 9
        runner.say(attrs.evolve(evaluation(1876, 2, 80), logits=table.tobytes()))
        await look.settle()
        assert index not in browser.order
        assert study.index == index
        assert "no longer selected" in look.read("subject")
        assert "✓ true" in look.read("scores")
        assert look.screen.copied == (index, "test digit")
        await look.press("right")
        assert study.index == after == browser.index
        await look.press("left")
        assert study.index == browser.order[0]
    assert app.session.close()
