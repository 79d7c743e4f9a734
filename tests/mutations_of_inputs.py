"""Mutations of what is known or looked at before a run: steps, reviews, rules of the scenario."""

from __future__ import annotations

import copy
import heapq
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from mutant_plugin import Mutation
from mutation_kit import after, nothing, returns, sets, then, value

from smssim.simulation.setup.onboarding import APPLICATION, AT_ONCE, COUNTRY, TEMPLATE

_STEP = "smssim.simulation.setup.onboarding:GettingStarted._take"
_MINUTE_US = 60_000_000


def _free_steps(*kinds: str, delay: Any = None) -> Any:
    """Steps of some kinds (none: all) that need nothing."""

    def make(original: Any) -> Any:
        def take(
            self: Any, step: str, name: str, dated: Any, needs: Any, own: Any, refusal: str = ""
        ) -> None:
            if not kinds or step in kinds:
                needs, own = [], delay or own
            original(self, step, name, dated, needs, own, refusal)

        return take

    return make


def _usable_if_handed_in(original: Any) -> Any:
    def usable_us(self: Any, template: str, start_us: int) -> int | None:
        own = any(s.step == TEMPLATE and s.subject == template for s in self.steps)
        return original(self, template, start_us) if own else None

    return usable_us


def _always_today(original: Any) -> Any:
    return lambda us, calendar: ("today", us)


def _today_without_opening(original: Any) -> Any:
    def window(us: int, calendar: Any) -> tuple[str, int]:
        kind, at = original(us, calendar)
        return kind, us if kind == "today" else at

    return window


def _never_today(original: Any) -> Any:
    return lambda us, calendar: ("next_workday", original(us, calendar)[1])


def _weekdays(original: Any) -> Any:
    def workdays(year: int) -> tuple[frozenset[int], bool]:
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        plain = frozenset(day for day in range(first, last + 1) if (day - 1) % 7 < 5)
        return plain, original(year)[1]

    return workdays


def _plain_time(original: Any) -> Any:
    return lambda us, working_us, calendar: us + working_us


def _many_reviewers(original: Any) -> Any:
    def reviewed(desk: Any, *args: Any) -> Any:
        many = copy.copy(desk)
        many.rules = desk.rules.model_copy(update={"reviewers": 10_000})
        return original(many, *args)

    return reviewed


def _no_delay(*kinds: str) -> Any:
    def make(original: Any) -> Any:
        def delay(self: Any, kind: str, template: str, attempt: int) -> int:
            return 0 if kind in kinds else original(self, kind, template, attempt)

        return delay

    return make


def _steps_done(original: Any) -> Any:
    return lambda account, timeline: original(account, replace(timeline, steps=()))


def _forgets_days(original: Any) -> Any:
    return lambda self, extra_workdays=(), extra_holidays=(): original(self)


def _without(place: str) -> Any:
    """The rules of a part but for those of one field."""

    def make(original: Any) -> Any:
        return lambda self: (found for found in original(self) if place not in found[0])

    return make


