"""What the closed forms ask of a record and its scenario."""

from __future__ import annotations

from smssim.record.record import Record
from smssim.report.delivery import statuses
from smssim.report.moments import sums
from smssim.scenario import Scenario, Traffic


def poisson(record: Record, scenario: Scenario) -> bool:
    """Whether nothing but Poisson requests makes messages, whatever their rhythm."""
    plain = all(
        source.resend is None
        and source.server_resend is None
        and not source.resolution_s
        and not any(source.flaws.model_dump().values())
        for source in scenario.traffic
    )
    others = (*scenario.calls, *scenario.group_tasks, *record.provenance.get("policies", ()))
    return plain and not others and bool(scenario.traffic)


def steady(record: Record, scenario: Scenario) -> bool:
    """Whether they come at one rate all the time, too."""
    return poisson(record, scenario) and all(
        len(set(source.hours)) == len(set(source.weekdays)) == 1
        and source.starts is None
        and source.ends is None
        for source in scenario.traffic
    )


def one_queue(scenario: Scenario) -> bool:
    """Whether all traffic leaves through the same queue."""
    scope, sources = scenario.queue.scope, scenario.traffic
    countries = {source.country for source in sources}
    applications = {scenario.template(source.template).application for source in sources}
    own = {"shared": {""}, "application": applications, "route": countries}[scope]
    return len(own) == 1


def segments(scenario: Scenario, source: Traffic) -> dict[int, float]:
    """The shares of a source's requests by all their segments."""
    each = scenario.template(source.template).segment_shares(source.country)
    numbers = source.recipient_shares()
    total = sum(numbers.values())
    return sums({number: share / total for number, share in numbers.items()}, each)


def refused(record: Record) -> set[tuple[int, str]]:
    """Places and codes of all refusals."""
    found = statuses(record, by=())
    found = found[found["place"] > 0]
    return set(zip(found["place"].tolist(), found["status"].tolist(), strict=True))


def drawn(scenario: Scenario) -> set[tuple[int, str]]:
    """Refusals that routes draw."""
    routes = [scenario.route(source.country) for source in scenario.traffic]
    outcomes = [outcome for route in routes for outcome in route.outcomes]
    return {(3, outcome.status) for outcome in outcomes if outcome.source == "huawei"}
