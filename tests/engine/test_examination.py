"""What `doctor` measures, on the CPU."""

import pytest

from mnist_tui.core.events import BatchesTrained
from mnist_tui.core.hyperparameters import Hyperparameters
from mnist_tui.engine import examination
from mnist_tui.engine.trainer import Trainer
from tests.engine.small import CPU, splits


def test_the_rate_of_batches_that_run_ahead_is_that_of_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[BatchesTrained] = []
    real = Trainer.run

    def run(self: Trainer, *words: object) -> object:
        assert self.hyperparameters == Hyperparameters(epochs=10_000)
        for event in real(self, *words):  # type: ignore[arg-type]
            if isinstance(event, BatchesTrained):
                told.append(event)
            yield event

    monkeypatch.setattr(Trainer, "run", run)
    monkeypatch.setattr(examination, "TRIAL_SECONDS", 0.4)
    rate = examination._rate_ahead(splits(640).train, CPU, "fp32")
    rates = [event.batch_size * len(event.losses) / event.seconds for event in told]
    assert min(rates) <= rate <= max(rates)
    assert len(told) > 1
