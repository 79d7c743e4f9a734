"""What the answers of a simulation depend on where the service's documents are silent."""

from __future__ import annotations

from smssim.formatting import duration, listed, percent
from smssim.record.record import Record
from smssim.report.cost import cost
from smssim.report.delivery import delivery
from smssim.scenario import Delay, Registration, Review, Scenario

__all__ = ["assumptions", "described"]

_MOST_ROUTES = 3


def assumptions(record: Record, scenario: Scenario) -> list[str]:
    """One line for each assumption that the results of this record depend on, with its value."""
    lines = [_queue(scenario), *_routes(record, scenario), *_money(record, scenario)]
    return [
        *lines,
        *_thresholds(record, scenario),
        *_people(record, scenario),
        *_beginnings(record, scenario),
        *_callback(record, scenario),
    ]


def _queue(scenario: Scenario) -> str:
    queue = scenario.queue
    scope = {
        "shared": "one queue for all",
        "application": "one queue per application",
        "route": "one queue per country",
    }
    full = "never full" if queue.capacity is None else f"full with {queue.capacity:,} waiting"
    return (
        f"throughput: {scope[queue.scope]}, {queue.throughput_per_s:,g} messages per second, {full}"
    )


def _routes(record: Record, scenario: Scenario) -> list[str]:
    sent = delivery(record).sort_values("sent", ascending=False, kind="stable")
    countries = sent.loc[sent["sent"] > 0, "country"].tolist()
    bill = cost(record)
    billed = set(bill.loc[bill["entry"] == "pay_per_use", "country"])
    lines = []
    for country in countries[:_MOST_ROUTES]:
        route = scenario.route(country)
        delivered = sum(outcome.share for outcome in route.outcomes if outcome.status == "DELIVRD")
        default = "" if country in scenario.routes else " (default)"
        price = f"{route.price_text} {scenario.currency} per segment, " if country in billed else ""
        lines.append(
            f"route {country}{default}: {price}{percent(delivered)} DELIVRD, "
            f"{described(route.latency)}"
        )
    if len(countries) > _MOST_ROUTES:
        lines.append(f"routes of {len(countries) - _MOST_ROUTES} more countries: see the scenario")
    return lines


def _money(record: Record, scenario: Scenario) -> list[str]:
    account, money_tally, lines = scenario.account, record.tallies.money, []
    packages = record.packages
    if money_tally["status"].isin(["EXPIRED"]).any():
        lines.append(
            "charges: failed and expired messages are charged like delivered ones (inferred)"
        )
    if packages is not None and len(packages):
        lines.append("packages: prices and sizes are the scenario's, Huawei publishes none")
        if packages["country"].duplicated().any():
            order = {"first_in_force": "first in force", "nearest_expiry": "nearest expiry"}[
                account.package_order
            ]
            lines.append(f"package_order: the package {order} is used first")
    if _happened(record, "package_expired"):
        lines.append(f"expiry_zone: packages end at 23:59:59 in {account.expiry_zone}")
    if _happened(record, "run_out", "suspended") and _longest(scenario) > 1:
        by_mode = "is split" if account.service_mode == "pay_per_use" else "is refused"
        what = by_mode if account.straddle == "by_mode" else "is covered whole"
        lines.append(f"straddle: a message that straddles the end of a package {what}")
    if _happened(record, "suspended"):
        scope = "only its country" if account.suspend_scope == "country" else "all countries"
        lines.append(f"suspend_scope: a run-out in mode suspend stops {scope}")
    if _happened(record, "frozen"):
        lines.append(
            f"frozen_status: what waits in a queue at a freeze fails with {account.frozen_status}"
        )
    return lines


def _thresholds(record: Record, scenario: Scenario) -> list[str]:
    if not _happened(record, "alarm", "limit", "country_limit"):
        return []
    rule = scenario.thresholds
    trips = (
        "at a count above the value" if rule.trips == "exceeds" else "at a count equal to the value"
    )
    refused = "with" if rule.counts_refused else "without"
    return [f"thresholds: act {trips}, count {rule.unit}s, {refused} those the platform refuses"]


