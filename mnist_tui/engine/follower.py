"""A rank that is led: it trains its share of the batches that rank 0 tells it of, and knows nothing else of the run."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from mnist_tui.core.errors import UserError
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine.augment import augment, augments
from mnist_tui.engine.batches import Batches, Order
from mnist_tui.engine.checkpoint import random_state
from mnist_tui.engine.parallel import SharedLearner, fingerprint, together
from mnist_tui.engine.team import Team, Word


def follow(team: Team, device: torch.device, load: Callable[[Mapping[str, Any]], Batches]) -> None:
    """Do what rank 0 says until it says that the run is over.

    Args:
        team: joined; of a rank above 0.
        device: where to train.
        load: the training data that rank 0 trains on, by its description of it.

    Raises:
        TeamBroken: another rank is gone, or this one has no memory left.
        UserError: the data cannot be had.
    """
    word, arguments = team.listen()
    if word is not Word.BEGIN:
        return  # it was over before it began
    begin = json.loads(team.receive(arguments[0]))
    threads = begin.get("threads")
    if threads and device.type == "cpu":  # a run that goes on keeps its own, which rank 0 alone has read
        torch.set_num_threads(threads)
    train = load(begin)
    if len(train) != begin["train_size"]:
        raise UserError(f"rank {team.rank} has {len(train)} training images, and rank 0 has {begin['train_size']}")
    learner = SharedLearner(Hyperparameters(**begin["hyperparameters"]), device, begin["precision"], team)
    _Follower(team, train, learner).run()


class _Follower:
    def __init__(self, team: Team, train: Batches, learner: SharedLearner) -> None:
        self._team = team
        self._train = train
        self._learner = learner
        self._losses: list[Tensor] = []
        self._correct: list[Tensor] = []
        self._order: tuple[int, int, Order] | None = None

    def run(self) -> None:
        team, learner = self._team, self._learner
        learner.model.train()
        while True:
            word, arguments = team.listen()
            match word:
                case Word.TRAIN:
                    epoch, position, samples, batches, whole = arguments
                    size = learner.hyperparameters.batch_size
                    for number in range(batches):
                        self._train_share(epoch, position + number * size, samples + number * size, bool(whole))
                case Word.ADD_UP:
                    team.add(together(self._losses, self._correct))
                    self._losses.clear()
                    self._correct.clear()
                case Word.COMPARE:
                    team.agree(fingerprint(learner.model))
                case Word.SETTINGS:
                    learner.apply(Hyperparameters(**json.loads(team.receive(arguments[0]))))
                case Word.STATE:
                    self._take_over(team.receive(arguments[0]))
                case _:
                    team.wait_for_all()
                    return

    def _train_share(self, epoch: int, position: int, samples: int, whole: bool) -> None:
        learner, train = self._learner, self._train
        hyperparameters = learner.hyperparameters
        batch = self._epoch_order(epoch)[position : position + hyperparameters.batch_size]
        share = self._team.share(len(batch), whole=whole)
        images, labels = train.gather(batch[share])
        if augments(hyperparameters) and len(labels):
            images = augment(images, hyperparameters, samples, share.start, len(batch))
        if hyperparameters.schedule != "constant":
            learner.learning_rate = hyperparameters.rate_after(samples, len(train))
        if hyperparameters.dropout:
            seed = (hyperparameters.seed * 1_000_003 + samples) * self._team.world_size + self._team.rank
            torch.manual_seed(seed % 2**63)
        learner.batch = len(batch)
        loss, _, hits = learner.train_batch(images, labels)
        self._losses.append(loss)
        self._correct.append(hits)

    def _epoch_order(self, epoch: int) -> Order:
        seed = self._learner.hyperparameters.seed
        if self._order is None or self._order[:2] != (seed, epoch):
            self._order = (seed, epoch, self._train.order(seed, epoch))
        return self._order[2]

    def _take_over(self, state: bytes) -> None:
        content = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        hyperparameters = Hyperparameters(**content["hyperparameters"])
        self._learner.restore(hyperparameters, {**content, "rng": random_state(self._train.device)})
