"""Data-parallel training: rank 0 trains as one process does, and has the others train their shares of every batch.

The others know no mailbox and no wishes: an edit reaches them as other hyperparameters, an undo as another state, a
pause as silence. With neither dropout nor augmentation nor bfloat16 the gradient is that of one process with the same
global batch, but for the order in which float32 numbers are added. Augmentation moves every image as one process does.
Dropout draws different numbers on every rank; those of rank 0 go on from its checkpoint, those of the others follow
from the seed, the images seen and the rank, so that a run that is continued with as many ranks is the same. Batch
normalisation takes each share's own statistics; those that are kept are rank 0's.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.engine.alone import Alone
from mnist_tui.engine.checkpoint import learning_state, serialise, state_of
from mnist_tui.engine.keeper import Place
from mnist_tui.engine.learner import Learner, Outcome, count_hits
from mnist_tui.engine.network import SIDE, Network
from mnist_tui.engine.team import Team, Word

KEEP_SECONDS = 1.0
GRANT_SECONDS = 0.02  # of training that one command orders: as long may an edit wait


class SharedLearner(Learner):
    """A learner whose gradients are averaged over the team; every rank has one, and all take the same steps.

    Attributes:
        batch: images of the batch under way, of all ranks together.
        news: what the others have to be told before the next batch.
    """

    BY_KERNELS = False  # the gradients come through torch's network, which averages them

    def __init__(
        self, hyperparameters: Hyperparameters, device: torch.device, precision: Precision, team: Team
    ) -> None:
        super().__init__(hyperparameters, device, precision)
        self.batch = 0
        self.news: Literal["settings", "state"] | None = None
        self._team = team
        with team.watch():
            self._network = DistributedDataParallel(self.model, gradient_as_bucket_view=True)

    def train_batch(self, images: Tensor, labels: Tensor) -> Outcome:
        """Train this rank's share of a batch; the loss is its part of the batch's mean.

        DistributedDataParallel takes the mean of the ranks' gradients; so each rank's loss is the sum over its share,
        times ranks, divided by the images of the whole batch. A rank without a share takes part with a zero.

        Raises:
            TeamBroken: a rank is gone; this step was not taken.
        """
        count = len(labels)
        if count == 0:
            images, labels = images.new_zeros(1, 1, SIDE, SIDE), labels.new_zeros(1)
        with self._team.watch():
            logits = self._network(images)
            smoothing = self.hyperparameters.label_smoothing
            loss = F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="sum") / self.batch
            if count == 0:
                loss = loss * 0
            self.forget_gradients()
            (loss * self._team.world_size).backward()  # type: ignore[no-untyped-call]
            self.step()
        logits = logits.detach()[:count]
        return Outcome(loss.detach(), logits, count_hits(logits, labels[:count]))

    def apply(self, new: Hyperparameters) -> None:
        """As in one process."""
        super().apply(new)
        self.news = self.news or "settings"

    def reset(self, hyperparameters: Hyperparameters) -> None:
        """As in one process."""
        super().reset(hyperparameters)
        self.news = "state"

    def restore(self, hyperparameters: Hyperparameters, content: Mapping[str, Any]) -> None:
        """As in one process."""
        super().restore(hyperparameters, content)
        self.news = "state"


class Leader(Alone):
    """Rank 0 of `team`; `data` (plain values) tells the others what to load."""

    def __init__(self, team: Team, data: Mapping[str, object]) -> None:
        self._team = team
        self._data = data
        self._learner: SharedLearner | None = None
        self._granted = 0
        self._ordered = 0
        self._ordered_at = -1e9
        self._keeps_copies = False
        self._kept: tuple[Place, Hyperparameters, bytes] | None = None
        self._kept_at = -1e9

    @property
    def free(self) -> bool:  # type: ignore[override]
        """Whether all batches that the others were told of are trained."""
        return self._granted == 0

    @property
    def learner(self) -> SharedLearner:
        """What `make_learner` made."""
        assert self._learner is not None
        return self._learner

    def make_learner(self, hyperparameters: Hyperparameters, device: torch.device, precision: Precision) -> Learner:
        """A learner whose weights all others start with."""
        begin = {**self._data, "precision": precision, "hyperparameters": attrs.asdict(hyperparameters)}
        self._team.send(Word.BEGIN, json.dumps(begin).encode())
        self._learner = SharedLearner(hyperparameters, device, precision, self._team)
        self._keeps_copies = device.type != "cpu"
        return self._learner

    def announce(self, place: Place, train_size: int, every: int, *, whole: bool) -> slice:
        """As for one process; one command orders as many batches as take about 20 ms."""
        size, left = self.learner.hyperparameters.batch_size, train_size - place.position
        if self._granted == 0:
            self._tell_news()
            now = time.perf_counter()
            pace, self._ordered_at = (now - self._ordered_at) / max(self._ordered, 1), now
            most = 1 if whole else max(1, min(left // size, every - place.step % every))
            self._ordered = self._granted = max(1, min(most, int(GRANT_SECONDS / pace)))
            self._team.tell(Word.TRAIN, place.epoch, place.position, place.samples, self._granted, whole)
        self._granted -= 1
        self.learner.batch = min(size, left)
        return self._team.share(self.learner.batch, whole=whole)

    def add_up(self, losses: Sequence[Tensor], correct: Sequence[Tensor]) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Sums over all ranks, which keep their parts as we do."""
        self._team.tell(Word.ADD_UP)
        sums = self._team.add(together(losses, correct)).tolist()
        return tuple(sums[0]), tuple(map(round, sums[1]))

    def agrees(self) -> bool:
        """Compare sums over the weights' bits; where they differ, rank 0's state goes to all."""
        self._tell_news()
        self._team.tell(Word.COMPARE)
        if self._team.agree(fingerprint(self.learner.model)):
            return True
        self.learner.news = "state"
        return False

    def remember(self, place: Place) -> None:
        """Keep the state, at most once a second, where it lives on a GPU, which is not to be asked after a loss.

        A step there is not over when its batch is: with a rank gone it waits for ever, and what comes behind it, too.
        """
        now = time.perf_counter()
        if self._keeps_copies and now - self._kept_at >= KEEP_SECONDS:
            self._kept_at = now
            state = learning_state(self.learner.model, self.learner.optimizer, self.learner.average)
            self._kept = attrs.evolve(place), self.learner.hyperparameters, serialise(state)

    def rescue(self, place: Place) -> Learner | None:
        """On a GPU the state that was kept, in a learner on the CPU."""
        if self._kept is None:
            return None
        kept_at, hyperparameters, state = self._kept
        cpu = torch.device("cpu")
        content = torch.load(io.BytesIO(state), map_location=cpu, weights_only=True)
        spare = Learner(hyperparameters, cpu)
        spare.restore(hyperparameters, content)
        place.move_to(kept_at)
        return spare

    def dismiss(self) -> None:
        """Have the others end.

        Raises:
            RankLost: one had ended before.
        """
        self._team.tell(Word.END)
        self._team.wait_for_all()

    def _tell_news(self) -> None:
        learner = self.learner
        news, learner.news = learner.news, None
        settings = attrs.asdict(learner.hyperparameters)
        if news == "settings":
            self._team.send(Word.SETTINGS, json.dumps(settings).encode())
        elif news == "state":
            state = {"model": state_of(learner.model), "optimizer": learner.optimizer.state_dict()}
            self._team.send(Word.STATE, serialise({"hyperparameters": settings, **state}))


def together(losses: Sequence[Tensor], correct: Sequence[Tensor]) -> Tensor:
    """Losses and hits as (2, n) float64 on the CPU."""
    return torch.stack([torch.stack([*losses]).double(), torch.stack([*correct]).double()]).cpu()


def fingerprint(model: Network) -> Tensor:
    """A sum over the bits of each of n weight tensors, (n,) int64 on the CPU."""
    tensors = (weight.detach().cpu().contiguous() for weight in model.parameters())
    return torch.stack([tensor.view(torch.int32).sum(dtype=torch.int64) for tensor in tensors])
