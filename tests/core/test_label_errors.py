import numpy as np
import pytest

from mnist_tui.core.predictions import Predictions, select
from mnist_tui.core.predictions.label_errors import confident_joint, ranking, suggested, suspects, thresholds
from mnist_tui.core.query import ALL


def noisy_table(seed: int, noise: float = 0.02, size: int = 6000) -> tuple[Predictions, np.ndarray]:
    """Softmax probabilities of a good network on digits a share of whose labels is wrong, and the true classes."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 10, size)
    logits = generator.normal(size=(size, 10))
    skill = generator.gamma(6.0, 1.2, size)
    logits[np.arange(size), truth] += skill
    logits[np.arange(size), (truth * 7 + 3) % 10] += generator.gamma(1.0, 1.5, size)
    labels = np.where(generator.random(size) < noise, (truth + generator.integers(1, 10, size)) % 10, truth)
    return Predictions(logits.astype(np.float32), labels, 1), truth


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_cleanlab(seed: int) -> None:
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    table, _ = noisy_table(seed)
    probabilities = table.probabilities.astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    theirs = find_label_issues(
        table.labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
    ).tolist()
    ours = ranking(table).tolist()
    assert len(ours) > 80
    assert len(set(ours[:50]) & set(theirs[:50])) >= 45
    assert len(set(ours) & set(theirs)) >= 0.95 * len(theirs)
    np.testing.assert_allclose(table.label_quality, get_label_quality_scores(table.labels, probabilities), atol=1e-6)


def test_injected_errors_are_found_with_the_class_they_came_from() -> None:
    table, truth = noisy_table(9)
    injected = truth != table.labels
    top = ranking(table)[:60]
    assert injected[top].mean() > 0.95
    assert (suggested(table)[top] == truth[top]).mean() > 0.9
    assert suspects(table).sum() == len(ranking(table))
    assert not (suggested(table)[suspects(table)] == table.labels[suspects(table)]).any()


def test_the_likeliest_error_comes_first_and_the_query_finds_the_same() -> None:
    table, _ = noisy_table(3)
    quality = table.label_quality[ranking(table)]
    assert (np.diff(quality) >= 0).all()
    assert select(table, ALL.choose("is", "suspect"), "quality") == ranking(table).tolist()


def test_thresholds_are_mean_self_confidence_and_rows_of_the_joint_the_labels() -> None:
    table, _ = noisy_table(1)
    own = table.labels == 3
    assert thresholds(table)[3] == pytest.approx(float(table.probabilities[own, 3].mean(dtype=np.float64)))
    np.testing.assert_allclose(confident_joint(table).sum(axis=1), np.bincount(table.labels, minlength=10))


def test_a_network_cannot_doubt_the_labels_it_was_trained_on() -> None:
    table, _ = noisy_table(2)
    learnt = Predictions(table.logits, table.labels, 1, in_sample=True)
    assert suspects(table).any()
    assert not suspects(learnt).any()
    assert ranking(learnt).tolist() == []


def test_nothing_is_suspected_where_there_is_nothing_to_go_by() -> None:
    right = np.full((40, 10), -5, dtype=np.float32)
    right[np.arange(40), np.arange(40) % 4] = 5  # six classes have no digit
    assert not suspects(Predictions(right, np.arange(40) % 4, 1)).any()
    assert not suspects(Predictions(np.full((40, 10), np.nan, dtype=np.float32), np.arange(40) % 10, 1)).any()
    half = right.copy()
    half[::2] = np.nan
    assert not suspects(Predictions(half, np.arange(40) % 4, 1)).any()
    assert ranking(Predictions(right[:3], np.array([5, 6, 7]), 1)).tolist() == []
