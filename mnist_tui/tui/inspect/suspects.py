"""Digits whose label is likely an error, and what it should be instead."""

from __future__ import annotations

from mnist_tui.core.dataset import Split
from mnist_tui.core.query import Condition
from mnist_tui.inspecting import CrossJudge, CrossJudged, Unanswered, Working
from mnist_tui.render.words import grouped
from mnist_tui.tui.inspect.base import InspectPart


class Suspecting(InspectPart):
    """Labels in doubt; training digits are doubted only by networks that were not trained on them."""

    _kept: Condition | None = None  # what `is` was before
    _asked: tuple[Split, int] | None = None

    @property
    def suspecting(self) -> bool:
        """Whether likely label errors are looked for."""
        condition = self.session.browser.query.get("is")
        return condition is not None and "suspect" in condition.choices

    def action_toggle_suspects(self) -> None:
        """Only digits whose label is likely wrong, the likeliest first; or as before."""
        browser = self.session.browser
        if self.suspecting:
            self._stop_suspecting()
        elif browser.split == "drawings":
            self.say("Labels are doubted among test and training digits: drawings are too few.")
            return
        elif self.session.weights is None or (browser.predictions is None and browser.split == "test"):
            self.say("No prediction yet: it comes after the first epoch, or on e while training.")
            return
        else:
            self._kept = browser.query.get("is")
            browser.doubt()
            if browser.split == "training":
                self._judge_crosswise()
            else:
                self._tell()
        self.show_digits()

    def _stop_suspecting(self) -> None:
        query = self.session.browser.query.without("is")
        self.session.browser.ask(query.put(self._kept) if self._kept is not None else query)

    def _judge_crosswise(self) -> None:
        """Show what networks make of the training digits that have not seen them; ask for it where it is not known."""
        browser, weights = self.session.browser, self.session.weights
        browser.show_out_of_sample(True)
        if browser.judged_crosswise:
            self._tell()
            return
        digits = browser.splits["training"]
        if weights is None or self._asks(digits):
            return
        self.session.ask(CrossJudge(weights=weights, digits=digits))
        self._asked = (digits, browser.runs)
        self.say(
            "The network was trained on these digits and cannot doubt their labels: three others are trained now, "
            "each without a third of them."
        )

    def _asks(self, digits: Split) -> bool:
        """Whether these digits are to be judged already; what could not be judged is not asked again."""
        return self._asked is not None and self._asked[0] is digits and self._asked[1] == self.session.browser.runs

    def take_in_suspects(self) -> None:
        """Follow the networks at work, and leave their predictions when nobody asks for them any more."""
        browser = self.session.browser
        if browser.out_of_sample and (not self.suspecting or browser.split != "training"):
            browser.show_out_of_sample(False)
            self.show_digits()
            return
        if not self.suspecting or browser.split != "training":
            return
        if not browser.out_of_sample or not (browser.judged_crosswise or self._asks(browser.splits["training"])):
            self._judge_crosswise()
        match self.session.answers.get(CrossJudge.topic):
            case Working() as working:
                self.confusion.border_subtitle = f" judged out of sample: {100 * working.done:.0f} % "
            case CrossJudged() if browser.judged_crosswise:
                del self.session.answers[CrossJudge.topic]
                self.confusion.border_subtitle = ""
                self._tell()
                self.show_digits()
            case Unanswered():
                self.confusion.border_subtitle = ""
            case _:
                pass

    def _tell(self) -> None:
        from mnist_tui.core.predictions.label_errors import suspects

        browser = self.session.browser
        if browser.predictions is None:
            return
        count = int(suspects(browser.predictions).sum())
        by = "by networks that have not seen them" if browser.out_of_sample else "by confident learning"
        self.say(f"{grouped(count)} labels of {grouped(len(browser.predictions))} are likely wrong, {by}.", "labels")
