"""Everything of an account that is known before a message is sent: getting started and reviews."""

from __future__ import annotations

from dataclasses import dataclass

from smssim.calendars import to_us
from smssim.scenario import Scenario, destinations
from smssim.simulation.setup.onboarding import APPLICATION, COUNTRY, TEMPLATE, GettingStarted, Step
from smssim.simulation.setup.review import Decision, ReviewDesk, work_calendar
from smssim.simulation.setup.reviewers import reviewed_by_few
from smssim.stats.keyed_random import Marks


@dataclass(frozen=True)
class Courses:
    """What is known beforehand; instants in microseconds, whether or not they are within the run.

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
        told = step.refused if step.refused_us is not None and step.refused_us < end_us else ""
        began_us = _before(step.began_us, end_us)
        return step.step, step.subject, began_us, _before(done_us, end_us), told


def _before(us: int | None, end_us: int) -> int | None:
    return us if us is not None and us < end_us else None


def courses(scenario: Scenario, marks: Marks) -> Courses:
    """Everything that is known of a scenario beforehand."""
    calendar = work_calendar(scenario.review)
    started = GettingStarted(scenario, marks, calendar)
    goes_to = destinations(scenario) if scenario.review.longer else {}
    desk = ReviewDesk(scenario.review, marks, calendar, goes_to)
    start_us = scenario.start_us
    enabling = started.of("enabling", "")
    applications = {a.name: started.of(APPLICATION, a.name) for a in scenario.applications}
    return Courses(
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
    return reviewed_by_few(desk, names, submitted_us, urged_us, scenario.end_us)