def _people(record: Record, scenario: Scenario) -> list[str]:
    resends = []
    for source in scenario.sources:
        again = getattr(source, "resend", None)
        if again is not None:
            rule = f"after {described(again.patience)}, at most {again.at_most} times"
            resends.append(("resend", rule, source.name))
        server = getattr(source, "server_resend", None)
        if server is not None:
            what = f"{listed(list(server.statuses), 3)} after {described(server.after)}"
            resends.append(
                ("server resend", f"{what}, at most {server.at_most} times", source.name)
            )
    lines = []
    for who, rule in dict.fromkeys((who, rule) for who, rule, _ in resends):
        names = [name for *both, name in resends if both == [who, rule]]
        lines.append(f"{who}, {listed(names, 3)}: {rule}")
    if any(task.pace_per_s is None for task in scenario.group_tasks):
        lines.append("group tasks: all numbers are handed to the queue at the start of the task")
    if record.reviews is not None and len(record.reviews):
        lines += _review(scenario.review)
    return lines


def _beginnings(record: Record, scenario: Scenario) -> list[str]:
    """Getting started: durations that are not public, as far as the record depends on them."""
    lines, rules = [], scenario.onboarding
    if rules is not None:
        lines.append(
            f"onboarding: authentication takes {described(rules.authentication)}, enabling "
            f"{described(rules.enabling)} of working time; Huawei enables no new users since 2025"
        )
    steps = record.onboarding
    if steps is None:
        return lines
    for country in steps.loc[steps["step"] == "country_registration", "subject"]:
        registration = scenario.registrations.get(country, Registration())
        took = f"takes {described(registration.duration)} of working time"
        lines.append(f"registration {country}: {took}, until then {registration.status}")
    return lines


def _review(rules: Review) -> list[str]:
    how = (
        f"{described(rules.decision)} in office hours, else {described(rules.next_workday)} after "
        "09:00 of the next workday"
        if rules.reviewers is None
        else f"{rules.reviewers} at work, {described(rules.handling)} of working time a template"
    )
    lines = [f"review: {how}; {percent(rules.rejection)} rejected"]
    for country, more in rules.longer.items():
        lines.append(f"review, {country}: {described(more)} of working time longer")
    return lines


def _callback(record: Record, scenario: Scenario) -> list[str]:
    callback, push = scenario.callback, record.tallies.push
    batches = []
    if names := [a.name for a in scenario.applications if a.batch_address]:
        size = f"at most {callback.batch_size} reports" if callback.batch_size > 1 else "one report"
        wait = duration(callback.batch_wait_s)
        batches = [f"batches of {listed(names, 3)}: {size} a push, after {wait} at the latest"]
    if (push["state"] == "received").all() and (push["deliveries"] == push["reports"]).all():
        return batches
    again = (
        f"again after {listed([duration(s) for s in callback.retries_s])}"
        if callback.retries_s
        else "no second try"
    )
    lines = [f"pushes: {again}"]
    for name, lost in (
        ("unanswered", callback.no_answer_share),
        ("answered with an error", callback.error_answer_share),
        ("answers lost", callback.lost_answer_share),
    ):
        lines[0] += f", {percent(lost)} {name}" if lost else ""
    if callback.random_outages is not None:
        up, down = callback.random_outages.up, callback.random_outages.down
        lines.append(f"callback server: by chance up {described(up)}, down {described(down)}")
    return batches + lines


def described(delay: Delay) -> str:
    """A delay's distribution in a few words."""
    if delay.fixed_s is not None:
        return duration(delay.fixed_s)
    if delay.uniform_s is not None:
        return f"{duration(delay.uniform_s[0])} to {duration(delay.uniform_s[1])}"
    if delay.exponential_s is not None:
        return f"{duration(delay.exponential_s)} on average"
    if delay.curve is not None:
        return f"median {duration(delay.median_s())}, a curve of {len(delay.curve)} points"
    assert delay.lognormal_s is not None
    text = f"median {duration(delay.lognormal_s.median)}, 95% < {duration(delay.lognormal_s.p95)}"
    slow = delay.slow
    return text if slow is None else f"{text}, {percent(slow.share)} slow ({duration(slow.median)})"


def _happened(record: Record, *events: str) -> bool:
    return record.events is not None and bool(record.events["event"].isin(list(events)).any())


def _longest(scenario: Scenario) -> int:
    return max(max(template.segment_shares()) for template in scenario.templates)
