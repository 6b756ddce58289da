import threading
from collections.abc import Callable

import attrs
import pytest

from mnist_tui.core.control import Control, Wishes
from mnist_tui.core.hyperparameters import Hyperparameters

START = Hyperparameters()
PATIENCE = 20.0  # how long a broken test hangs; no test that passes waits for it


def test_a_new_mailbox_wants_nothing() -> None:
    control = Control(START)
    assert not control.pending
    assert control.take() == Wishes(START, paused=False, single_steps=0, evaluate=False, save=False, stop=False)


def test_the_latest_hyperparameters_win() -> None:
    control = Control(START)
    for rate in (0.1, 0.2, 0.3):
        control.update(attrs.evolve(START, learning_rate=rate))
    assert control.pending
    assert control.take().hyperparameters.learning_rate == 0.3
    assert control.hyperparameters.learning_rate == 0.3
    assert not control.pending


@pytest.mark.parametrize("wish", ["evaluate", "save"])
def test_a_wish_is_taken_once(wish: str) -> None:
    control = Control(START)
    ask = {"evaluate": control.request_evaluation, "save": control.request_save}[wish]
    ask()
    ask()
    assert control.pending
    assert getattr(control.take(), wish)
    assert not control.pending
    assert not getattr(control.take(), wish)


def test_pausing_lasts_until_resumed() -> None:
    control = Control(START)
    control.pause()
    for _ in range(2):
        assert control.pending
        assert control.paused
        assert control.take().paused
    control.resume()
    assert control.pending
    assert not control.take().paused
    assert not control.pending


def test_single_steps_add_up_and_are_taken_once() -> None:
    control = Control(START)
    control.step_once()
    control.step_once()
    wishes = control.take()
    assert (wishes.paused, wishes.single_steps) == (True, 2)
    assert control.take().single_steps == 0
    assert control.paused


@pytest.mark.parametrize("after", ["pause", "resume"])
def test_pausing_or_resuming_forgets_steps_not_yet_taken(after: str) -> None:
    control = Control(START)
    control.step_once()
    getattr(control, after)()
    assert control.take().single_steps == 0


def test_stopping_is_for_good() -> None:
    control = Control(START)
    control.stop()
    assert control.stopping
    assert control.take().stop
    assert control.take().stop
    assert control.pending


POSTS: list[Callable[[Control], None]] = [
    Control.pause,
    Control.resume,
    Control.step_once,
    Control.request_evaluation,
    Control.request_save,
    Control.stop,
    lambda control: control.update(START),
]


@pytest.mark.parametrize("post", POSTS)
def test_every_wish_wakes_a_waiting_thread(post: Callable[[Control], None]) -> None:
    control = Control(START)
    control.pause()
    control.take()
    woken = threading.Event()

    def wait() -> None:
        control.wait(PATIENCE * 2)
        woken.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    post(control)
    assert woken.wait(PATIENCE)
    thread.join(PATIENCE)


def test_a_wish_from_before_the_wait_is_not_slept_through() -> None:
    control = Control(START)
    control.request_save()
    control.wait(PATIENCE)  # returns at once
    assert control.take().save


def test_a_wait_ends_by_itself_where_nothing_comes() -> None:
    control = Control(START)
    control.pause()
    control.take()
    control.wait(0)
    assert control.take().paused


def test_no_wish_of_many_threads_is_lost() -> None:
    control = Control(START)
    posted, taken = 4 * 250, 0

    def post() -> None:
        for _ in range(250):
            control.step_once()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += control.take().single_steps
    for thread in threads:
        thread.join()
    assert taken + control.take().single_steps == posted
