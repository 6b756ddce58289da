"""`train` in a process that torchrun started beside rank 0: it lends its cores or its GPU, and is not heard or seen."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from mnist_tui.core.errors import UserError
from mnist_tui.core.first_import import first_import_of
from mnist_tui.core.large import open_large
from mnist_tui.core.launch import Launch, is_follower
from mnist_tui.core.settings import RunSettings
from mnist_tui.leaving import DEBUG_VARIABLE, SIGNALS, forget_terminal
from mnist_tui.loading import choose_device, load_data

if TYPE_CHECKING:
    from mnist_tui.engine.batches import Batches


GIVE_WAY_SECONDS = 15.0


def give_way() -> None:
    """In a process that is led and cannot begin: let rank 0 speak, which most often has the same to say.

    torchrun ends all as soon as one has ended. Whoever is still there afterwards has a trouble of its own to tell.
    """
    if is_follower():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        time.sleep(GIVE_WAY_SECONDS)


def follow(settings: RunSettings, launch: Launch) -> int:
    """Train what rank 0 says until the run is over; returns the exit code.

    A signal that comes before all ranks are there ends this one. After that it is rank 0's to heed: it saves, and ends
    the others; they also end when it is gone.

    Args:
        settings: device and threads; what is trained on, rank 0 says.
        launch: which rank this is.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    with first_import_of("torch"):
        from mnist_tui.engine.follower import follow
        from mnist_tui.engine.team import RankLost, Team

    device, _ = choose_device(settings, launch)
    team = Team.join(launch, device.torch)
    if not os.environ.get(DEBUG_VARIABLE):
        forget_terminal()
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)

    def load(begin: Mapping[str, Any]) -> Batches:
        from mnist_tui.engine.streaming import put_on

        where = Path(begin["data_dir"]) if begin["data_dir"] else None
        wanted = attrs.evolve(settings, dataset=begin["dataset"], data_dir=where)
        source, _ = load_data(wanted, lambda _: None, lambda: False)
        return put_on(open_large(source) or source.load_train(), device.torch, 0, begin["train_size"])

    try:
        follow(team, device.torch, load)
    except RankLost:
        team.leave()
        return 1
    except Exception as error:
        known = isinstance(error, UserError)
        reason = str(error) if known else " ".join(f"{type(error).__name__}: {error}".split())[:300]
        team.leave(f"rank {launch.rank} could not go on: {reason}")
        raise
    return 0
