"""Finding digits on the Inspect screen, key by key."""

from __future__ import annotations

import attrs
import pytest
from textual.pilot import Pilot

from mnist_tui.core.events import Evaluated, Recalled, RunStarted
from mnist_tui.core.query import ALL
from mnist_tui.core.search import parse
from mnist_tui.inspecting import Answer, JudgeSplit, Question, ReadTraining, SplitJudged, TrainingRead, Working
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.browser import DigitBrowser
from mnist_tui.tui.inspect.looked_at import Piece, fit
from mnist_tui.tui.screens.inspect import InspectScreen
from tests.tui.scripted import evaluation, loaded, make_app, mid_run, real_digits, started
from tests.tui.test_app import shown, text_of


class Answers:
    """Who answers questions: what it was asked, and what it is told to say."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.said: list[Answer] = []

    def ask(self, question: Question) -> None:
        self.asked.append(question)

    def drain(self) -> list[Answer]:
        said, self.said = self.said, []
        return said

    def close(self) -> bool:
        return True


def order_of(browser: DigitBrowser) -> str:
    return browser.sort


def split_of(browser: DigitBrowser) -> str:
    return browser.split


async def inspect(pilot: Pilot[int], app: MnistApp) -> InspectScreen:
    await shown(pilot, app)
    await pilot.press("i")
    await pilot.pause()
    assert isinstance(app.screen, InspectScreen)
    return app.screen


async def turn_to_training(pilot: Pilot[int], app: MnistApp, answers: Answers) -> JudgeSplit:
    """Look at training digits, which are the test digits here; what is asked about them."""
    source, digits = real_digits()
    await pilot.press("T")
    answers.said.append(TrainingRead(ReadTraining(source=source), digits))
    app.tick()
    question = answers.asked[-1]
    assert isinstance(question, JudgeSplit)
    return question


async def type_in(pilot: Pilot[int], text: str) -> None:
    await pilot.press("slash", "ctrl+u", *text)
    await pilot.pause()


async def test_what_is_typed_filters_at_once_enter_keeps_it_and_esc_puts_back_what_was_before() -> None:
    app, runner = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        await type_in(pilot, "wrong true:4")
        assert browser.query == parse("wrong true:4").query
        assert f"{len(browser.order)} of 10 000 test digits" in text_of(screen.search)
        await pilot.press(*" sort:margin")
        assert order_of(browser) == "margin"
        await pilot.press("enter", "right")
        assert app.focused is screen.gallery
        assert "wrong × " in text_of(screen.search)
        assert "true:4 × " in text_of(screen.search)
        index = browser.index
        await type_in(pilot, "pred:9 sort:loss")
        assert order_of(browser) == "loss"
        await pilot.press("escape")
        await pilot.pause()
        assert (browser.query, browser.sort, browser.index) == (parse("wrong true:4").query, "margin", index)
        assert isinstance(app.screen, InspectScreen)
        assert runner.calls == ["load"]  # no key that was typed trained, saved or evaluated anything


async def test_what_is_not_understood_is_said_and_the_last_good_result_stays() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await inspect(pilot, app)
        await type_in(pilot, "true:4 ture:9")
        assert app.session.browser.query == parse("true:4").query
        assert "There is no ture:9; write true:4" in text_of(screen.search)
        assert "✗" not in text_of(screen.search)  # it may become a word yet
        await pilot.press("enter")
        assert screen.search.takes_keys
        assert "✗ There is no ture:9" in text_of(screen.search)
        await pilot.press("ctrl+w", "enter")
        assert not screen.search.takes_keys
        assert app.focused is screen.gallery


async def test_up_recalls_what_was_searched_also_on_the_next_visit() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await inspect(pilot, app)
        for text in ("true:4", "wrong"):
            await type_in(pilot, text)
            await pilot.press("enter")
        await pilot.press("escape")
        screen = await inspect(pilot, app)
        await pilot.press("slash", "up", "up")
        assert screen.search.typed == "true:4"
        await pilot.press("down", "down", "enter")
        assert app.session.browser.query == ALL


async def test_chips_are_taken_off_by_click_and_the_last_by_backspace() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        browser.ask(parse("wrong true:4 conf>0.2").query)
        app.show()
        await pilot.pause()
        line = text_of(screen.search)
        await pilot.click("#search", offset=(line.index("true:4") + 2, 0))
        await pilot.pause()
        assert browser.query == parse("wrong conf>0.2").query
        assert app.focused is screen.gallery
        await pilot.press("backspace")
        assert browser.query == parse("wrong").query
        line = text_of(screen.search)
        await pilot.click("#search", offset=(line.index("hardest") + 2, 0))
        await pilot.pause()
        assert browser.sort == "confidence"


async def test_an_empty_result_says_which_condition_emptied_it_and_backspace_takes_that_off() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        await type_in(pilot, "true:4 right pred:9 conf>0.2")
        await pilot.press("enter")
        assert not browser.order
        gallery = " ".join(screen.gallery.render_line(y).text for y in range(screen.gallery.size.height))
        right = int(((browser.predictions.labels == 4) & ~browser.predictions.wrong).sum())  # type: ignore[union-attr]
        sentence = f"{right} digits match true:4 right, but pred:9 leaves none. Backspace takes pred:9 off."
        assert sentence in " ".join(gallery.split())
        assert "0 of 10 000" in text_of(screen.search)
        await pilot.press("backspace")
        assert browser.query == parse("true:4 right conf>0.2").query
        assert browser.order


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (50, 30)])
async def test_where_there_is_no_room_chips_are_left_out_whole_and_the_count_stays(size: tuple[int, int]) -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=size) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        browser.ask(parse("wrong true:4,9 pred:4,9,7 conf>=0.2 conf<0.99 loss>0.1 margin<0.5 entropy>0").query)
        app.show()
        await pilot.pause()
        line = text_of(screen.search)
        assert f"{len(browser.order)} of 10 000" in line
        assert line.count("×") >= 1
        hidden = 7 - line.count("×")  # the two bounds of conf are one chip
        assert (f"+{hidden}" in line) == (hidden > 0)
        chips = line.split("×")[0].split()
        assert chips[-1] in {"wrong", "true:4,9", "pred:4,7,9", "conf<0.99", "loss>0.1", "margin<0.5", "entropy>0"}


def test_the_first_words_stay_longest() -> None:
    pieces = [
        Piece(("37 of 100 test digits", "37 of 100")),
        Piece(("hardest first", "by loss", "")),
        Piece(("new", "")),
    ]
    for width in range(9, 60):
        texts = [text for _, text in fit(pieces, width)]
        assert sum(map(len, texts)) + 3 * (len(texts) - 1) <= width
        assert texts[0].startswith("37 of 100")
    assert [text for _, text in fit(pieces, 60)] == ["37 of 100 test digits", "hardest first", "new"]


async def test_m_s_and_parentheses_turn_through_verdicts_orders_and_evaluations() -> None:
    app, runner = make_app([*mid_run(), evaluation(1000, 2, 31), evaluation(1100, 2, 45)])
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        assert "after step 1 100 · newest" in text_of(screen.search)
        seen = []
        for _ in range(3):
            await pilot.press("M")
            seen.append(len(browser.order))
        assert seen == [browser.wrong_count, 10_000 - (browser.wrong_count or 0), 10_000]
        await pilot.press("M", "S", "S")
        assert browser.sort == "margin"
        await pilot.press("(")
        assert "after step 1 000 · evaluation 2 of 3, epoch 2" in text_of(screen.search)
        assert browser.predictions is not None
        assert browser.predictions.step == 1000
        runner.say(evaluation(1200, 3, 60))
        app.tick()
        await pilot.pause()
        assert "evaluation 2 of 4" in text_of(screen.search)  # what is looked at does not run away
        assert (browser.query, browser.sort) == (parse("wrong").query, "margin")
        await pilot.press(")", ")")
        assert "after step 1 200 · newest" in text_of(screen.search)
        runner.say(evaluation(1300, 3, 70))
        app.tick()
        assert browser.predictions.step == 1300


async def test_of_a_large_training_split_the_first_digits_are_shown_and_said_to_be() -> None:
    app, _ = make_app(mid_run())
    answers = Answers()
    app.session._inspector = answers  # type: ignore[assignment]
    source, test = real_digits()
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await inspect(pilot, app)
        await pilot.press("T")
        answers.said.append(TrainingRead(ReadTraining(source=source), attrs.evolve(test, of=10_000_000)))
        app.tick()
        assert "the first 10 000 of 10 000 000 training digits" in text_of(screen.search)


async def test_t_reads_the_training_digits_shows_them_at_once_and_has_them_judged_while_they_are_looked_at() -> None:
    app, runner = make_app(started())
    answers = Answers()
    app.session._inspector = answers  # type: ignore[assignment]
    source, test = real_digits()
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        await pilot.press("T")
        assert answers.asked == [ReadTraining(source=source)]
        assert "reading the training digits" in text_of(screen.search)
        assert split_of(browser) == "test"
        answers.said.append(TrainingRead(ReadTraining(source=source), test))
        app.tick()
        assert split_of(browser) == "training"
        assert "all 10 000 training digits" in text_of(screen.search)
        assert len(answers.asked) == 1  # nothing to judge with yet
        runner.say(evaluation(938))
        app.tick()
        app.tick()
        question = answers.asked[-1]
        assert isinstance(question, JudgeSplit)
        assert (question.weights.step, len(answers.asked)) == (938, 2)
        answers.said.append(Working(question, 0.43))
        app.tick()
        assert "judging 10 000 digits 43 %" in text_of(screen.search)
        logits = evaluation(938).logits
        answers.said.append(SplitJudged(question, 938, logits))
        app.tick()
        assert "judging" not in text_of(screen.search)
        await pilot.press("M")
        assert len(browser.order) == browser.wrong_count == 125
        runner.say(
            evaluation(1000, 2, 31)
        )  # judged again, and until then those judged before are shown, and said to be
        app.tick()
        assert len(answers.asked) == 3
        assert len(browser.order) == 125
        assert "after step 938" in text_of(screen.search)
        assert "judging" in text_of(screen.search)
        await pilot.press("T")
        assert split_of(browser) == "test"
        runner.say(evaluation(1100, 2, 40))
        app.tick()
        assert len(answers.asked) == 3  # nobody looks at the training digits
        assert browser.query == parse("wrong").query
        await pilot.press("T")
        assert split_of(browser) == "training"
        assert isinstance(answers.asked[-1], JudgeSplit)
        assert answers.asked[-1].weights.step == 1100


async def test_weights_that_are_no_more_are_not_passed_off_as_those_of_the_evaluation() -> None:
    app, _ = make_app(mid_run())
    answers = Answers()
    app.session._inspector = answers  # type: ignore[assignment]
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await inspect(pilot, app)
        question = await turn_to_training(pilot, app, answers)
        answers.said.append(SplitJudged(question, 900, evaluation(900).logits))
        app.tick()
        assert "after step 900" in text_of(screen.search)
        assert "after step 900" in str(screen.closeup.border_title)


async def test_training_digits_of_another_data_set_come_too_late() -> None:
    app, _ = make_app(loaded())
    answers = Answers()
    app.session._inspector = answers  # type: ignore[assignment]
    source, test = real_digits()
    async with app.run_test(size=(120, 36)) as pilot:
        await inspect(pilot, app)
        answers.said.append(TrainingRead(ReadTraining(source=attrs.evolve(source, name="kmnist")), test))
        app.tick()
        assert "training" not in app.session.browser.splits


async def test_the_title_on_train_says_which_digits_are_shown() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await shown(pilot, app)
        browser = app.session.browser
        browser.ask(parse("true:4 conf<0.9").query, "margin")
        app.show()
        assert "test digits after step 938: true:4 conf<0.9, lowest margin first" in str(screen.digits.border_title)
        browser.ask(parse("true:4 conf<0.8").query)
        app.show()
        assert "after step 938: true:4 conf<0.8, lowest margin first" in str(screen.digits.border_title)
        browser.ask(parse("right pred:9 true:4").query)
        app.show()
        assert "On Inspect (i), backspace takes true:4 off." in " ".join(text_of(screen.digits).split())


async def test_an_answer_about_a_run_that_is_not_shown_any_more_is_nobodys() -> None:
    app, runner = make_app(mid_run())
    answers = Answers()
    app.session._inspector = answers  # type: ignore[assignment]
    async with app.run_test(size=(160, 36)) as pilot:
        await inspect(pilot, app)
        question = await turn_to_training(pilot, app, answers)
        begun = next(event for event in started() if isinstance(event, RunStarted))
        runner.say(attrs.evolve(begun, run="B", folder="runs/B"))
        app.tick()
        answers.said.append(SplitJudged(question, question.weights.step, evaluation(900).logits))
        app.tick()
        runner.say(evaluation(question.weights.step))
        app.tick()
        assert app.session.browser.predictions is None
        again = answers.asked[-1]
        assert isinstance(again, JudgeSplit)
        assert (again.weights.folder, again.weights.step) == ("runs/B", question.weights.step)


async def test_after_a_resume_digits_are_judged_anew_by_the_same_weights() -> None:
    app, runner = make_app(mid_run())
    answers = Answers()
    app.session._inspector = answers  # type: ignore[assignment]
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await inspect(pilot, app)
        question = await turn_to_training(pilot, app, answers)
        answers.said.append(SplitJudged(question, question.weights.step, evaluation(900).logits))
        app.tick()
        past = tuple(event for event in mid_run() if isinstance(event, (RunStarted, Evaluated)))
        runner.say(Recalled(past))
        app.tick()
        assert len([asked for asked in answers.asked if isinstance(asked, JudgeSplit)]) == 2
        assert "after step" not in text_of(screen.search)  # nothing is judged yet
