"""The thread that answers questions about digits; torch is imported in it, at the first question.

It shares the processor with a training of the same process: on two cores a batch of that takes up to twice as long
while a question is answered, and never waits for one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from mnist_tui.core.errors import UserError
from mnist_tui.core.first_import import first_import_of
from mnist_tui.inspecting import Answer, Question, Unanswered

if TYPE_CHECKING:
    from mnist_tui.engine.insight.answering import Answering

Job: TypeAlias = tuple[Question, Iterator[Answer | None]]
JOIN_SECONDS = 2.0


class Inspector:
    """Questions in, answers out; every call returns at once.

    Args:
        device: where to compute: `cpu`, `cuda:0`.
        threads: CPU threads, or None for those the process already computes with.
    """

    def __init__(self, device: str = "cpu", threads: int | None = None) -> None:
        self._device = device
        self._threads = threads
        self._changed = threading.Condition()
        self._wanted: dict[str, Question] = {}
        self._outbox: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._importing = False
        self._busy = False

    def ask(self, question: Question) -> None:
        """Have `question` answered, in place of an older one of its topic."""
        with self._changed:
            if self._closed:
                return
            self._wanted.pop(question.topic, None)
            self._wanted[question.topic] = question
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._main, name="inspector", daemon=True)
            self._thread.start()

    def drain(self) -> list[Answer]:
        """Every answer since the last call, in order."""
        answers: list[Answer] = []
        while True:
            try:
                answers.append(self._outbox.get_nowait())
            except queue.Empty:
                return answers

    @property
    def busy(self) -> bool:
        """Whether a question is still to be answered."""
        with self._changed:
            return self._busy or bool(self._wanted)

    def wait(self, timeout: float) -> bool:
        """Wait until every question is answered; false where one is not after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not self._wanted, timeout)

    def close(self, timeout: float = JOIN_SECONDS) -> bool:
        """End the thread; false where it has not ended after `timeout` seconds, or is inside the import of torch."""
        with self._changed:
            self._closed = True
            self._wanted.clear()
            self._changed.notify_all()
        if self._thread is None:
            return True
        if self._importing:
            return False
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # --- the thread

    def _main(self) -> None:
        self._importing = True
        try:
            with first_import_of("torch"):  # where another process trains, it is not there yet
                from mnist_tui.engine.insight.answering import Answering

            answering = Answering(self._device, self._threads)
        except Exception as error:  # nothing may vanish in a thread
            self._refuse_all(error)
            return
        finally:
            self._importing = False
        jobs: dict[str, Job] = {}
        while self._take(jobs, answering):
            topic = min(jobs, key=lambda topic: jobs[topic][0].long)
            question, job = jobs[topic]
            try:
                answer = next(job)
            except StopIteration:
                del jobs[topic]
            except Exception as error:  # as above
                del jobs[topic]
                self._outbox.put(Unanswered(question, _sentence(error)))
            else:
                if answer is not None:
                    self._outbox.put(answer)

    def _take(self, jobs: dict[str, Job], answering: Answering) -> bool:
        """Begin what is newly asked; wait where there is nothing to do. False where all is over."""
        with self._changed:
            if not jobs and not self._wanted:
                self._busy = False
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or bool(jobs) or bool(self._wanted))
            for topic, question in self._wanted.items():
                jobs.pop(topic, None)
                jobs[topic] = (question, answering.answer(question))
            self._wanted.clear()
            self._busy = bool(jobs)
            return not self._closed

    def _refuse_all(self, error: Exception) -> None:
        with self._changed:
            questions, self._wanted = list(self._wanted.values()), {}
            self._thread = None  # the next question tries again
            self._changed.notify_all()
        for question in questions:
            self._outbox.put(Unanswered(question, _sentence(error)))


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
