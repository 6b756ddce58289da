"""Two runs beside each other: the settings that differ, and the digits that one knows and the other does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from mnist_tui.core.catalogue import RunEntry
from mnist_tui.core.dataset import find
from mnist_tui.core.errors import UserError
from mnist_tui.core.events import Evaluated
from mnist_tui.core.hyperparameters import KNOBS
from mnist_tui.core.notes import printable
from mnist_tui.core.replay import Replay, in_force, read_logits

if TYPE_CHECKING:
    from mnist_tui.core.predictions import Predictions

_FACTS = ("dataset", "preset", "validation", "device", "device_name", "threads", "precision")
ABSENT = "-"


@attrs.frozen
class Difference:
    """A setting and its values in two runs, as words; `ABSENT` where a run has none."""

    setting: str
    a: str
    b: str


@attrs.frozen
class Change:
    """A digit that only one of two runs gets right, what each of them says, and how surely (0..1)."""

    index: int
    true: int
    a: int
    a_confidence: float
    b: int
    b_confidence: float


@attrs.frozen(kw_only=True)
class Verdicts:
    """The newest test evaluations of two runs, digit by digit.

    Attributes:
        both_right, both_wrong: how many digits.
        fixed: wrong in the first and right in the second, the first's worst mistakes first.
        broken: right in the first and wrong in the second, the second's worst mistakes first.
        wrong_in_both: indices of what is wrong in both, in order.
    """

    both_right: int
    both_wrong: int
    fixed: Sequence[Change]
    broken: Sequence[Change]
    wrong_in_both: Sequence[int] = ()


def settings_of(entry: RunEntry) -> dict[str, str]:
    """Every setting of a run in words, hyperparameters first and as they are at its end so far."""
    settings = {KNOBS[name].label: KNOBS[name].format(value) for name, value in entry.hyperparameters.items()}
    for name in _FACTS:
        value = entry.facts.get(name)
        if value is not None and value != "":
            settings[name.replace("_", " ")] = printable(str(value))
    versions = entry.facts.get("versions")
    if isinstance(versions, dict):
        settings |= {f"{printable(str(name))} version": printable(str(value)) for name, value in versions.items()}
    return settings


def differences_of(a: RunEntry, b: RunEntry) -> list[Difference]:
    """The settings in which two runs differ."""
    first, second = settings_of(a), settings_of(b)
    names = [*first, *(name for name in second if name not in first)]
    pairs = [Difference(name, first.get(name, ABSENT), second.get(name, ABSENT)) for name in names]
    return [pair for pair in pairs if pair.a != pair.b]


def live_changes(entry: RunEntry) -> list[str]:
    """The edits of a run in words, in order: `step 600: learning rate 0.001 > 0.0005`; what was undone says so."""
    changes = entry.facts.get("changes")
    words: list[str] = []
    for record in changes if isinstance(changes, list) else ():
        if not isinstance(record, dict):
            continue
        if record.get("event") == "Rewound":
            words.append(f"step {_number(record.get('from_step'))}: back to step {_number(record.get('to_step'))}")
        elif isinstance(record.get("changes"), dict):
            edits = [
                f"{KNOBS[name].label} {_shown(name, pair[0])} > {_shown(name, pair[1])}"
                for name, pair in record["changes"].items()
                if name in KNOBS and isinstance(pair, list) and len(pair) == 2
            ]
            words += [f"step {_number(record.get('step'))}: {', '.join(edits)}"] if edits else []
    return words


def _shown(name: str, value: Any) -> str:
    return KNOBS[name].format(value) if KNOBS[name].is_legal(value) else printable(str(value), 20)


def _number(value: object) -> str:
    return str(value)[:12] if isinstance(value, int) else "?"


def compare_digits(a: RunEntry, b: RunEntry) -> Verdicts:
    """Which digits the newest test evaluation of one run gets right and that of the other does not.

    Raises:
        UserError: there is nothing to compare; the sentence says why.
    """
    if a.dataset != b.dataset or not a.dataset:
        raise UserError(
            f"their digits are not the same: {a.name} was trained on {a.dataset or 'an unknown data set'}, "
            f"{b.name} on {b.dataset or 'an unknown data set'}"
        )
    labels = _labels(a)
    if a.facts.get("data_dir") != b.facts.get("data_dir") and _labels(b) != labels:
        raise UserError(f"their digits are not the same: the two {a.dataset} come from different folders")
    return _judge(_predictions(a, labels), _predictions(b, labels))


def _labels(entry: RunEntry) -> bytes:
    data_dir = entry.facts.get("data_dir")
    return find(entry.dataset, Path(data_dir) if isinstance(data_dir, str) else None).load_test().labels


def _predictions(entry: RunEntry, labels: bytes) -> Predictions:
    from mnist_tui.core.predictions import Predictions

    newest = newest_test(entry.folder)
    logits = read_logits(entry.folder, newest) if newest is not None else b""
    if newest is None or not logits:
        raise UserError(f"{entry.name} has no evaluation of the test set that could be compared")
    try:
        return Predictions.from_bytes(logits, labels, newest.step)
    except ValueError as error:
        raise UserError(f"the evaluation of {entry.name} does not fit {entry.dataset}: {error}") from None


def newest_test(folder: Path) -> Evaluated | None:
    """The newest evaluation of the test set that is in force, without its logits."""
    events = in_force(Replay(folder).read(arrays=False))
    tests = [event for event in events if isinstance(event, Evaluated) and event.split == "test"]
    return tests[-1] if tests else None


def _judge(a: Predictions, b: Predictions) -> Verdicts:
    a_wrong, b_wrong = a.wrong.tolist(), b.wrong.tolist()
    a_confidence, b_confidence = a.confidence.tolist(), b.confidence.tolist()
    a_predicted, b_predicted, labels = a.predicted.tolist(), b.predicted.tolist(), a.labels.tolist()

    def ranked(indices: list[int], losses: list[float]) -> list[Change]:
        ordered = sorted(indices, key=lambda index: -losses[index])
        return [Change(i, labels[i], a_predicted[i], a_confidence[i], b_predicted[i], b_confidence[i]) for i in ordered]

    digits = range(len(labels))
    both = [i for i in digits if a_wrong[i] and b_wrong[i]]
    return Verdicts(
        both_right=sum(not a_wrong[i] and not b_wrong[i] for i in digits),
        both_wrong=len(both),
        fixed=ranked([i for i in digits if a_wrong[i] and not b_wrong[i]], a.losses.tolist()),
        broken=ranked([i for i in digits if b_wrong[i] and not a_wrong[i]], b.losses.tolist()),
        wrong_in_both=both,
    )


def comparison_as_json(a: RunEntry, b: RunEntry, verdicts: Verdicts | None, why_not: str) -> dict[str, Any]:
    """All of it as plain values: what `compare --json` prints."""
    return {
        "a": a.as_json(),
        "b": b.as_json(),
        "settings": {pair.setting: [pair.a, pair.b] for pair in differences_of(a, b)},
        "changes": {"a": live_changes(a), "b": live_changes(b)},
        "digits": attrs.asdict(verdicts) if verdicts is not None else None,
        "why_not": why_not,
    }
