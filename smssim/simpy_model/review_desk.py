"""The review of templates: submissions, reviewers, decisions.

It has a clock of its own, as reviews may begin before the run and depend on no message. A desk of
one's own is a subclass with its own `handling_us`, given to the model as its `review_desk`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import simpy

from smssim.calendars import to_us
from smssim.scenario import Delay, Scenario, Template
from smssim.simpy_model.environment import LAST, Environment, Moment, Process
from smssim.simpy_model.inverse_tables import below, delay_table, work_calendar
from smssim.simpy_model.onboarding import Beginnings
from smssim.stats.keyed_random import KeyedRandom
from smssim.workdays import WorkCalendar, add_working, review_window

__all__ = ["ReviewDesk", "Reviews", "Submission", "reviews"]


@dataclass
class Submission:
    """One template handed in once; decided at an instant, in the end."""

    template: Template
    template_number: int
    attempt: int
    at: int
    decided: int = 0
    approved: bool = False
    reviewed: simpy.Event | None = None


@dataclass
class Reviews:
    """All submissions and decisions of a scenario's templates."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    usable_at: dict[str, int] = field(default_factory=dict)
    approved_at: list[int] = field(default_factory=list)

    def first_approval(self) -> int | None:
        """When the first template was approved; None if none is in the run."""
        return min(self.approved_at, default=None)


def reviews(scenario: Scenario, beginnings: Beginnings, desk: ReviewDesk) -> Reviews:
    """Review every template; one that is not to be handed in was approved long before the start."""
    result, first = Reviews(), []
    for number, template in enumerate(scenario.templates):
        if not beginnings.has(template.name):
            result.usable_at[template.name] = scenario.start_us
            result.approved_at.append(scenario.start_us)
            continue
        at = beginnings.handed_in(template.name)
        if at is not None and at < scenario.end_us:
            first.append(Submission(template, number, 1, at))
    for submission in sorted(desk.decide(first), key=lambda s: (s.template_number, s.attempt)):
        _write(scenario, desk, submission, result)
    return result


def _write(scenario: Scenario, desk: ReviewDesk, submission: Submission, result: Reviews) -> None:
    end, name = scenario.end_us, submission.template.name
    first = (name, submission.attempt, submission.at)
    if submission.approved:
        result.usable_at[name] = submission.decided + desk.delay_us(submission, "usable")
        result.approved_at.append(submission.decided)
    if submission.decided >= end:
        result.rows.append((*first, None, None, None))
    elif submission.approved:
        usable = result.usable_at[name]
        shown = usable if usable < end else None
        result.rows.append((*first, submission.decided, "approved", shown))
    else:
        result.rows.append((*first, submission.decided, "rejected", None))


class ReviewDesk:
    """Who reviews, when, and how long.

    Reviewers are no Resource: that would be given to whoever asks at night, but it is at 09:00 that
    a reviewer looks at what lies there, and begins with what was urged by then.
    """

    def __init__(
        self, scenario: Scenario, marks: KeyedRandom, countries_of: Callable[[str], set[str]]
    ) -> None:
        self.scenario, self.marks, self.rules = scenario, marks, scenario.review
        self.countries_of = countries_of
        """The countries that a template goes to."""
        days = self.rules.extra_workdays, self.rules.extra_holidays
        self.calendar: WorkCalendar = work_calendar(*days)
        self.waiting: list[Submission] = []
        self.decided: list[Submission] = []

    def decide(self, first: list[Submission]) -> list[Submission]:
        """Decide all submissions and those that follow from them."""
        self.env = Environment(initial_time=min((s.at for s in first), default=0))
        self.handed_in = self.env.event()
        for submission in first:
            self.env.process(self.template(submission))
        for _ in range(self.rules.reviewers or 0):
            self.env.process(self.reviewer())
        self.env.run()
        return self.decided

    def template(self, submission: Submission) -> Process:
        """One template, handed in again and again until it is approved or the run is over."""
        while submission.at < self.scenario.end_us:
            yield Moment(self.env, submission.at, 0)
            if self.rules.reviewers is None:
                yield Moment(self.env, self.without_reviewers(submission), 0)
            else:
                yield self.hand_in(submission)
            submission.decided = self.longer(submission, self.env.now)
            rejected = below(self.word(submission, "rejected"), self.rules.rejection)
            submission.approved = not rejected
            self.decided.append(submission)
            if submission.approved:
                return
            again = submission.decided + self.delay_us(submission, "mending")
            number, attempt = submission.template_number, submission.attempt + 1
            submission = Submission(submission.template, number, attempt, again)

    def hand_in(self, submission: Submission) -> simpy.Event:
        """Let a submission wait, and wake reviewers; give the event of its having been reviewed."""
        submission.reviewed = self.env.event()
        self.waiting.append(submission)
        handed_in, self.handed_in = self.handed_in, self.env.event()
        handed_in.succeed()
        return submission.reviewed

    def reviewer(self) -> Process:
        """One reviewer, who takes one submission after another, in working time."""
        while True:
            while not self.waiting:
                yield self.handed_in
            yield Moment(self.env, self.opens(self.env.now), LAST)
            if not self.waiting:
                continue
            submission = min(self.waiting, key=self.order)
            self.waiting.remove(submission)
            handling_us = self.handling_us(submission)
            yield Moment(self.env, add_working(self.env.now, handling_us, self.calendar), 0)
            assert submission.reviewed is not None
            submission.reviewed.succeed()

    def order(self, submission: Submission) -> tuple[bool, int, int]:
        """Who comes first, the least: what was urged by now, then what came first, by the file."""
        urged = submission.template.urged
        is_urged = urged is not None and submission.at <= to_us(urged) <= self.env.now
        return not is_urged, submission.at, submission.template_number

    def handling_us(self, submission: Submission) -> int:
        """How much working time of one reviewer a review takes."""
        return self.delay_us(submission, "handling")

    def without_reviewers(self, submission: Submission) -> int:
        """When a submission is reviewed where reviewers are never the bottleneck."""
        when, window = review_window(submission.at, self.calendar)
        word = self.word(submission, "decision")
        if when == "next_workday":
            return window + delay_table(self.rules.next_workday).of(word)
        delay_us = delay_table(self.rules.decision).of(word)
        if self.rules.two_hours == "working":
            return add_working(window, delay_us, self.calendar)
        return window + delay_us

    def longer(self, submission: Submission, reviewed: int) -> int:
        """What the countries that a template goes to add."""
        word = self.word(submission, "longer")
        goes_to = self.countries_of(submission.template.name) if self.rules.longer else ()
        extras = [delay_table(d).of(word) for c, d in self.rules.longer.items() if c in goes_to]
        return add_working(reviewed, max(extras, default=0), self.calendar)

    def opens(self, at: int) -> int:
        """The first instant of working time from an instant on."""
        return review_window(at, self.calendar)[1]

    def word(self, submission: Submission, purpose: str) -> int:
        """The random word of one of a submission's marks."""
        name = submission.template.name
        return self.marks.word(f"review/{name}", purpose, 0, submission.attempt)

    def delay_us(self, submission: Submission, purpose: str) -> int:
        """A delay of a submission."""
        delays = {"usable": self.rules.usable_after}
        delay: Delay = delays.get(purpose) or getattr(self.rules, purpose)
        return delay_table(delay).of(self.word(submission, purpose))
