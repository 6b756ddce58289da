"""What all questions are made from."""

from __future__ import annotations

from typing import ClassVar

import attrs


@attrs.frozen
class Weights:
    """The weights of one evaluation of one run.

    Attributes:
        folder: the run's, in whose checkpoints they are looked for where `state` is empty.
        step, branch: after which batch they are.
        state: the state_dict as torch writes it.
    """

    folder: str
    step: int
    branch: int
    state: bytes = attrs.field(default=b"", repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Question:
    """What all questions share: a newer one of a topic takes the place of the one before, answered or not.

    Attributes:
        topic: what it is about.
        long: it is worked on in slices, and others come between.
    """

    topic: ClassVar[str]
    long: ClassVar[bool] = False
