"""Template review on the Chinese working calendar (DOMAIN.md section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from smssim.calendars import to_us
from smssim.inverse import Quantiles
from smssim.marks import Marks
from smssim.scenario import Review, Scenario, Template
from smssim.workdays import WorkCalendar, add_working, review_window


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


class ReviewDesk:
    """Decides submissions: within two hours in working time, else on the next workday.

    A decision depends on the submission and its marks alone, so the whole course of a template is
    known beforehand.
    """

    def __init__(self, rules: Review, marks: Marks) -> None:
        self._rules = rules
        self._marks = marks
        self._calendar = WorkCalendar(
            extra_workdays=[day.date() for day in rules.extra_workdays],
            extra_holidays=[day.date() for day in rules.extra_holidays],
        )
        self._delays: dict[str, Quantiles] = {
            "decision": rules.decision.table(),
            "next_workday": rules.next_workday.table(),
            "mending": rules.mending.table(),
            "usable": rules.usable_after.table(),
        }

    def decide(self, template: str, attempt: int, submitted_us: int) -> Decision:
        """The end of one submission."""
        kind, opens_us = review_window(submitted_us, self._calendar)
        delay = self._delay("decision" if kind == "today" else "next_workday", template, attempt)
        if kind == "today" and self._rules.two_hours == "working":
            decided_us = add_working(opens_us, delay, self._calendar)
        else:
            decided_us = opens_us + delay
        approved = self._word("rejected", template, attempt) >= int(
            self._rules.rejection * (1 << 64)
        )
        usable_us = decided_us + self._delay("usable", template, attempt)
        return Decision(template, attempt, submitted_us, decided_us, approved, usable_us)

    def course(self, template: Template, until_us: int) -> list[Decision]:
        """All submissions of a template before *until_us*; a rejected one is mended and handed in
        again.
        """
        decisions: list[Decision] = []
        submitted_us = to_us(template.submitted) if template.submitted else until_us
        while submitted_us < until_us:
            decision = self.decide(template.name, len(decisions) + 1, submitted_us)
            decisions.append(decision)
            if decision.approved:
                break
            submitted_us = decision.decided_us + self._delay(
                "mending", template.name, decision.attempt
            )
        return decisions

    def _word(self, purpose: str, template: str, attempt: int) -> int:
        return self._marks.word(f"review/{template}", purpose, 0, attempt)

    def _delay(self, kind: str, template: str, attempt: int) -> int:
        purpose = "decision" if kind == "next_workday" else kind
        return self._delays[kind].of(self._word(purpose, template, attempt))


def courses(scenario: Scenario, marks: Marks) -> list[list[Decision]]:
    """The course of every template, in file order; empty for those that were usable before the
    start.
    """
    desk = ReviewDesk(scenario.review, marks)
    return [desk.course(template, scenario.end_us) for template in scenario.templates]
