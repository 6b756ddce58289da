from collections.abc import Mapping

import pytest

from mnist_tui.cli import main
from mnist_tui.core.errors import UsageError
from mnist_tui.core.launch import Launch, find_launch

SECOND = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "node7"}


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in SECOND.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_process_of_torchrun_knows_its_place() -> None:
    assert find_launch(SECOND) == Launch(rank=1, world_size=4, local_rank=1, local_world_size=2)
    assert not Launch(1, 4, 1, 2).leads
    assert Launch(0, 4, 0, 2).leads


@pytest.mark.parametrize("missing", ["RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR"])
def test_variables_of_other_launchers_mean_nothing(missing: str) -> None:
    assert find_launch({name: value for name, value in SECOND.items() if name != missing}) is None


def test_one_process_alone_is_no_team() -> None:
    assert find_launch({**SECOND, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}) is None


@pytest.mark.parametrize("change", [{"RANK": "x"}, {"WORLD_SIZE": "-2"}, {"RANK": "4"}, {"LOCAL_RANK": "2"}])
def test_variables_without_sense_are_told(change: Mapping[str, str]) -> None:
    with pytest.raises(UsageError, match="start with torchrun"):
        find_launch({**SECOND, **change})


@pytest.mark.parametrize("words", [[], ["--start"], ["--detached"]])
def test_no_screen_is_drawn_under_torchrun(
    words: list[str], torchrun: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torchrun.setenv("RANK", "0")
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("mnist-tui: torchrun started 4 processes")
    assert "`mnist-tui train`" in said
    torchrun.setenv("RANK", "1")
    assert main(words) == 0
    assert capsys.readouterr() == ("", "")
