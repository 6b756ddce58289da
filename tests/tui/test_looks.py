from collections.abc import Iterable
from typing import get_args

import attrs
import pytest
from rich.console import Console
from textual.widget import Widget

from mnist_tui.core.errors import UsageError
from mnist_tui.core.events import Previewed
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import ScreenSettings
from mnist_tui.render.blocks import Glyphs, Size
from mnist_tui.render.inks import INKS, InkName
from mnist_tui.tui.looks import GLYPHS, SIZES, Look, choose_look, colours_of, is_light
from mnist_tui.tui.theme import LIGHT_THEME
from tests.tui.scripted import evaluation, loaded, make_app, mid_run, real_digits, said

MANY = {"COLORTERM": "truecolor", "TERM": "xterm-256color"}


@pytest.mark.parametrize(
    "environment",
    [
        {"COLORTERM": "truecolor"},
        {"COLORTERM": "24bit", "TERM": "xterm"},
        {"COLORTERM": "yes", "TERM": "xterm"},
        {"TERM": "xterm-256color"},
        {"TERM": "tmux-256color", "COLORTERM": "truecolor"},
        {"TERM": "screen"},
        {"TERM": "linux"},
        {"TERM": "xterm-kitty"},
        {"TERM": "vt100"},
        {},
    ],
)
def test_colours_are_those_that_rich_will_use(environment: dict[str, str]) -> None:
    assert colours_of(environment) == Console(force_terminal=True, _environ=environment).color_system


def test_the_color_system_that_textual_is_told_wins() -> None:
    assert colours_of({**MANY, "TEXTUAL_COLOR_SYSTEM": "standard"}) == "standard"
    assert colours_of({**MANY, "TEXTUAL_COLOR_SYSTEM": "auto"}) == "truecolor"


@pytest.mark.parametrize(
    ("environment", "glyphs"),
    [
        (MANY, "half"),
        ({"TERM": "screen-256color"}, "half"),
        ({"TERM": "screen"}, "braille"),
        ({**MANY, "NO_COLOR": ""}, "braille"),
        ({"TERM": "linux"}, "shade"),
    ],
)
def test_glyphs_suit_the_terminal(environment: dict[str, str], glyphs: Glyphs) -> None:
    assert choose_look(ScreenSettings(), environment) == Look(glyphs)


def test_flags_win_over_the_terminal_and_ascii_over_flags() -> None:
    flags = ScreenSettings(glyphs="quadrant", palette="cividis")
    assert choose_look(flags, {"TERM": "linux"}) == Look("quadrant", palette="cividis")
    assert choose_look(attrs.evolve(flags, ascii=True), MANY) == Look("ascii", palette="cividis")


def test_every_choice_is_a_flags_value_and_the_reverse() -> None:
    assert set(GLYPHS) == set(get_args(Glyphs))
    assert set(SIZES) == set(get_args(Size))
    assert set(INKS) == set(get_args(InkName))
    for glyphs in ("auto", *GLYPHS):
        assert ScreenSettings(glyphs=glyphs).glyphs == glyphs
        assert glyphs in attrs.fields(ScreenSettings).glyphs.metadata["help"]
    for palette in INKS:
        assert ScreenSettings(palette=palette).palette == palette
        assert palette in attrs.fields(ScreenSettings).palette.metadata["help"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("glyphs", "there is no kind of glyphs 'banana': use auto, half, quadrant, braille, shade or ascii"),
        ("palette", "there is no palette 'banana': use ink, viridis, cividis or contrast"),
        ("theme", "there is no theme 'banana': use auto, dark or light"),
    ],
)
def test_another_choice_is_refused(name: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        attrs.evolve(ScreenSettings(), **{name: "banana"})  # type: ignore[arg-type]
    assert str(error.value) == words


@pytest.mark.parametrize(
    ("theme", "colours", "light"),
    [
        ("auto", None, False),
        ("auto", "15;0", False),
        ("auto", "0;15", True),
        ("auto", "0;default;15", True),
        ("auto", "0;7", True),
        ("auto", "7;8", False),
        ("auto", "nonsense", False),
        ("dark", "0;15", False),
        ("light", "15;0", True),
    ],
)
def test_the_theme_follows_the_terminals_background(theme: str, colours: str | None, light: bool) -> None:
    assert is_light(theme, {} if colours is None else {"COLORFGBG": colours}) is light


def test_each_choice_comes_round_again() -> None:
    look = Look()
    assert [look := look.with_next_size() for _ in SIZES][-1] == Look()
    assert [look := look.with_next_glyphs() for _ in GLYPHS][-1] == Look()
    assert [look := look.with_next_palette() for _ in INKS][-1] == Look()


def text_of(widget: Widget) -> str:
    return "\n".join(widget.render_line(y).text for y in range(widget.size.height))


def has_braille(text: Iterable[str]) -> bool:
    return any("\u2800" < character <= "\u28ff" for character in text)


async def test_glyphs_change_on_the_gallery_and_every_panel_with_digits() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(160, 50)) as pilot:
        app.tick()
        await pilot.press("i")
        from mnist_tui.tui.screens.inspect import InspectScreen

        screen = app.screen
        assert isinstance(screen, InspectScreen)
        assert not has_braille(text_of(screen.gallery) + text_of(screen.closeup))
        await pilot.press("b", "b")
        assert has_braille(text_of(screen.gallery))
        assert has_braille(text_of(screen.closeup))
        assert said(app)[-2:] == ["Digits in quadrants.", "Digits in braille."]
        await pilot.press("escape")
        assert has_braille(text_of(app.dashboard.digits))