INPUTS = {
    "countable amounts": Mutation("smssim.scenario.consistency:_money", nothing),
    "range": Mutation(
        "smssim.scenario.ranges:Range.draw",
        lambda original: lambda self, rng, replication: self.at(0.5),
    ),
    "shares with a range": Mutation(
        "smssim.scenario.ranges:_summing_to_1", lambda original: lambda outcomes, ranged: outcomes
    ),
    "ends of ranges": Mutation("smssim.scenario.ranges:_corners", nothing),
    "steps in order": Mutation(_STEP, _free_steps()),
    "working time of steps": Mutation(
        "smssim.simulation.setup.onboarding:_IN_WORKING_TIME", value(())
    ),
    "step out of order": Mutation("smssim.simulation.setup.onboarding:_blocked", returns(None)),
    "prerequisites": Mutation("smssim.simulation.setup.onboarding:_NEEDS", value({})),
    "credentials": Mutation("smssim.simulation.setup.onboarding:CREDENTIALS", value("")),
    "insufficient balance": Mutation("smssim.simulation.setup.onboarding:INSUFFICIENT", value("")),
    "unincorporated business": Mutation(
        "smssim.simulation.setup.onboarding:UNINCORPORATED", value("")
    ),
    "personal account": Mutation("smssim.simulation.setup.onboarding:NOT_ENTERPRISE", value("")),
    "template before its application": Mutation(_STEP, _free_steps(TEMPLATE, APPLICATION)),
    "quota of applications and templates": Mutation("smssim.scenario.consistency:_quotas", nothing),
    "registration first": Mutation(
        "smssim.simulation.setup.onboarding:_comes_first", returns(False)
    ),
    "registration alongside": Mutation(
        "smssim.simulation.setup.onboarding:_comes_first", returns(True)
    ),
    "registration's duration": Mutation(_STEP, _free_steps(COUNTRY, delay=AT_ONCE)),
    "first package": Mutation("smssim.simulation.account.schedule:_purchases", _steps_done),
    "ready account": Mutation(
        "smssim.simulation.setup.review:SetupTimeline.usable_us", _usable_if_handed_in
    ),
    "day of the first message": Mutation("smssim.report.review:_first_message_us", returns(None)),
    "two hours": Mutation("smssim.workdays:review_window", _never_today),
    "two hours of work": Mutation("smssim.simulation.setup.review:add_working", _plain_time),
    "before 09:00": Mutation("smssim.workdays:review_window", _today_without_opening),
    "next workday": Mutation("smssim.workdays:review_window", _always_today),
    "Chinese calendar": Mutation("smssim.workdays:_published_workdays", _weekdays),
    "unpublished year": Mutation(
        "smssim.workdays:_published_workdays", after(lambda found: (found[0], False))
    ),
    "extra days": Mutation("smssim.workdays:WorkCalendar.__init__", _forgets_days),
    "rejection": Mutation(
        "smssim.simulation.setup.review:ReviewDesk.reviewed",
        after(lambda d: replace(d, approved=True)),
    ),
    "mending": Mutation(
        "smssim.simulation.setup.review:ReviewDesk.handed_in_again_us",
        lambda original: lambda self, rejected: rejected.decided_us + _MINUTE_US,
    ),
    "usable after approval": Mutation(
        "smssim.simulation.setup.review:ReviewDesk.delay", _no_delay("usable")
    ),
    "longer countries": Mutation(
        "smssim.simulation.setup.review:ReviewDesk._longer",
        lambda original: lambda self, template, attempt, reviewed_us: reviewed_us,
    ),
    "finite reviewers": Mutation(
        "smssim.simulation.setup.review:review_with_limited_staff", _many_reviewers
    ),
    "handling rests": Mutation("smssim.simulation.setup.review:add_working", _plain_time),
    "urging": Mutation(
        "smssim.simulation.setup.review:_next",
        lambda original: lambda waiting, urged, now_us: heapq.heappop(waiting),
    ),
    "a month ahead": Mutation("smssim.scenario.consistency:_task_moments", nothing),
    "cancelled in time": Mutation("smssim.scenario.group_tasks:CANCEL_BEFORE", value(timedelta(0))),
    "no periodic tasks": Mutation("smssim.scenario.group_tasks:GroupTask.unknown_keys", value({})),
    "country names": Mutation("smssim.scenario.fields:country_named", returns(None)),
    "another period": Mutation(
        "smssim.scenario.scenario:cut_to_period", lambda original: lambda data, days: (data, [])
    ),
    "recurring task": Mutation(
        "smssim.scenario.group_tasks:moments_of", after(lambda moments: list(moments)[:1])
    ),
    "renewed package": Mutation(
        "smssim.scenario.account:Package.dated", after(lambda packages: list(packages)[:1])
    ),
    "price of its moment": Mutation(
        "smssim.scenario.network:Route.price_at", lambda original: lambda route, moment: route.price
    ),
    "packages for sale": Mutation("smssim.scenario.consistency_console:package_countries", nothing),
    "order of values": Mutation("smssim.scenario.thresholds:_broken_thresholds", nothing),
    "bound of the limits": Mutation("smssim.scenario.consistency:_limits", nothing),
    "country limits": Mutation(
        "smssim.scenario.thresholds:Thresholds.violations", _without("countries")
    ),
    "refused task": Mutation(
        "smssim.simulation.compiled:CompiledScenario._read_files",
        then(lambda compiled: compiled.refused_files.clear()),
    ),
    "counting error": Mutation(
        "smssim.simulation.account.thresholds:ThresholdCounters._draw_lag", returns(None)
    ),
    "scope of a suspension": Mutation(
        "smssim.simulation.account.account:Account.__init__", sets(_whole=False)
    ),
    "straddling message": Mutation(
        "smssim.simulation.account.account:Account.__init__", sets(_covers=False)
    ),
}
