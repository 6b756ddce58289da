"""Who owns a run: claims, heartbeats, and what can be said of an owner that says nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from mnist_tui.core import owner as module
from mnist_tui.core.errors import UserError
from mnist_tui.core.owner import OWNER_FILE, STALE_SECONDS, Owner, Pulses, RunOwned, claim, read_owner


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.waited += seconds


@pytest.fixture
def ended() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def other() -> Iterator[int]:
    """The number of a process that lives."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate(b"\n")


def elsewhere(beat: int = 3) -> Owner:
    return Owner("other", "node7", "another boot", 1, 1, beat)


def put(folder: Path, owner: Owner) -> None:
    (folder / OWNER_FILE).write_text(json.dumps(attrs.asdict(owner)))


def mine(folder: Path, pid: int) -> Owner:
    """An owner on this machine."""
    with_claim = claim(folder)
    there = read_owner(folder)
    with_claim.release()
    assert there is not None
    return attrs.evolve(there, token="other", pid=pid, born=module._born(pid))


def test_a_claim_says_who_and_is_released(tmp_path: Path) -> None:
    ours = claim(tmp_path)
    there = read_owner(tmp_path)
    assert there is not None
    assert (there.pid, there.beat) == (os.getpid(), 0)
    assert there.words.startswith(f"process {os.getpid()} on ")
    ours.beat()
    ours.beat()
    assert read_owner(tmp_path) == attrs.evolve(there, beat=2)
    ours.release()
    assert [*tmp_path.iterdir()] == []
    ours.release()


def test_a_run_whose_owner_lives_here_is_refused_at_once(tmp_path: Path, other: int) -> None:
    clock = Clock()
    put(tmp_path, mine(tmp_path, other))
    with pytest.raises(RunOwned, match=rf"process {other} on .* trains {tmp_path.name}: .*mnist-tui watch"):
        claim(tmp_path, clock.wait)
    assert clock.waited == 0


def test_a_run_whose_owner_died_here_is_taken_at_once(tmp_path: Path, ended: int) -> None:
    clock = Clock()
    put(tmp_path, attrs.evolve(mine(tmp_path, os.getpid()), pid=ended, born=5))
    claim(tmp_path, clock.wait)
    there = read_owner(tmp_path)
    assert there is not None
    assert there.pid == os.getpid()
    assert clock.waited == 0


def test_a_process_number_used_again_is_not_the_owner(tmp_path: Path, other: int) -> None:
    owner = mine(tmp_path, other)
    assert owner.born is not None
    put(tmp_path, attrs.evolve(owner, born=owner.born - 1))
    claim(tmp_path)


def test_a_zombie_owns_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    put(tmp_path, attrs.evolve(mine(tmp_path, os.getpid()), pid=process.pid, born=5))
    claim(tmp_path)
    process.wait()


def test_an_owner_elsewhere_is_watched_for_a_beat(tmp_path: Path) -> None:
    put(tmp_path, elsewhere())
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        if clock.now > 1:
            put(tmp_path, elsewhere(beat=4))

    with pytest.raises(RunOwned, match="process 1 on node7"):
        claim(tmp_path, wait)
    assert clock.waited < STALE_SECONDS


def test_an_owner_elsewhere_that_beats_no_more_is_replaced(tmp_path: Path) -> None:
    put(tmp_path, elsewhere())
    clock = Clock()
    claim(tmp_path, clock.wait)
    assert clock.waited >= STALE_SECONDS


def test_an_owner_elsewhere_that_leaves_meanwhile_is_replaced_at_once(tmp_path: Path) -> None:
    put(tmp_path, elsewhere())
    clock = Clock()

    def wait(seconds: float) -> None:
        clock.wait(seconds)
        (tmp_path / OWNER_FILE).unlink(missing_ok=True)

    claim(tmp_path, wait)
    assert clock.waited < 1


def test_of_two_that_come_at_once_one_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link
    rival: list[object] = []

    def link(source: Path, target: Path) -> None:
        if not rival:
            rival.append(None)
            rival.append(claim(tmp_path))
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(RunOwned):
        claim(tmp_path)
    assert len(rival) == 2
    assert [path.name for path in tmp_path.iterdir()] == [OWNER_FILE]


def test_a_file_system_without_links_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    ours = claim(tmp_path)
    ours.beat()
    assert [path.name for path in tmp_path.iterdir()] == [OWNER_FILE]


def test_an_owner_that_was_replaced_notices_and_leaves_the_other_alone(tmp_path: Path) -> None:
    ours = claim(tmp_path)
    put(tmp_path, elsewhere())
    with pytest.raises(RunOwned, match="process 1 on node7 has taken over"):
        ours.beat()
    ours.release()
    assert read_owner(tmp_path) == elsewhere()


def test_a_lost_owner_file_is_written_again(tmp_path: Path) -> None:
    ours = claim(tmp_path)
    (tmp_path / OWNER_FILE).unlink()
    ours.beat()
    assert read_owner(tmp_path) is not None


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write to .*No such file or directory"):
        claim(tmp_path / "gone")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "{}", '{"pid": 1}', "\0", "[" * 100_000]
    + [
        json.dumps({**attrs.asdict(elsewhere()), **wrong})
        for wrong in ({"pid": "1"}, {"pid": True}, {"pid": 0}, {"pid": -1}, {"beat": 0.5}, {"host": None})
    ],
)
def test_any_other_file_is_no_owner(tmp_path: Path, text: str) -> None:
    (tmp_path / OWNER_FILE).write_text(text)
    assert read_owner(tmp_path) is None
    assert Pulses().judge(read_owner(tmp_path)) == "gone"
    claim(tmp_path)


def test_pulses_tell_live_from_stalled_by_the_beat_alone() -> None:
    clock = Clock()
    pulses = Pulses(clock)
    assert pulses.judge(elsewhere(1)) == "live"
    clock.now = STALE_SECONDS - 0.1
    assert pulses.judge(elsewhere(1)) == "live"
    clock.now = STALE_SECONDS
    assert pulses.judge(elsewhere(1)) == "stalled"
    assert pulses.judge(elsewhere(2)) == "live"
    assert pulses.judge(None) == "gone"


def test_a_dead_process_of_this_machine_is_gone_without_waiting(tmp_path: Path, ended: int) -> None:
    owner = attrs.evolve(mine(tmp_path, os.getpid()), pid=ended, born=5)
    assert Pulses().judge(owner) == "gone"


def test_a_beat_is_seen_between_two_looks() -> None:
    pulses = Pulses()
    assert not pulses.seen_beating(elsewhere(1))
    assert not pulses.seen_beating(elsewhere(1))
    assert pulses.seen_beating(elsewhere(2))