async def test_batch_and_preview_are_drawn_anew_when_the_look_changes() -> None:
    pixels = bytes(real_digits()[1].digit(0)) * 4
    app, runner = make_app(loaded())
    async with app.run_test(size=(160, 50)):
        app.tick()
        runner.say(Previewed(Hyperparameters(), pixels, pixels))
        app.tick()
        preview = app.dashboard.preview
        preview.show()
        before = list(preview.draw_lines(80, 18))
        app.session.look = Look("braille")
        assert list(preview.draw_lines(80, 18)) != before
        shown = preview._shown
        preview.show()
        assert preview._shown != shown


async def test_the_palette_colours_the_digits_and_is_named() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.press("i")
        from mnist_tui.tui.screens.inspect import InspectScreen

        screen = app.screen
        assert isinstance(screen, InspectScreen)
        before = [screen.gallery.render_line(y) for y in range(7)]
        large = list(screen.closeup.draw_lines(58, 15))
        await pilot.press("p")
        assert app.session.look.palette == "viridis"
        assert said(app)[-1] == "Digits in the palette viridis."
        assert [screen.gallery.render_line(y) for y in range(7)] != before
        assert list(screen.closeup.draw_lines(58, 15)) != large


async def test_ascii_stays_ascii() -> None:
    app, _ = make_app(mid_run(), ScreenSettings(ascii=True, glyphs="braille"))
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.press("i", "b")
        assert app.session.look.glyphs == "ascii"
        assert "--ascii" in said(app)[-1]
        await pilot.press("v")
        from mnist_tui.tui.screens.inspect import InspectScreen

        assert isinstance(app.screen, InspectScreen)
        assert text_of(app.screen.gallery).isascii()


async def test_the_theme_flag_reaches_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORFGBG", "0;15")
    light, _ = make_app()
    dark, _ = make_app((), ScreenSettings(theme="dark"))
    assert (light.theme, dark.theme) == ("mnist-light", "mnist-dark")


async def test_the_filmstrip_is_drawn_anew_when_its_look_changes_or_what_judged_it() -> None:
    app, _ = make_app(mid_run())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tick()
        await pilot.pause()
        panel, session = app.dashboard.digits, app.session
        seen = [panel._film(60, 14)]

        def judge_anew() -> None:
            session.browser.judge(evaluation(1876, 2, wrong_every=1))
            session.browser.sort_by("index")

        def look_anew() -> None:
            session.look = session.look.with_next_glyphs()

        def ink_anew() -> None:
            session.look = session.look.with_next_palette()

        def light() -> None:
            app.theme = LIGHT_THEME

        def look_at_others() -> None:
            digits = real_digits()[1]
            session.browser.add_split(
                "training", attrs.evolve(digits, images=digits.images[784:] + digits.images[:784])
            )
            session.browser.show_split("training")

        for change in (judge_anew, look_anew, ink_anew, light, look_at_others):
            change()
            seen.append(panel._film(60, 14))
            panel._small.clear()
            assert seen[-1] == panel._film(60, 14), change
            assert seen[-1] != seen[-2], change
