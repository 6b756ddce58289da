"""What `evaluate` prints, from made-up evaluations."""

import numpy as np

from mnist_tui.core.predictions import Predictions
from mnist_tui.judge import Judgement
from mnist_tui.reports import _as_json, _as_text


def test_five_labels_that_are_likely_wrong_are_named() -> None:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 10, 3000)
    logits = generator.normal(size=(3000, 10)).astype(np.float32)
    logits[np.arange(3000), truth] += 7
    given = truth.copy()
    given[:8] = (truth[:8] + 1) % 10
    labels = given.astype(np.uint8).tobytes()
    judgement = Judgement("m.pth", "mnist", logits.tobytes(), labels, bytes(784 * 3000), 0.1, 0.99, 0.1)
    table = Predictions.from_bytes(judgement.logits, labels, 0)
    errors = _as_json(judgement, table, [])["label_errors"]
    assert len(errors) > 5
    assert all(error["suggested"] == truth[error["index"]] for error in errors if error["index"] < 8)
    assert sum(error["index"] < 8 for error in errors) == len(errors)
    first = errors[0]
    line = _as_text(judgement, table, [])[-1]
    assert line.startswith(
        f"labels that are likely wrong: {first['index']} ({first['label']}, rather {first['suggested']}), "
    )
    assert line.endswith(f"and {len(errors) - 5} more with --json")
