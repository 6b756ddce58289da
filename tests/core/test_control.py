import threading
from collections.abc import Callable

import attrs
import pytest

from mnist_tui.core.control import Control, Wishes
from mnist_tui.core.events import Commanded
from mnist_tui.core.hyperparameters import Hyperparameters

START = Hyperparameters()
PATIENCE = 20.0  # how long a broken test hangs; no test that passes waits for it


def test_a_new_mailbox_wants_nothing() -> None:
    control = Control()
    assert not control.pending
    assert control.take() == Wishes()


def test_the_latest_value_of_a_field_wins_and_edits_of_others_stay() -> None:
    control = Control()
    for rate in (0.1, 0.2, 0.3):
        control.edit({"learning_rate": rate})
    control.edit({"dropout": 0.5})
    assert control.pending
    assert control.take().commands == ({"learning_rate": 0.3}, {"dropout": 0.5})
    assert not control.pending
    assert control.take().commands == ()


def test_an_edit_after_an_undo_is_not_taken_back_by_it() -> None:
    control = Control()
    control.edit({"dropout": 0.5})
    control.undo()
    control.edit({"dropout": 0.1})
    control.undo()
    control.recover()
    control.recover()
    assert control.take().commands == ({"dropout": 0.5}, "undo", {"dropout": 0.1}, "undo", "recover")


def test_a_finder_goes_on_until_it_is_cancelled_or_asked_for_anew() -> None:
    control = Control()
    control.request_rate()
    first = control.take().find_rate
    assert control.wants_rate(first)
    control.cancel_rate()
    assert not control.wants_rate(first)
    assert not control.take().find_rate
    control.request_rate()
    second = control.take().find_rate
    assert second
    assert not control.wants_rate(first)
    assert control.wants_rate(second)
    control.stop()
    assert not control.wants_rate(second)


def test_the_newest_preview_is_wanted_once() -> None:
    control = Control()
    for shift in (1.0, 2.0):
        control.request_preview(attrs.evolve(START, shift=shift))
    assert control.take().preview == attrs.evolve(START, shift=2.0)
    assert control.take().preview is None


def test_stopping_after_the_epoch_can_be_called_off() -> None:
    control = Control()
    control.stop_after_epoch(True)
    assert control.take().stop_after_epoch
    assert control.take().stop_after_epoch
    control.stop_after_epoch(False)
    assert not control.take().stop_after_epoch


@pytest.mark.parametrize("wish", ["evaluate", "save"])
def test_a_wish_is_taken_once(wish: str) -> None:
    control = Control()
    ask = {"evaluate": control.request_evaluation, "save": control.request_save}[wish]
    ask()
    ask()
    assert control.pending
    assert getattr(control.take(), wish)
    assert not control.pending
    assert not getattr(control.take(), wish)


def test_pausing_lasts_until_resumed() -> None:
    control = Control()
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
    control = Control()
    control.step_once()
    control.step_once()
    wishes = control.take()
    assert (wishes.paused, wishes.single_steps) == (True, 2)
    assert control.take().single_steps == 0
    assert control.paused


@pytest.mark.parametrize("after", ["pause", "resume"])
def test_pausing_or_resuming_forgets_steps_not_yet_taken(after: str) -> None:
    control = Control()
    control.step_once()
    getattr(control, after)()
    assert control.take().single_steps == 0


def test_stopping_is_for_good() -> None:
    control = Control()
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
    Control.undo,
    Control.recover,
    Control.request_rate,
    Control.cancel_rate,
    lambda control: control.edit({"dropout": 0.5}),
    lambda control: control.request_preview(START),
    lambda control: control.request_timing(),
    lambda control: control.stop_after_epoch(True),
]


@pytest.mark.parametrize("post", POSTS)
def test_every_wish_wakes_a_waiting_thread(post: Callable[[Control], None]) -> None:
    control = Control()
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
    control = Control()
    control.request_save()
    control.wait(PATIENCE)  # returns at once
    assert control.take().save


def test_a_wait_ends_by_itself_where_nothing_comes() -> None:
    control = Control()
    control.pause()
    control.take()
    control.wait(0)
    assert control.take().paused


def test_no_wish_of_many_threads_is_lost() -> None:
    control = Control()
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


def test_what_is_acknowledged_is_heard_once_and_in_order() -> None:
    control = Control()
    control.acknowledge(Commanded(1, "pause"))
    control.acknowledge(Commanded(2, "undo"))
    assert control.pending
    assert control.take().heard == (Commanded(1, "pause"), Commanded(2, "undo"))
    assert control.take().heard == ()


def test_a_run_that_is_broken_off_is_told_so_for_good() -> None:
    control = Control()
    control.break_off(RuntimeError("gone"))
    assert control.pending
    control.wait()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="gone"):
            control.take()
    assert not control.stopping  # a stop would save
