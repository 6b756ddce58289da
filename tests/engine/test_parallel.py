"""What a rank does by itself: its share of a batch, its device, its threads; processes are in `tests/e2e`."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import torch
from torch import Tensor

from mnist_tui.core.control import Control
from mnist_tui.core.errors import UsageError, UserError
from mnist_tui.core.events import BatchesTrained
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.launch import Launch
from mnist_tui.core.settings import Precision
from mnist_tui.core.telemetry import available_cores
from mnist_tui.engine import parallel
from mnist_tui.engine import stepper as stepper
from mnist_tui.engine.alone import Alone
from mnist_tui.engine.augment import augment
from mnist_tui.engine.checkpoint import load_checkpoint
from mnist_tui.engine.device import default_threads, name_for
from mnist_tui.engine.follower import follow
from mnist_tui.engine.keeper import Destination, Place
from mnist_tui.engine.learner import Learner
from mnist_tui.engine.parallel import Leader, SharedLearner, fingerprint
from mnist_tui.engine.team import RankLost, Team, Word
from mnist_tui.engine.trainer import Trainer
from tests.engine.small import CPU, SMALL, network, splits

SPLITS = splits()
SECOND = Launch(rank=1, world_size=4, local_rank=1, local_world_size=2)


@pytest.mark.parametrize(("count", "world"), [(64, 2), (7, 4), (3, 4), (1, 3)])
def test_shares_make_up_the_batch_in_order_and_the_first_rank_has_one(count: int, world: int) -> None:
    shares = [Team(Launch(rank, world, rank, world), None).share(count) for rank in range(world)]
    assert [index for share in shares for index in range(count)[share]] == list(range(count))
    sizes = [share.stop - share.start for share in shares]
    assert max(sizes) - min(sizes) <= 1
    assert sizes[0] == max(sizes)


def test_a_batch_that_is_looked_at_is_the_first_ranks_alone() -> None:
    shares = [Team(Launch(rank, 2, rank, 2), None).share(9, whole=True) for rank in range(2)]
    assert [list(range(9)[share]) for share in shares] == [list(range(9)), []]


def test_a_share_is_augmented_as_it_is_in_the_whole_batch() -> None:
    moved = attrs.evolve(SMALL, shift=2, rotate=15, scale=0.1)
    images, _ = SPLITS.train.slice(0, 9)
    whole = augment(images, moved, 77)
    torch.testing.assert_close(augment(images[5:], moved, 77, 5, 9), whole[5:], rtol=0, atol=1e-6)
    torch.testing.assert_close(augment(images[:5], moved, 77, batch_size=9), whole[:5], rtol=0, atol=1e-6)


def test_a_fingerprint_sees_one_bit() -> None:
    model = network()
    before = fingerprint(model)
    with torch.no_grad():
        model.conv2.weight[0, 0, 0, 0].nextafter_(torch.tensor(1.0))
    assert (fingerprint(model) != before).tolist() == [name == "conv2.weight" for name, _ in model.named_parameters()]


@pytest.mark.parametrize(
    ("wanted", "cuda", "mps", "name"),
    [
        ("auto", 2, False, "cuda:1"),
        ("cuda", 2, False, "cuda:1"),
        ("auto", 0, False, "auto"),
        ("auto", 0, True, "cpu"),
        ("cpu", 2, False, "cpu"),
    ],
)
def test_each_process_takes_a_device_of_its_own(wanted: str, cuda: int, mps: bool, name: str) -> None:
    assert name_for(wanted, SECOND, cuda, mps) == name


@pytest.mark.parametrize(
    ("wanted", "cuda", "word"), [("auto", 1, "--nproc-per-node 1"), ("cuda:0", 2, "--device cuda"), ("mps", 0, "cpu")]
)
def test_a_device_that_processes_cannot_share_is_refused(wanted: str, cuda: int, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        name_for(wanted, SECOND, cuda, False)


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as torchrun sets it
    assert (default_threads(), default_threads(1000)) == (1, 1)
    assert default_threads(2) == max(1, available_cores() // 2)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert default_threads(2) == 3
    del os.environ["OMP_NUM_THREADS"]
    assert default_threads(available_cores()) == 1


class Told(Team):
    """A second rank that hears `begin`, and no more."""

    def __init__(self, begin: dict[str, object]) -> None:
        super().__init__(SECOND, None)
        self._begin = json.dumps(begin).encode()

    def listen(self) -> tuple[Word, list[int]]:
        return Word.BEGIN, [len(self._begin)]

    def receive(self, size: int) -> bytes:
        return self._begin


@pytest.mark.parametrize(("threads", "taken"), [(None, []), (3, [3])])
def test_a_run_that_goes_on_has_its_threads_on_every_rank(
    threads: int | None, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", seen.append)
    with pytest.raises(UserError, match="rank 1 has 100 training images, and rank 0 has 7"):
        follow(Told({"threads": threads, "train_size": 7}), CPU, lambda _: SPLITS.train)
    assert seen == taken


class Lonely(Leader):
    """A leader whose others are gone after some batches, and whose device must not be asked then."""

    def __init__(self, lost_at: int) -> None:
        super().__init__(Team(Launch(0, 2, 0, 2), None), {})
        self._lost_at = lost_at
        self._keeps_copies = True
        self._made: Learner | None = None

    @property
    def learner(self) -> SharedLearner:
        assert isinstance(self._made, Learner)
        return self._made  # type: ignore[return-value]

    def make_learner(self, hyperparameters: Hyperparameters, device: torch.device, precision: Precision) -> Learner:
        self._made = Learner(hyperparameters, device, precision)
        return self._made

    def announce(self, place: Place, train_size: int, every: int, *, whole: bool) -> slice:
        if place.step == self._lost_at:
            for weight in self.learner.model.parameters():
                weight.data.fill_(torch.nan)
            raise RankLost("rank 1 was lost")
        return slice(0, train_size)

    def add_up(self, losses: Sequence[Tensor], correct: Sequence[Tensor]) -> tuple[tuple[float, ...], tuple[int, ...]]:
        return Alone().add_up(losses, correct)

    def agrees(self) -> bool:
        return True


def test_what_was_kept_is_saved_where_the_device_waits_for_a_rank_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepper, "DRAIN_SECONDS", 0.0)
    monkeypatch.setattr(parallel, "KEEP_SECONDS", 0.0)
    folder = tmp_path / "20260101-000000-mine"
    (folder / "checkpoints").mkdir(parents=True)
    trainer = Trainer(SMALL, SPLITS, CPU, Destination(folder), team=Lonely(6))
    with pytest.raises(UserError, match=r"rank 1 was lost at step 6; the run is saved, go on with --resume mine"):
        list(trainer.run(Control()))
    content = load_checkpoint(folder / "checkpoints" / "last.pt")
    assert (content["step"], content["position"]) == (6, 64)
    alone = Trainer(SMALL, SPLITS, CPU)
    for event in alone.run(Control()):
        if isinstance(event, BatchesTrained) and event.last_step == 6:
            break
    for name, weight in alone.model.state_dict().items():
        assert torch.equal(weight, content["model"][name]), name
    assert len(content["optimizer"]["state"]) == 8
