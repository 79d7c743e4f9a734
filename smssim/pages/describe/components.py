"""Item 2.5 of STRESS-DES: entities, activities, resources, queues, where messages come and go."""

from __future__ import annotations

from smssim.pages.describe.markdown import (
    counted,
    delay,
    listed,
    number,
    paragraph,
    plain,
    shown,
    table,
)
from smssim.pages.describe.study import Study
from smssim.scenario import Calls, GroupTask, Source


def components(study: Study) -> list[str]:
    """Items 2.5.1 to 2.5.5."""
    return [
        "### 2.5 Components",
        "",
        *_entities(study),
        *_activities(study),
        *_resources(study),
        *_queues(study),
        *_ways(),
    ]


def _entities(study: Study) -> list[str]:
    rows = [
        (
            plain(source.name),
            _kind(source),
            plain(source.template),
            study.to(source),
            study.expected(source),
        )
        for source in study.scenario.sources
    ]
    templates = [
        (plain(t.name), plain(t.application), t.type, _segments(t.segment_shares()))
        for t in study.scenario.templates
    ]
    return [
        "#### 2.5.1 Entities",
        "",
        *paragraph(
            "The entity is a message to one number, with its country, template, segments and "
            "place in",
            "its request. Copies that are sent again are entities of their own, not counted here.",
        ),
        *table(("source", "kind", "template", "to", "messages planned"), rows),
        *paragraph("Templates, which say how many segments a message has:"),
        *table(("template", "application", "type", "share by segments"), templates),
    ]


def _kind(source: Source) -> str:
    if isinstance(source, GroupTask):
        return "group task"
    if isinstance(source, Calls):
        return "calls written out"
    return "API traffic" + (", fraudulent" if source.fraudulent else "")


def _segments(shares: dict[int, float]) -> str:
    total = sum(shares.values())
    if len(shares) == 1:
        return f"{next(iter(shares))}: all"
    return ", ".join(f"{n}: {share / total:.4g}" for n, share in shares.items())


def _activities(study: Study) -> list[str]:
    scenario = study.scenario
    rows = []
    for country in study.countries:
        route = scenario.route(country)
        outcomes = ", ".join(f"{o.status} {number(o.share)}" for o in route.outcomes)
        own = "" if country in scenario.routes else " (default route)"
        rows.append((country + own, number(route.price), outcomes, delay(route.latency)))
    price = f"price a segment, {scenario.currency}"
    return [
        "#### 2.5.2 Activities",
        "",
        *paragraph(
            "Delivery is the activity of a sent message: from leaving the queue to its final "
            "status.",
            "`none` is a message without any report. Pushes of status reports and the review of",
            "templates are activities beside it.",
        ),
        *table(("country", price, "shares of final statuses", "delay"), rows),
    ]


def _resources(study: Study) -> list[str]:
    scenario = study.scenario
    quota, limits = scenario.quota, scenario.thresholds
    lines = ["#### 2.5.3 Resources", ""]
    if scenario.packages:
        rows = [
            (
                f"{place}",
                package.country,
                number(package.segments),
                number(package.price),
                "start of the run" if package.at is None else shown(package.at),
                counted(package.valid_days, "day")
                if package.valid_days is not None
                else counted(package.valid_months or 1, "month"),
            )
            for place, package in enumerate(scenario.packages)
        ]
        price = f"price, {scenario.currency}"
        header = (
            "package",
            "country",
            "segments",
            price,
            "bought at, at the earliest",
            "valid for",
        )
        lines += paragraph("Packages of segments, used up by messages; one is bought when a first")
        lines[-2] += " template is approved, if that is later:"
        lines += table(header, rows)
    else:
        lines += paragraph("There is no package in the plan.")
    reviewers = scenario.review.reviewers
    desk = "without a bound" if reviewers is None else f"of {counted(reviewers, 'reviewer')}"
    return lines + paragraph(
        f"Limits of {number(limits.daily_limit)} messages a day and "
        f"{number(limits.monthly_limit)} a",
        f"month (upper bounds {number(quota.daily_limit)} and {number(quota.monthly_limit)}), a",
        f"review desk {desk}, and the throughput of the queue.",
    )


def _queues(study: Study) -> list[str]:
    queue, scenario = study.scenario.queue, study.scenario
    which = {
        "shared": "one, of all messages",
        "application": f"one of each application: {listed(a.name for a in scenario.applications)}",
        "route": f"one of each country: {listed(study.countries)}",
    }[queue.scope]
    room = "unbounded" if queue.capacity is None else f"{number(queue.capacity)} messages"
    return [
        "#### 2.5.4 Queues",
        "",
        *paragraph(
            f"Queues of accepted messages: {which}. First in, first out; room: {room}; from one",
            f"message to the next pass {number(queue.gap_us)} microseconds at least. Submitted "
            f"templates wait for",
            "the review desk.",
        ),
    ]


def _ways() -> list[str]:
    return [
        "#### 2.5.5 Entry and exit points",
        "",
        *paragraph(
            "A message enters when its request or task is submitted. It leaves when it is refused,",
            "or with its final status; its status reports leave when they are received or lost. "
            "What",
            "is under way at the end of the run is counted as in flight or pending.",
        ),
    ]
