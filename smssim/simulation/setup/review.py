"""Template review on the Chinese working calendar (DOMAIN.md section 4)."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from smssim.calendars import to_us
from smssim.scenario import Review, Scenario, destinations
from smssim.simulation.setup.onboarding import APPLICATION, COUNTRY, TEMPLATE, GettingStarted, Step
from smssim.stats.inverse_cdf import Quantiles
from smssim.stats.keyed_random import KeyedRandom
from smssim.workdays import WorkCalendar, add_working, review_window

__all__ = [
    "Decision",
    "ReviewDesk",
    "SetupTimeline",
    "review_with_limited_staff",
    "setup_timeline",
    "work_calendar",
]


@dataclass(frozen=True)
class Decision:
    """One submission of a template and its end; instants in microseconds, whether or not they are
    within the run.
    """

    template: str
    attempt: int
    submitted_us: int
    decided_us: int
    approved: bool
    usable_us: int


def work_calendar(rules: Review) -> WorkCalendar:
    """The working calendar with the days that the scenario adds."""
    return WorkCalendar(
        extra_workdays=[day.date() for day in rules.extra_workdays],
        extra_holidays=[day.date() for day in rules.extra_holidays],
    )


class ReviewDesk:
    """Decides submissions: within two hours in working time, else on the next workday.

    A decision depends on the submission and its marks alone, so the whole course of a template is
    known beforehand. *goes_to* are the countries of templates, of which some take longer.
    """

    def __init__(
        self,
        rules: Review,
        random: KeyedRandom,
        calendar: WorkCalendar,
        goes_to: Mapping[str, Iterable[str]],
    ) -> None:
        self.rules = rules
        self.calendar = calendar
        self._random = random
        self._goes_to = goes_to
        self._delays: dict[str, Quantiles] = {
            "decision": rules.decision.table(),
            "next_workday": rules.next_workday.table(),
            "mending": rules.mending.table(),
            "usable": rules.usable_after.table(),
            "handling": rules.handling.table(),
        }

    def decide(self, template: str, attempt: int, submitted_us: int) -> Decision:
        """The end of one submission, independent of all others."""
        window, opens_us = review_window(submitted_us, self.calendar)
        delay = self.delay("decision" if window == "today" else "next_workday", template, attempt)
        if window == "today" and self.rules.two_hours == "working":
            reviewed_us = add_working(opens_us, delay, self.calendar)
        else:
            reviewed_us = opens_us + delay
        return self.reviewed(template, attempt, submitted_us, reviewed_us)

    def reviewed(
        self, template: str, attempt: int, submitted_us: int, reviewed_us: int
    ) -> Decision:
        """The end of a submission that the desk is through with, before what longer countries
        add.
        """
        decided_us = self._longer(template, attempt, reviewed_us)
        approved = self._word("rejected", template, attempt) >= int(
            self.rules.rejection * (1 << 64)
        )
        usable_us = decided_us + self.delay("usable", template, attempt)
        return Decision(template, attempt, submitted_us, decided_us, approved, usable_us)

    def handed_in_again_us(self, rejected: Decision) -> int:
        """When a rejected template is mended."""
        return rejected.decided_us + self.delay("mending", rejected.template, rejected.attempt)

    def course(self, template: str, submitted_us: int, until_us: int) -> list[Decision]:
        """All submissions of a template before *until_us*; a rejected one is mended and handed in
        again.
        """
        decisions: list[Decision] = []
        while submitted_us < until_us:
            decision = self.decide(template, len(decisions) + 1, submitted_us)
            decisions.append(decision)
            if decision.approved:
                break
            submitted_us = self.handed_in_again_us(decision)
        return decisions

    def delay(self, delay_name: str, template: str, attempt: int) -> int:
        """One of the desk's delays, in microseconds."""
        purpose = "decision" if delay_name == "next_workday" else delay_name
        return self._delays[delay_name].of(self._word(purpose, template, attempt))

    def _longer(self, template: str, attempt: int, reviewed_us: int) -> int:
        longer = self.rules.longer
        delays = [
            longer[country] for country in self._goes_to.get(template, ()) if country in longer
        ]
        if not delays:
            return reviewed_us
        word = self._word("longer", template, attempt)
        more_us = max(delay.table().of(word) for delay in delays)
        return add_working(reviewed_us, more_us, self.calendar)

    def _word(self, purpose: str, template: str, attempt: int) -> int:
        return self._random.word(f"review/{template}", purpose, 0, attempt)


class _Waiting(NamedTuple):
    """A submission that waits: by its moment, then by the position of its template in the file."""

    submitted_us: int
    position: int
    attempt: int


