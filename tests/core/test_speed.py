from typing import Any

import attrs
import pytest

from mnist_tui.core.speed import (
    CROWDED_READINGS,
    CrowdWatch,
    GpuLoad,
    MachineLoad,
    StageTimes,
    crowding,
    what_bounds,
)

TIMES = StageTimes(data=0.2, forward=5, backward=9, optimizer=0.5, recording=0.1, batch_size=64)
QUIET = MachineLoad(cores=4, own=3.9, others=0.05, memory=10**9)


def test_shares_add_up_to_one() -> None:
    assert TIMES.total == pytest.approx(14.8)
    shares = [TIMES.share(stage) for stage in ("data", "forward", "backward", "optimizer", "recording")]
    assert sum(shares) == pytest.approx(1)
    assert StageTimes(0, 0, 0, 0, 0, 64).share("data") == 0.0


@pytest.mark.parametrize(
    ("changes", "threads", "load", "words"),
    [
        ({}, 4, QUIET, "the network's own arithmetic takes 95% of a batch"),
        ({}, 4, None, "arithmetic"),
        ({"data": 20.0}, 4, QUIET, "preparing images takes 58% of a batch"),
        ({"optimizer": 9.0}, 4, QUIET, "a batch of 128 halves that"),
        ({"recording": 5.0}, 4, QUIET, "recording takes 25% of a batch"),
        ({}, 8, QUIET, "8 threads share 4 cores and wait for each other: use --threads 4"),
        ({}, 2, QUIET, "2 of 4 cores are used: --threads 4 uses all"),
        ({}, 4, attrs.evolve(QUIET, others=1.1), "other programs keep 1.1 of 4 cores busy"),
        ({}, 4, attrs.evolve(QUIET, others=9.0), "--threads 1, which can be several times as fast"),
        ({}, 3, attrs.evolve(QUIET, others=1.1), "and --threads 3 leaves them that"),
        ({}, 1, attrs.evolve(QUIET, others=9.0), "and --threads 1 leaves them that"),
    ],
)
def test_the_sentence_names_what_bounds_a_cpu(
    changes: dict[str, Any], threads: int, load: MachineLoad | None, words: str
) -> None:
    assert words in what_bounds(attrs.evolve(TIMES, **changes), "cpu", threads, load)


@pytest.mark.parametrize(
    ("gpu", "words"),
    [
        (GpuLoad("H200", busy=97.0), "the GPU is 97 % busy: its own speed"),
        (GpuLoad("H200", busy=12.0), "only 12 % busy"),
        (GpuLoad("H200"), "a batch of 512 takes hardly longer than one of 64"),
        (None, "leaves the GPU waiting"),
    ],
)
def test_the_sentence_names_what_bounds_a_gpu(gpu: GpuLoad | None, words: str) -> None:
    assert words in what_bounds(TIMES, "cuda:0", 1, attrs.evolve(QUIET, gpu=gpu))


def test_other_programs_are_told_once_a_run_and_only_where_they_stay() -> None:
    watch = CrowdWatch()

    def judged(run: str, others: list[float], threads: int = 4) -> list[bool]:
        return [bool(watch.judge(run, attrs.evolve(QUIET, others=each), threads)) for each in others]

    lasting = [1.0] * CROWDED_READINGS
    assert not any(judged("a", [*lasting[1:], 0.1, *lasting[1:]]))
    assert judged("a", [1.0, 1.0, 1.0]) == [True, False, False]
    assert judged("b", lasting) == [False] * (CROWDED_READINGS - 1) + [True]
    assert not any(judged("c", lasting, threads=3))
    same = attrs.evolve(QUIET, others=1.0)
    assert not any(watch.judge("d", same, 4) for _ in range(3 * CROWDED_READINGS))
    assert "--threads 3" in crowding(same, 4)
