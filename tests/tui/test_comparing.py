"""The confusion matrix as a filter, evaluations against each other, labels in doubt; on the Inspect screen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from textual.pilot import Pilot

from mnist_tui.core.dataset import Split
from mnist_tui.core.events import Evaluated, Event
from mnist_tui.core.query import ALL
from mnist_tui.core.settings import RunSettings, ScreenSettings
from mnist_tui.inspecting import Answer, CrossJudge, CrossJudged, Question, Working
from mnist_tui.tui.app import MnistApp
from mnist_tui.tui.screens.inspect import InspectScreen
from mnist_tui.tui.screens.picker import PickerScreen
from mnist_tui.tui.screens.train import TrainScreen
from mnist_tui.tui.widgets.line_view import LineView
from tests.runfiles import record_run
from tests.tui.scripted import evaluation, make_app, mid_run, real_digits, said, started

SIZE = (120, 36)


def twice() -> list[Event]:
    """Two evaluations: every 80th digit wrong, then every 120th."""
    return [*mid_run(), evaluation(1876, 2, wrong_every=120)]


async def inspect(pilot: Pilot[int], app: MnistApp, *keys: str) -> InspectScreen:
    await pilot.pause()
    app.tick()
    await press(pilot, "i", *keys)
    assert isinstance(app.screen, InspectScreen)
    return app.screen


async def press(pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


def text_of(widget: LineView) -> str:
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


def values_of(screen: InspectScreen) -> list[list[str]]:
    rows = text_of(screen.confusion).replace("•", " ").replace("▸", " ").splitlines()[1:11]
    return [row.split()[1:] for row in rows]


# --- the matrix as a filter


async def test_enter_on_a_cell_filters_and_esc_brings_the_matrix_back_and_then_leaves() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        screen.set_focus(screen.confusion)
        await pilot.pause()
        true, predicted = screen.confusion.cursor or (-1, -1)
        assert browser.predictions is not None
        count = browser.predictions.confusion()[true][predicted]
        assert count == max(
            c for a, row in enumerate(browser.predictions.confusion()) for b, c in enumerate(row) if a != b
        )
        await press(pilot, "enter")
        assert browser.query == ALL.choose("true", true).choose("pred", predicted)
        assert len(browser.order) == count
        assert screen.gallery.has_focus
        await press(pilot, "escape")
        assert browser.query == ALL
        assert screen.confusion.has_focus
        assert screen.confusion.cursor == (true, predicted)
        await press(pilot, "escape")
        assert isinstance(app.screen, TrainScreen)


async def test_headers_filter_one_class_and_the_corner_none() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        browser, matrix = app.session.browser, screen.confusion
        for place, query in (
            ((4, -1), ALL.choose("true", 4)),
            ((-1, 7), ALL.choose("pred", 7)),
            ((-1, -1), ALL),
        ):
            screen.set_focus(matrix)
            matrix.cursor = place
            await press(pilot, "enter")
            assert browser.query == query


async def test_the_cursor_stays_on_the_matrix_and_says_what_it_is_on() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        matrix = screen.confusion
        screen.set_focus(matrix)
        await press(pilot, *["left"] * 12, *["up"] * 12)
        assert matrix.cursor == (-1, -1)
        assert "every class" in text_of(matrix)
        await press(pilot, "down", "down", "down")
        assert "true 2: 1032, " in text_of(matrix)
        await press(pilot, *["down"] * 12, *["right"] * 12)
        assert matrix.cursor == (9, 9)
        assert "9→9: " in text_of(matrix)
        assert "▸" in text_of(matrix)
        await press(pilot, "escape")  # nothing is filtered: to the gallery, and the screen stays
        assert app.screen is screen
        assert screen.focused is screen.gallery
        assert "▸" not in text_of(matrix)


async def test_what_was_asked_for_before_comes_back_with_the_matrix() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        before = ALL.choose("true", 3, 5).choose("is", "wrong")
        browser.ask(before)
        screen.set_focus(screen.confusion)
        screen.confusion.cursor = (3, 4)
        await press(pilot, "enter", "escape")
        assert set(browser.query.conditions) == set(before.conditions)


async def test_esc_leaves_the_screen_where_the_filter_was_taken_off_otherwise() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        screen.set_focus(screen.confusion)
        await press(pilot, "enter")
        app.session.browser.ask(ALL)
        await press(pilot, "escape")
        assert isinstance(app.screen, TrainScreen)


async def test_a_click_moves_the_cursor_and_a_second_one_filters() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        offset = (2 + 3 + 5 * 4 + 2, 1 + 1 + 3)
        await pilot.click("#confusion", offset=offset)
        assert screen.confusion.cursor == (3, 4)
        assert app.session.browser.query == ALL
        await pilot.click("#confusion", offset=offset)
        await pilot.pause()
        assert app.session.browser.query == ALL.choose("true", 3).choose("pred", 4)


# --- its modes


async def test_c_goes_through_counts_shares_changes_and_the_figures_of_the_classes() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        assert browser.predictions is not None
        assert browser.other is not None
        counts, old = browser.predictions.confusion(), browser.other.predictions.confusion()
        await press(pilot, "c")
        assert values_of(screen)[4][4] == f"{100 * counts[4][4] / sum(counts[4]):.1f}"
        assert "% of a row" in str(screen.confusion.border_title)
        await press(pilot, "c")
        assert "change against step 938" in str(screen.confusion.border_title)
        changes = [
            [f"{n - o:+d}" if n != o else "·" for n, o in zip(*rows, strict=True)]
            for rows in zip(counts, old, strict=True)
        ]
        assert values_of(screen) == changes
        await press(pilot, "c")
        assert (screen.confusion.display, screen.classes_panel.display) == (False, True)
        words = text_of(screen.classes_panel)
        figures = browser.predictions.per_class()[4]
        row = words.splitlines()[5].split()
        assert row[:5] == [
            "4",
            *(f"{100 * share:.1f}" for share in (figures.precision, figures.recall, figures.f1)),
            str(figures.support),
        ]
        await press(pilot, "c")
        assert (screen.confusion.display, screen.classes_panel.display) == (True, False)
        assert values_of(screen)[4][4] == str(counts[4][4])


async def test_a_pair_and_a_class_are_filters_too() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app, "c", "c", "c")
        browser, panel = app.session.browser, screen.classes_panel
        screen.set_focus(panel)
        await press(pilot, "down", "enter")
        query = browser.query
        assert len(query.conditions) == 2
        pair = panel._pairs()[1]
        assert query == ALL.choose("true", pair.true).choose("pred", pair.predicted)
        assert len(browser.order) == pair.count
        await press(pilot, "escape")
        assert screen.focused is panel
        await press(pilot, "left", "down", "enter")
        assert browser.query == ALL.choose("true", 2)


async def test_where_there_is_room_matrix_and_figures_stand_below_each_other() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=(200, 60)) as pilot:
        screen = await inspect(pilot, app)
        assert (screen.confusion.display, screen.classes_panel.display) == (True, True)
        await press(pilot, "c", "c", "c")
        assert (screen.confusion.mode, screen.confusion.display, screen.classes_panel.display) == ("counts", True, True)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (60, 40)])
async def test_class_names_and_ascii_have_room(size: tuple[int, int]) -> None:
    app, _ = make_app(twice(), ScreenSettings(ascii=True))
    async with app.run_test(size=size) as pilot:
        screen = await inspect(pilot, app)
        app.session.browser.classes = ("T-shirt", "Trouser", "Pullover", "Dress", "Coat", *("Sandal",) * 5)
        screen.set_focus(screen.confusion)
        for panel in (screen.confusion, screen.classes_panel):
            for _ in range(3):
                await press(pilot, "c")
                panel.redraw()
                lines = [list(line) for line in panel.draw_lines(*panel.size)] if panel.display else []
                assert all(sum(len(s.text) for s in line) <= panel.size.width for line in lines[:11])
                assert all(s.text.isascii() for line in lines for s in line)


# --- against another evaluation


async def test_f_shows_what_was_fixed_what_was_broken_and_what_stays_wrong() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        browser = app.session.browser
        wrong_before = set(range(0, 10_000, 80))
        wrong_now = set(range(0, 10_000, 120))
        for expected in (wrong_before - wrong_now, wrong_now - wrong_before, wrong_now & wrong_before):
            await press(pilot, "F")
            assert set(browser.order) == expected
        await press(pilot, "F")
        assert browser.query == ALL
        line = f"fixed {125 - 42}, broken {84 - 42}, both wrong 42 against step 938"
        assert said(app)[-1] == line
        assert line in text_of(screen.confusion)


async def test_without_another_evaluation_it_is_said() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app, "c", "c", "F")
        assert "Nothing to compare with yet" in said(app)[-1]
        assert "nothing to compare with yet" in text_of(screen.confusion)
        assert app.session.browser.query == ALL


def logits_wrong_at(*wrong: int) -> bytes:
    labels = np.frombuffer(real_digits()[1].labels, dtype=np.uint8).astype(int)
    logits = np.zeros((len(labels), 10), dtype=np.float32)
    logits[np.arange(len(labels)), labels] = 5
    for index in wrong:
        logits[index] = np.roll(logits[index], 1)
    return logits.tobytes()


async def picked(pilot: Pilot[int], app: MnistApp) -> list[str]:
    """Open the list, wait for the other runs, and read it."""
    await press(pilot, "C")
    assert isinstance(app.screen, PickerScreen)
    screen = app.screen_stack[-2]
    assert isinstance(screen, InspectScreen)
    assert screen._others is not None
    screen._others.wait(20)
    app.show()
    await pilot.pause()
    options: Sequence[object] = [
        app.screen.options.get_option_at_index(i).prompt for i in range(app.screen.options.option_count)
    ]
    return [" ".join(str(option).split()) for option in options]


async def test_evaluations_of_other_runs_on_the_same_digits_can_be_chosen(tmp_path: Path) -> None:
    record_run(tmp_path, "rival", logits=logits_wrong_at(0, 1, 2))
    record_run(tmp_path, "clothes", logits=logits_wrong_at(), dataset="fashion")
    record_run(tmp_path, "fewer", logits=bytes(400))
    record_run(tmp_path, "elsewhere", logits=logits_wrong_at(), data_dir="/data")
    app, _ = make_app(twice())
    app.session.settings = RunSettings(runs_dir=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app, "c", "c")
        rows = await picked(pilot, app)
        assert [row.split(" epoch")[0] for row in rows] == [
            "whichever comes before now step 938 98.75 %",
            "step 938",
            "rival, last",
        ]
        await press(pilot, "end", "enter")
        assert app.screen is screen
        other = app.session.browser.other
        assert other is not None
        assert other.name == "rival, last"
        assert np.flatnonzero(other.predictions.wrong).tolist() == [0, 1, 2]
        assert "against rival, last" in str(screen.confusion.border_title)
        assert said(app)[-1] == "fixed 2, broken 83, both wrong 1 against rival, last"
        await picked(pilot, app)
        await press(pilot, "enter")
        other = app.session.browser.other
        assert other is not None
        assert other.name == "step 938"


async def test_an_earlier_evaluation_stays_chosen_and_esc_chooses_nothing(tmp_path: Path) -> None:
    app, runner = make_app([*mid_run(), evaluation(1876, 2, 120), evaluation(2814, 3, 160)])
    app.session.settings = RunSettings(runs_dir=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await inspect(pilot, app)
        browser = app.session.browser
        rows = await picked(pilot, app)
        assert [row.split(" epoch")[0] for row in rows] == [
            "whichever comes before now step 1876 99.16 %",
            "step 1876",
            "step 938",
        ]
        await press(pilot, "end", "enter")
        assert browser.other is not None
        assert browser.other.name == "step 938"
        runner.say(evaluation(3752, 4, 200))
        app.tick()
        assert browser.other.name == "step 938"
        await picked(pilot, app)
        await press(pilot, "escape")
        assert isinstance(app.screen, InspectScreen)
        assert browser.other.name == "step 938"


# --- labels in doubt


def doubtful(step: int = 938) -> Evaluated:
    """Sure of every digit, and sure that the first three are another."""
    return Evaluated(step, 1, "test", 0.05, 0.9997, logits_wrong_at(0, 1, 2), 0.5)


async def test_l_shows_labels_in_doubt_with_the_suggested_class_and_goes_back() -> None:
    app, _ = make_app([*mid_run(), doubtful(1876)])
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app, "L")
        browser = app.session.browser
        assert sorted(browser.order) == [0, 1, 2]
        assert browser.sort == "quality"
        true = browser.splits["test"].labels[browser.order[0]]
        assert f"label {true}, suggested {(true + 1) % 10}" in text_of(screen.closeup)
        assert f"{true}, is it {(true + 1) % 10}?" in "".join(screen.gallery.render_line(y).text for y in range(9))
        assert "3 labels of 10 000 are likely wrong" in said(app)[-1]
        await press(pilot, "L")
        assert (browser.query, browser.sort, len(browser.order)) == (ALL, "loss", 10_000)
        assert "is it" not in "".join(screen.gallery.render_line(y).text for y in range(9))


async def test_training_labels_are_doubted_only_by_networks_that_have_not_seen_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, _ = make_app(mid_run())
    test = real_digits()[1]
    asked: list[Question] = []
    coming: list[Answer] = []
    monkeypatch.setattr(app.session, "ask", asked.append)
    async with app.run_test(size=SIZE) as pilot:
        screen = await inspect(pilot, app)
        session, browser = app.session, app.session.browser

        class Said:
            def drain(self) -> list[Answer]:
                answers = list(coming)
                coming.clear()
                return answers

            def close(self) -> bool:
                return True

        session._inspector = Said()  # type: ignore[assignment]
        digits = Split(test.images, test.labels)
        browser.add_split("training", digits)
        browser.judge_split("training", 938, 0, logits_wrong_at(5, 6, 7))
        browser.show_split("training")
        await press(pilot, "L")
        assert browser.order == []  # those it has learnt by heart it cannot doubt
        (question,) = asked
        assert isinstance(question, CrossJudge)
        assert "each without a third of them" in said(app)[-1]
        coming.append(Working(question, 0.5))
        app.tick()
        assert "50 %" in str(screen.confusion.border_subtitle)
        coming.append(CrossJudged(question, logits_wrong_at(10, 11)))
        app.tick()
        app.show()
        await pilot.pause()
        assert sorted(browser.order) == [10, 11]
        assert "have not seen them" in said(app)[-1]
        await press(pilot, "L")
        assert browser.predictions is not None
        assert np.flatnonzero(browser.predictions.wrong).tolist() == [5, 6, 7]  # the run's own again
        await press(pilot, "L")
        assert sorted(browser.order) == [10, 11]
        assert len(asked) == 1
        assert "have not seen them" in text_of(screen.search)
        assert "have not seen them" in str(screen.closeup.border_title)
        assert browser.predictions.judged_by


async def test_labels_of_training_digits_are_doubted_as_soon_as_there_are_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, runner = make_app(started())
    asked: list[Question] = []
    monkeypatch.setattr(app.session, "ask", asked.append)
    async with app.run_test(size=SIZE) as pilot:
        await inspect(pilot, app)
        browser = app.session.browser
        browser.add_split("training", real_digits()[1])
        browser.show_split("training")
        await press(pilot, "L")
        assert said(app)[-1].startswith("No prediction yet")
        assert asked == []
        browser.ask(ALL.choose("is", "suspect"))  # as by the search line
        runner.say(evaluation(938))
        app.tick()
        app.tick()
        assert [type(question) for question in asked].count(CrossJudge) == 1


async def test_the_order_by_label_quality_goes_with_the_condition() -> None:
    app, _ = make_app([*mid_run(), doubtful(1876)])
    async with app.run_test(size=SIZE) as pilot:
        await inspect(pilot, app, "S", "L")
        browser = app.session.browser
        assert browser.sort == "quality"
        await press(pilot, "backspace")
        app.tick()
        assert (browser.query, browser.sort) == (ALL, "confidence")


async def test_the_order_of_doubt_goes_with_the_doubt_on_whatever_screen() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        await inspect(pilot, app)
        browser = app.session.browser
        await press(pilot, "right", "right", "L")
        assert (browser.sort, browser.position) == ("quality", 0)
        await press(pilot, "escape")
        assert app.screen is app.dashboard
        await press(pilot, "m")
        assert browser.only_wrong
        assert browser.sort == "loss"


async def test_what_was_fixed_is_not_looked_for_among_the_wrong() -> None:
    app, _ = make_app(twice())
    async with app.run_test(size=SIZE) as pilot:
        await inspect(pilot, app, "m")
        browser = app.session.browser
        for word in ("fixed", "broken", "both"):
            await press(pilot, "F")
            assert browser.query.get("is") is None
            condition = browser.query.get("vs")
            assert condition is not None
            assert word in condition.choices
            assert browser.order
