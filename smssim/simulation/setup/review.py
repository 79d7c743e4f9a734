"""Template review on the Chinese working calendar (DOMAIN.md section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from smssim.scenario import Review
from smssim.stats.inverse_cdf import Quantiles
from smssim.stats.keyed_random import Marks
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
        marks: Marks,
        calendar: WorkCalendar,
        goes_to: Mapping[str, Iterable[str]],
    ) -> None:
        self.rules = rules
        self.calendar = calendar
        self._marks = marks
        self._goes_to = goes_to
        self._delays: dict[str, Quantiles] = {
            "decision": rules.decision.table(),
            "next_workday": rules.next_workday.table(),
            "mending": rules.mending.table(),
            "usable": rules.usable_after.table(),
            "handling": rules.handling.table(),
        }

    def decide(self, template: str, attempt: int, submitted_us: int) -> Decision:
        """The end of one submission, whatever else lies on the desk."""
        kind, opens_us = review_window(submitted_us, self.calendar)
        delay = self.delay("decision" if kind == "today" else "next_workday", template, attempt)
        if kind == "today" and self.rules.two_hours == "working":
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

    def delay(self, kind: str, template: str, attempt: int) -> int:
        """One of the desk's delays, in microseconds."""
        purpose = "decision" if kind == "next_workday" else kind
        return self._delays[kind].of(self._word(purpose, template, attempt))

    def _longer(self, template: str, attempt: int, reviewed_us: int) -> int:
        longer = self.rules.longer
        own = [longer[country] for country in self._goes_to.get(template, ()) if country in longer]
        if not own:
            return reviewed_us
        word = self._word("longer", template, attempt)
        more_us = max(delay.table().of(word) for delay in own)
        return add_working(reviewed_us, more_us, self.calendar)

    def _word(self, purpose: str, template: str, attempt: int) -> int:
        return self._marks.word(f"review/{template}", purpose, 0, attempt)
