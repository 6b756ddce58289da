"""The health line over real training: false alarms of the classic preset, and faults that are put in on purpose.

Ten seeds of the classic preset must raise nothing. Each fault is put into a run of its own, and its ailment must be
told: NaN and infinite loss, a spike, a dead layer, exploding and vanishing gradients, a plateau, overfitting.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import attrs
import torch

from benchmarks.measure import cores, report
from mnist_tui.core.control import Control
from mnist_tui.core.dataset import find
from mnist_tui.core.events import BatchesTrained, Event, HealthWarned, LayersProbed
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import device as devices
from mnist_tui.engine.batches import Batches
from mnist_tui.engine.trainer import Splits, Trainer

FAULT_STEP = 300
LAST_STEP = 1200


def run_with_fault(
    hyperparameters: Hyperparameters, splits: Splits, device: torch.device, fault: Callable[[Trainer], None]
) -> Iterator[Event]:
    """A run's events; `fault` is put in after batch 300, and the run ends after batch 1200."""
    trainer = Trainer(hyperparameters, splits, device)
    control = Control()
    done = False
    for event in trainer.run(control):
        yield event
        if isinstance(event, BatchesTrained):
            if event.last_step >= FAULT_STEP and not done:
                done = True
                fault(trainer)
            if event.last_step >= LAST_STEP:
                control.stop()
        if isinstance(event, HealthWarned) and event.ailment == "not finite":
            control.stop()


@torch.no_grad()
def to_nan(trainer: Trainer) -> None:
    """One weight is not a number."""
    trainer.model.fc2.weight[0, 0] = torch.nan


@torch.no_grad()
def to_infinity(trainer: Trainer) -> None:
    """Logits beyond what a float holds."""
    trainer.model.fc2.bias[0] = torch.inf


@torch.no_grad()
def shuffle_outputs(trainer: Trainer) -> None:
    """The network is suddenly sure of the wrong classes."""
    trainer.model.fc2.weight.copy_(trainer.model.fc2.weight.roll(1, 0) * 3)


@torch.no_grad()
def kill_a_layer(trainer: Trainer) -> None:
    """No unit of the hidden layer ever fires."""
    trainer.model.fc1.bias.fill_(-1e3)


@torch.no_grad()
def blow_up(trainer: Trainer) -> None:
    """Weights a hundred times as large."""
    trainer.model.conv2.weight.mul_(100)


@torch.no_grad()
def starve(trainer: Trainer) -> None:
    """Weights so small that nothing comes back through them, and a rate that does not mend it."""
    trainer.learner.learning_rate = 0.0
    trainer.model.fc2.weight.mul_(1e-9)
    trainer.model.fc2.bias.zero_()


@torch.no_grad()
def forget(trainer: Trainer) -> None:
    """Back to the first weights, and a rate of nearly nothing."""
    fresh = Trainer(trainer.hyperparameters, trainer.splits, trainer.device).model
    trainer.model.load_state_dict(fresh.state_dict())
    trainer.learner.learning_rate = 1e-12


def nothing(trainer: Trainer) -> None:
    """No fault: what is wrong is the run itself."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=10)
    flags = parser.parse_args()

    device = devices.choose("cpu")
    devices.prepare(cores())
    source = find("mnist")
    train, test = source.load_train(), source.load_test()
    splits = Splits(Batches(train, device.torch), Batches(test, device.torch))
    few = Splits(Batches(train, device.torch, 0, 500), Batches(test, device.torch))
    classic = Hyperparameters()

    faults: list[tuple[str, str, Hyperparameters, Splits, Callable[[Trainer], None]]] = [
        ("NaN", "not finite", classic, splits, to_nan),
        ("infinity", "not finite", classic, splits, to_infinity),
        ("spike", "spike", classic, splits, shuffle_outputs),
        ("dead layer", "dead", classic, splits, kill_a_layer),
        ("exploding", "exploding", classic, splits, blow_up),
        ("vanishing", "vanishing", classic, splits, starve),
        ("plateau", "plateau", classic, splits, forget),
        ("overfitting", "overfitting", attrs.evolve(classic, epochs=100), few, nothing),
    ]
    caught = 0
    for name, ailment, hyperparameters, data, fault in faults:
        told = [
            event
            for event in run_with_fault(hyperparameters, data, device.torch, fault)
            if isinstance(event, HealthWarned)
        ]
        hit = next((event for event in told if event.ailment == ailment), None)
        caught += hit is not None
        words = f"at step {hit.step}: {hit.message}" if hit else f"missed; told: {[event.ailment for event in told]}"
        print(f"{name}: {words}", flush=True)
    report("faults put in that the health line names", "-", "8 of 8", f"{caught} of {len(faults)}")

    alarms, norms, dead, spikes = 0, 0.0, 0.0, 0.0
    for seed in range(flags.seeds):
        run = Trainer(attrs.evolve(classic, seed=seed, epochs=flags.epochs), splits, device.torch)
        for event in run.run(Control()):
            if isinstance(event, HealthWarned):
                alarms += 1
                print(f"seed {seed}: step {event.step}: {event.ailment}: {event.message}", flush=True)
            elif isinstance(event, LayersProbed):
                dead = max(dead, *(layer.dead or 0.0 for layer in event.layers))
            elif isinstance(event, BatchesTrained):
                norms = max(norms, event.gradient_norm)
                spikes = max(spikes, *event.losses) if event.first_step > 300 else spikes
        print(
            f"seed {seed}: largest gradient norm so far {norms:.2f}, dead share {dead:.2f}, "
            f"batch loss after step 300 {spikes:.2f}",
            flush=True,
        )
    what = f"false alarms, {flags.seeds} seeds of the classic preset, {flags.epochs} epochs"
    report(what, "-", "0", str(alarms))


if __name__ == "__main__":
    main()
