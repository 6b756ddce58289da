import math
from pathlib import Path

import attrs
import pytest

from mnist_tui.core.errors import UsageError
from mnist_tui.core.settings import RunSettings, ScreenSettings


def test_runs_go_where_the_variable_says_or_to_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_TUI_RUNS_DIR", "/elsewhere")
    assert RunSettings().runs_dir == Path("/elsewhere")
    monkeypatch.setenv("MNIST_TUI_RUNS_DIR", "")
    assert RunSettings().runs_dir == Path("runs")
    monkeypatch.delenv("MNIST_TUI_RUNS_DIR")
    assert RunSettings().runs_dir == Path("runs")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("threads", 0, "--threads must be from 1 to 1024, not 0"),
        ("threads", -3, "--threads must be from 1 to 1024, not -3"),
        ("threads", 10**9, "--threads must be from 1 to 1024, not 1000000000"),
        ("validation", -1, "--validation must be 0 or more, not -1"),
        ("autosave", 0.5, "--autosave must be 1 or more, not 0.5"),
        ("autosave", math.nan, "--autosave must be 1 or more, not nan"),
        ("preset", "huge", "there is no preset 'huge': use one of classic"),
    ],
)
def test_a_senseless_run_setting_is_refused(name: str, value: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        attrs.evolve(RunSettings(), **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("fps", [0.0, -1.0, math.nan])
def test_a_senseless_screen_setting_is_refused(fps: float) -> None:
    with pytest.raises(UsageError, match=r"--fps must be 0\.2 or more"):
        ScreenSettings(fps=fps)


def test_every_setting_explains_itself() -> None:
    for kind in (RunSettings, ScreenSettings):
        for field in attrs.fields(kind):
            assert str(field.metadata["help"]).endswith(".")


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(UsageError, match="use auto, dark or light"):
        ScreenSettings(theme="banana")
