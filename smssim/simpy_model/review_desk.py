"""Reviews: submissions, decisions and, if they are few, the reviewers.

Written by docs/model.md alone, from the scenario, the marks and the onboarding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smssim.calendars import to_us
from smssim.scenario import Delay, Scenario, Template
from smssim.simpy_model.inverse_tables import below, delay_table, work_calendar
from smssim.simpy_model.onboarding import Beginnings
from smssim.stats.keyed_random import KeyedRandom
from smssim.workdays import WorkCalendar, add_working, review_window

__all__ = ["Reviews", "Submission", "reviews"]


@dataclass
class Submission:
    """One template handed in once; decided at an instant, in the end."""

    template: Template
    place: int
    attempt: int
    at: int
    decided: int = 0
    approved: bool = False


@dataclass
class Reviews:
    """All submissions and decisions of a scenario's templates."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    usable_at: dict[str, int] = field(default_factory=dict)
    approved_at: list[int] = field(default_factory=list)

    def first_approval(self) -> int | None:
        """When the first template was approved; None if none is in the run."""
        return min(self.approved_at, default=None)


def reviews(scenario: Scenario, marks: KeyedRandom, beginnings: Beginnings) -> Reviews:
    """Review every template; one that is not to be handed in was approved long before the start."""
    result, first = Reviews(), []
    for place, template in enumerate(scenario.templates):
        if not beginnings.has(template.name):
            result.usable_at[template.name] = scenario.start_us
            result.approved_at.append(scenario.start_us)
            continue
        at = beginnings.handed_in(template.name)
        if at is not None and at < scenario.end_us:
            first.append(Submission(template, place, 1, at))
    desk = _Desk(scenario, marks)
    for submission in sorted(desk.decide(first), key=lambda s: (s.place, s.attempt)):
        _write(scenario, desk, submission, result)
    return result


def _write(scenario: Scenario, desk: _Desk, submission: Submission, result: Reviews) -> None:
    end, name = scenario.end_us, submission.template.name
    first = (name, submission.attempt, submission.at)
    if submission.approved:
        result.usable_at[name] = submission.decided + desk.delay(submission, "usable")
        result.approved_at.append(submission.decided)
    if submission.decided >= end:
        result.rows.append((*first, None, None, None))
    elif submission.approved:
        usable = result.usable_at[name]
        shown = usable if usable < end else None
        result.rows.append((*first, submission.decided, "approved", shown))
    else:
        result.rows.append((*first, submission.decided, "rejected", None))


class _Desk:
    """Who reviews, when, and how long."""

    def __init__(self, scenario: Scenario, marks: KeyedRandom) -> None:
        self.scenario, self.marks, self.rules = scenario, marks, scenario.review
        days = self.rules.extra_workdays, self.rules.extra_holidays
        self.calendar: WorkCalendar = work_calendar(*days)

    def decide(self, waiting: list[Submission]) -> list[Submission]:
        """Decide all submissions and those that follow from them."""
        free, decided = [0] * (self.rules.reviewers or 0), []
        waiting = list(waiting)
        while waiting:
            if not free:
                submission = waiting.pop()
                reviewed = self.without_reviewers(submission)
            else:
                now = self.opens(max(min(free), min(s.at for s in waiting)))
                here = [s for s in waiting if s.at <= now]
                submission = min(here, key=lambda s: (not self.is_urged(s, now), s.at, s.place))
                waiting.remove(submission)
                reviewed = add_working(now, self.delay(submission, "handling"), self.calendar)
                free.remove(min(free))
                free.append(reviewed)
            decided.append(submission)
            waiting += self.settle(submission, reviewed)
        return decided

    def settle(self, submission: Submission, reviewed: int) -> list[Submission]:
        """The decision; and the next submission of a rejected template, if it is in the run."""
        submission.decided = self.longer(submission, reviewed)
        submission.approved = not below(self.word(submission, "rejected"), self.rules.rejection)
        again = submission.decided + self.delay(submission, "mending")
        if submission.approved or again >= self.scenario.end_us:
            return []
        return [Submission(submission.template, submission.place, submission.attempt + 1, again)]

    def without_reviewers(self, submission: Submission) -> int:
        """When a submission is reviewed where reviewers are never the bottleneck."""
        when, window = review_window(submission.at, self.calendar)
        word = self.word(submission, "decision")
        if when == "next_workday":
            return window + delay_table(self.rules.next_workday).of(word)
        delay = delay_table(self.rules.decision).of(word)
        if self.rules.two_hours == "working":
            return add_working(window, delay, self.calendar)
        return window + delay

    def longer(self, submission: Submission, reviewed: int) -> int:
        """What the countries that a template goes to add."""
        word, name = self.word(submission, "longer"), submission.template.name
        goes_to = Beginnings(self.scenario, self.marks).sent_to(name) if self.rules.longer else ()
        extras = [delay_table(d).of(word) for c, d in self.rules.longer.items() if c in goes_to]
        return add_working(reviewed, max(extras, default=0), self.calendar)

    def opens(self, at: int) -> int:
        """The first instant of working time from an instant on."""
        return review_window(at, self.calendar)[1]

    def is_urged(self, submission: Submission, now: int) -> bool:
        """Whether a submission that waits has been urged by now."""
        urged = submission.template.urged
        return urged is not None and submission.at <= to_us(urged) <= now

    def word(self, submission: Submission, purpose: str) -> int:
        """The word of one of a submission's marks."""
        name = submission.template.name
        return self.marks.word(f"review/{name}", purpose, 0, submission.attempt)

    def delay(self, submission: Submission, purpose: str) -> int:
        """A delay of a submission."""
        delays = {"usable": self.rules.usable_after}
        delay: Delay = delays.get(purpose) or getattr(self.rules, purpose)
        return delay_table(delay).of(self.word(submission, purpose))
