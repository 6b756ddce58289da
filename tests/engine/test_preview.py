"""What hyperparameters make of digits, shown before anything is trained with it."""

import attrs
import torch

from mnist_tui.engine.preview import PREVIEWED, preview
from tests.engine.small import SMALL, splits


def test_the_digits_that_come_next_are_shown_as_stored_and_as_they_would_be_fed() -> None:
    train = splits().train
    coming = torch.arange(40)
    shown = preview(train, attrs.evolve(SMALL, rotate=20.0), coming)
    assert shown.originals == bytes(train.images[:PREVIEWED].flatten().tolist())
    assert len(shown.augmented) == len(shown.originals)
    assert shown.augmented != shown.originals
    assert preview(train, SMALL, coming).augmented == shown.originals


def test_where_an_epoch_is_almost_over_there_are_as_many() -> None:
    train = splits().train
    first = preview(train, SMALL)
    assert len(first.originals) == PREVIEWED * 784
    assert preview(train, SMALL, torch.arange(PREVIEWED - 1)) == first