def review_with_limited_staff(
    desk: ReviewDesk,
    templates: Sequence[str],
    submitted_us: Mapping[str, int],
    urged_us: Mapping[str, int],
    until_us: int,
) -> list[list[Decision]]:
    """The course of every template, in the order of *templates*; those that are not handed in
    before *until_us* have none.
    """
    assert desk.rules.reviewers is not None
    waiting = [
        _Waiting(submitted_us[name], position, 1)
        for position, name in enumerate(templates)
        if submitted_us.get(name, until_us) < until_us
    ]
    heapq.heapify(waiting)
    free_us = [waiting[0].submitted_us if waiting else 0] * desk.rules.reviewers
    urged = {
        position: urged_us[name] for position, name in enumerate(templates) if name in urged_us
    }
    reviews: list[list[Decision]] = [[] for _ in templates]
    while waiting:
        _, now_us = review_window(max(free_us[0], waiting[0].submitted_us), desk.calendar)
        submission = _next(waiting, urged, now_us)
        name = templates[submission.position]
        handling = desk.delay("handling", name, submission.attempt)
        reviewed_us = add_working(now_us, handling, desk.calendar)
        heapq.heapreplace(free_us, reviewed_us)
        decision = desk.reviewed(name, submission.attempt, submission.submitted_us, reviewed_us)
        reviews[submission.position].append(decision)
        again_us = until_us if decision.approved else desk.handed_in_again_us(decision)
        if again_us < until_us:
            heapq.heappush(waiting, _Waiting(again_us, submission.position, submission.attempt + 1))
    return reviews


def _next(waiting: list[_Waiting], urged: Mapping[int, int], now_us: int) -> _Waiting:
    """Take the submission whose review begins now: an urged one, or the first that came."""
    first = [
        one
        for one in waiting
        if one.position in urged and one.submitted_us <= urged[one.position] <= now_us
    ]
    if not first:
        return heapq.heappop(waiting)
    waiting.remove(min(first))
    heapq.heapify(waiting)
    return min(first)


@dataclass(frozen=True)
class SetupTimeline:
    """Getting started and reviews, known before a message is sent.

    Instants are in microseconds, whether or not they are within the run.

    `steps` are those of getting started and `reviews` the submissions of every template, in file
    order. `enabled_us` is when the account is enabled, `application_us` when each application
    exists, `registered_us` when each country with a registration is registered; None is never.
    """

    steps: tuple[Step, ...]
    reviews: list[list[Decision]]
    enabled_us: int | None
    application_us: dict[str, int | None]
    registered_us: dict[str, int | None]

    def usable_us(self, template: str, start_us: int) -> int | None:
        """From when a template can be sent; None if it cannot within what is known."""
        if not any(step.step == TEMPLATE and step.subject == template for step in self.steps):
            return start_us
        for course in self.reviews:
            if course and course[-1].template == template and course[-1].approved:
                return course[-1].usable_us
        return None

    def rows(self, end_us: int) -> list[tuple[str, str, int | None, int | None, str]]:
        """The table of getting started, with what is known before *end_us*."""
        return [self._row(step, end_us) for step in self.steps]

    def _row(self, step: Step, end_us: int) -> tuple[str, str, int | None, int | None, str]:
        done_us = step.done_us
        if step.step == TEMPLATE and done_us is not None:
            done_us = self.usable_us(step.subject, end_us)
        refusal = step.refused if step.refused_us is not None and step.refused_us < end_us else ""
        began_us = _before(step.began_us, end_us)
        return step.step, step.subject, began_us, _before(done_us, end_us), refusal


def _before(us: int | None, end_us: int) -> int | None:
    return us if us is not None and us < end_us else None


def setup_timeline(scenario: Scenario, random: KeyedRandom) -> SetupTimeline:
    """The course of getting started and of reviews, known before a message is sent."""
    calendar = work_calendar(scenario.review)
    started = GettingStarted(scenario, random, calendar)
    goes_to = destinations(scenario) if scenario.review.longer else {}
    desk = ReviewDesk(scenario.review, random, calendar, goes_to)
    start_us = scenario.start_us
    enabling = started.of("enabling", "")
    applications = {a.name: started.of(APPLICATION, a.name) for a in scenario.applications}
    return SetupTimeline(
        tuple(started.steps),
        _reviews(scenario, started, desk),
        enabling.done_us if enabling else start_us,
        {name: step.done_us if step else start_us for name, step in applications.items()},
        {step.subject: step.done_us for step in started.steps if step.step == COUNTRY},
    )


def _reviews(scenario: Scenario, started: GettingStarted, desk: ReviewDesk) -> list[list[Decision]]:
    names = [template.name for template in scenario.templates]
    submitted_us = {
        step.subject: step.done_us
        for step in started.steps
        if step.step == TEMPLATE and step.done_us is not None
    }
    if desk.rules.reviewers is None:
        end_us = scenario.end_us
        return [desk.course(name, submitted_us.get(name, end_us), end_us) for name in names]
    urged_us = {t.name: to_us(t.urged) for t in scenario.templates if t.urged is not None}
    return review_with_limited_staff(desk, names, submitted_us, urged_us, scenario.end_us)
