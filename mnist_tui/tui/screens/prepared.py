"""What the screens share that have a picture prepared and predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from mnist_tui.core.errors import UserError
from mnist_tui.inspecting import JudgeAgain, OpenPicture, Prepare, Prepared, Unanswered
from mnist_tui.tui.drawings import put_drawings
from mnist_tui.tui.subject import Subject

if TYPE_CHECKING:
    from textual.timer import Timer

    from mnist_tui.inspecting import Answer
    from mnist_tui.tui.session import Session
    from mnist_tui.tui.widgets.action_line import ActionLine

POLL_HZ = 60.0


class PreparedScreen(Screen[None]):
    """Asks about one picture at a time, looks at the answers sixty times a second until the newest is there.

    Attributes:
        session: the run's state, and who answers.
        actions: where it asks.
        asked: the newest question.
        seen: the newest answer that shows a picture.
    """

    session: Session
    actions: ActionLine
    asked: Prepare | OpenPicture | JudgeAgain | None = None
    seen: Prepared | None = None
    _poll: Timer | None = None
    _taken: Answer | None = None

    @property
    def waiting(self) -> bool:
        """Whether the newest question is still to be answered."""
        return self.asked is not None and (self._taken is None or self._taken.question is not self.asked)

    def want(self, question: Prepare | OpenPicture | JudgeAgain) -> None:
        """Have it answered, in place of the one before."""
        self.asked = question
        self.session.ask(question)
        if self._poll is None:
            self._poll = self.set_interval(1 / POLL_HZ, self.poll)

    def poll(self) -> None:
        """Look for an answer; until the newest, those to older questions are shown."""
        for answer in self.session.collect():
            if isinstance(answer, Unanswered):
                self.say(answer.message, severity="warning")
        self.look()
        if not self.waiting and self._poll is not None:
            self._poll.stop()
            self._poll = None

    def look(self) -> None:
        """Take in what was answered, whoever collected it."""
        answer = self.session.answers.get(self.asked.topic) if self.asked is not None else None
        if answer is None or answer is self._taken:
            return
        if not isinstance(answer.question, (Prepare, OpenPicture, JudgeAgain)):
            return
        self._taken = answer
        self.take(answer)

    def take(self, answer: Answer) -> None:
        """Show an answer."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def hint(self) -> str:
        """What to do before there are weights that could predict."""
        progress = self.session.progress
        if self.session.watching:
            return "Nothing is predicted yet: the run watched has no evaluation."
        if progress.active:
            return "Nothing is predicted yet: e evaluates the network as it is now."
        return "Nothing is predicted yet: space trains, e evaluates."

    def say(self, text: str, title: str = "", *, severity: str = "information") -> None:
        """Show a sentence for a few seconds; it is never parsed as markup."""
        self.notify(text, title=title, severity=severity, markup=False)  # type: ignore[arg-type]

    # --- what can be done with the picture

    def title_of_picture(self) -> str:
        """What the picture is called on other screens."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover

    def ready(self) -> Prepared | None:
        """The picture that was prepared last; None, after saying why, where there is none."""
        if self.waiting:
            self.say("The network is still looking at it.")
        elif self.seen is None or not any(self.seen.pixels):
            self.say("There is no picture yet.")
        else:
            return self.seen
        return None

    def action_look_closer(self) -> None:
        """The one-digit view of what the network sees."""
        seen = self.ready()
        if seen is not None:
            from mnist_tui.tui.screens.digit import DigitScreen

            self.app.push_screen(DigitScreen(self.session, Subject(seen.pixels, self.title_of_picture())))

    def action_keep(self) -> None:
        """Ask which digit it is, and keep it as that."""
        seen = self.ready()
        if seen is not None:
            names = self.session.browser.classes
            which = "" if tuple(names) == tuple("0123456789") else "".join(f" {i} {n}" for i, n in enumerate(names))
            kind = f"class:{which};" if which else "digit is it?"
            question = f"which {kind} 0 to 9 keeps it, any other key does not"
            self.actions.ask(question, tuple("0123456789"), lambda key: self._keep(seen.pixels, int(key)))

    def _keep(self, pixels: bytes, label: int) -> str:
        from mnist_tui.core.drawings import drawings_dir, keep_drawing

        try:
            digits = keep_drawing(pixels, label)
        except UserError as error:
            self.say(str(error), "not kept", severity="error")
            return ""
        put_drawings(self.session.browser, digits)
        self.show(charts=False, figures=False)
        self.say(f"It is number {len(digits)} in {drawings_dir()}.", f"kept as {self.session.browser.classes[label]}")
        return ""

    def action_drop(self) -> None:
        """Ask, then take the last kept one away."""
        digits = self.session.browser.splits.get("drawings")
        if digits is None or not len(digits):
            self.say("No drawing is kept: k keeps this one.")
            return
        name = self.session.browser.classes[digits.labels[-1]]
        question = f"take the last kept one, a {name}, away for good? D does, any other key keeps it"
        self.actions.ask(question, ("D",), self._drop)

    def _drop(self, key: str) -> str:
        from mnist_tui.core.drawings import drop_last_drawing

        try:
            digits = drop_last_drawing()
        except UserError as error:
            self.say(str(error), severity="error")
            return ""
        put_drawings(self.session.browser, digits)
        self.show(charts=False, figures=False)
        self.say(f"{len(digits)} of your digits are left.")
        return ""

    def show(self, *, charts: bool, figures: bool) -> None:
        """Bring every panel up to date."""
        raise NotImplementedError(type(self).__name__)  # pragma: no cover
