"""A network and the optimizer at work on it: everything that turns a batch into other weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.core.settings import Precision
from mnist_tui.engine.architectures import architecture_for, loss_kernels, make_network
from mnist_tui.engine.averaging import WeightAverage
from mnist_tui.engine.checkpoint import set_random_state
from mnist_tui.engine.network import Network
from mnist_tui.engine.optimizers import apply_live, make_optimizer, make_step, make_tensor_step, restore_optimizer


class Outcome(NamedTuple):
    """What a batch came to, on the device: its mean loss () in nats, logits (n, 10), right answers () int64."""

    loss: Tensor
    logits: Tensor
    hits: Tensor


class Learner:
    """Model and optimizer of one run, and the average of its weights, where one is kept.

    Args:
        hyperparameters: what is in force; `apply` changes it.
        device: where the network lives.
        precision: what it computes in; weights and optimizer are float32.
    """

    BY_KERNELS = True  # of our own, where there are some for the network

    def __init__(self, hyperparameters: Hyperparameters, device: torch.device, precision: Precision = "fp32") -> None:
        torch.manual_seed(hyperparameters.seed)
        model = make_network(architecture_for(hyperparameters), hyperparameters.dropout, precision).settle(device)
        self._adopt(model, hyperparameters, make_optimizer(model.parameters(), hyperparameters))
        self._average_anew()

    def _average_anew(self) -> None:
        self.average = WeightAverage(self.model) if self.hyperparameters.weight_average else None

    @property
    def judged(self) -> Network:
        """The network that is evaluated and kept: with averaged weights, where they are averaged."""
        return self.average.model if self.average is not None else self.model

    def _adopt(self, model: Network, hyperparameters: Hyperparameters, optimizer: torch.optim.Optimizer) -> None:
        self.hyperparameters = hyperparameters
        self.model = model
        self._weights = list(model.parameters())
        self._kernels = loss_kernels(model) if self.BY_KERNELS else None
        self._rate: Tensor | None = None
        self._use(optimizer)

    def _use(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self._step: Callable[[], None]
        if self._rate is None:
            self._step = make_step(optimizer)
        else:
            self._step = make_tensor_step(optimizer, self._rate)
            self._rate.fill_(self.learning_rate)

    def read_rate_from(self, rate: Tensor) -> None:
        """Let every step read its learning rate from `rate` () on the weights' device, when the device comes to it.

        Whoever writes there tells the host's figure by `note_rate`.
        """
        self._rate = rate
        self._use(self.optimizer)

    def note_rate(self, rate: float) -> None:
        """Take down that the newest step was taken with `rate`, which the device read for itself."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @property
    def learning_rate(self) -> float:
        """The rate of the next step, after the schedule."""
        return float(self.optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self.note_rate(rate)
        if self._rate is not None:
            self._rate.fill_(rate)

    def apply(self, new: Hyperparameters) -> None:
        """Put `new` in force; another kind of optimizer begins with fresh state."""
        old, self.hyperparameters = self.hyperparameters, new
        if new.optimizer != old.optimizer:
            self._use(make_optimizer(self._weights, new))
        apply_live(self.optimizer, new)
        self.learning_rate = new.learning_rate
        self.model.dropout = new.dropout
        if bool(new.weight_average) != bool(old.weight_average):
            self._average_anew()

    def train_batch(self, images: Tensor, labels: Tensor) -> Outcome:
        """Forward, loss, zero_grad, backward, step.

        Args:
            images: (n, 1, 28, 28) float32.
            labels: (n,) int64.
        """
        outcome = self.forward(images, labels)
        self.forget_gradients()
        outcome.loss.backward()  # type: ignore[no-untyped-call]  # with a gradient given it imports sympy first
        self.step()
        return outcome._replace(loss=outcome.loss.detach(), logits=outcome.logits.detach())

    def forward(self, images: Tensor, labels: Tensor) -> Outcome:
        """The first half of `train_batch`, whose loss `backward` can be called of."""
        smoothing = self.hyperparameters.label_smoothing
        if self._kernels is not None:
            return Outcome(*self._kernels(images, labels, smoothing))
        logits = self.model(images)
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        return Outcome(loss, logits, count_hits(logits, labels))

    def step(self) -> None:
        """Move the weights by the gradients as they are, which are clipped first where that is wanted."""
        if self.hyperparameters.gradient_clip:
            torch.nn.utils.clip_grad_norm_(self._weights, self.hyperparameters.gradient_clip)
        self._step()

    def average_weights(self) -> None:
        """Take the newest weights into their average, where one is kept; after every batch."""
        if self.average is not None:
            self.average.update(self.model, self.hyperparameters.weight_average)

    @torch.no_grad()
    def measure(self, images: Tensor, labels: Tensor) -> float:
        """The loss on images that are not trained on now, in nats, without dropout; the model is then in eval mode."""
        return float(F.cross_entropy(self.model.eval()(images), labels))

    def forget_gradients(self) -> None:
        """`zero_grad`, without the 0.1 ms of its profiling hooks."""
        for weight in self._weights:
            weight.grad = None

    def gradient_norm(self) -> float:
        """Euclidean norm of the newest batch's whole gradient, after clipping; 0.1 ms for the classic network."""
        return float(self.measure_gradient())

    def measure_gradient(self) -> Tensor:
        """As `gradient_norm`, () float32 on the device, which is not waited for."""
        gradients = [weight.grad for weight in self._weights if weight.grad is not None]
        return torch.nn.utils.get_total_norm(gradients) if gradients else self._weights[0].new_zeros(())

    @property
    def gradients(self) -> list[Tensor | None]:
        """The newest batch's, weight by weight; to be put in place of others where they lie elsewhere."""
        return [weight.grad for weight in self._weights]

    @gradients.setter
    def gradients(self, gradients: list[Tensor | None]) -> None:
        for weight, gradient in zip(self._weights, gradients, strict=True):
            weight.grad = gradient

    def is_finite(self) -> bool:
        """Whether every weight is a number; 0.2 ms for the classic network."""
        return all(bool(torch.isfinite(weight).all()) for weight in self._weights)

    def copy(self) -> Learner:
        """A learner with the same weights and optimizer state that shares no memory with this one."""
        twin = Learner.__new__(Learner)
        model = copy.deepcopy(self.model)
        optimizer = make_optimizer(model.parameters(), self.hyperparameters)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer.state_dict()))
        twin._adopt(model, self.hyperparameters, optimizer)
        twin.average = None  # nobody evaluates a copy
        return twin

    def reset(self, hyperparameters: Hyperparameters) -> None:
        """Begin anew, as the constructor does."""
        device = next(self.model.parameters()).device
        fresh = Learner(hyperparameters, device)
        self.model.load_state_dict(fresh.model.state_dict())
        self.hyperparameters = hyperparameters
        self._use(make_optimizer(self._weights, hyperparameters))
        self.model.dropout = hyperparameters.dropout
        self._average_anew()

    def restore(self, hyperparameters: Hyperparameters, content: Mapping[str, Any]) -> None:
        """Take over the weights, the optimizer and the random state of a checkpoint, bit for bit.

        Args:
            hyperparameters: those of the checkpoint.
            content: its `model`, `optimizer` and `rng`; `average`, where weights were averaged.
        """
        self.model.load_state_dict(content["model"])
        self.forget_gradients()
        self.hyperparameters = hyperparameters
        optimizer = make_optimizer(self._weights, hyperparameters)
        restore_optimizer(optimizer, content["optimizer"])  # replaces the groups that `make_step` looks into
        self._use(optimizer)
        self.model.dropout = hyperparameters.dropout
        self._average_anew()
        if self.average is not None and "average" in content:
            self.average.restore(content["average"]["model"], content["average"]["updates"])
        set_random_state(content["rng"])


def count_hits(logits: Tensor, labels: Tensor) -> Tensor:
    """How many of `labels` (n,) have the highest of `logits` (n, 10): () int64, not waited for."""
    return (logits.detach().argmax(1) == labels).sum()
