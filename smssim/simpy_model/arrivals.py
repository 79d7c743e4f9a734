"""First copies of all messages: a function of the scenario and the marks, hour by hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from smssim.calendars import HOUR, SECOND, hourly_weights, quarter_bounds, to_us
from smssim.scenario import Calls, DatedTask, Scenario, Traffic, microseconds
from smssim.simpy_model.inverse_tables import count_table, share_table
from smssim.simpy_model.message import Message
from smssim.sms.recipients import read_recipients
from smssim.sms.reference import countries
from smssim.stats.inverse_cdf import gamma_factor, poisson_count
from smssim.stats.keyed_random import REQUESTS_AN_HOUR, KeyedRandom

__all__ = ["births"]


def births(
    scenario: Scenario, marks: KeyedRandom, number: int, source: Calls | DatedTask | Traffic
) -> Iterator[tuple[int, list[Message]]]:
    """The messages of one source that are born in the run; with each hour's an instant before
    them, in microseconds. *number* is the source's, in the order of `scenario.sources`.
    """
    begin, end = scenario.start_us, scenario.end_us
    first = Message(0, source.name, 0, 0, "", scenario.template(source.template), number)
    if isinstance(source, Traffic):
        begin = max(begin, to_us(source.starts)) if source.starts else begin
        end = min(end, to_us(source.ends)) if source.ends else end
        by_hour = _of_traffic(scenario, marks, source, first)
    elif isinstance(source, Calls):
        by_hour = iter([(scenario.start_us, _of_calls(source, first))])
    else:
        by_hour = iter([(to_us(source.at), _of_group_task(scenario, source, first))])
    for at, messages in by_hour:
        yield at, [message for message in messages if begin <= message.submitted_at < end]


def _of_traffic(
    scenario: Scenario, marks: KeyedRandom, source: Traffic, first: Message
) -> Iterator[tuple[int, list[Message]]]:
    begin, last = scenario.start_us // HOUR, (scenario.end_us - 1) // HOUR
    zone = source.zone or countries()[source.country].zone
    weights = hourly_weights(begin, last - begin + 1, zone, source.hours, source.weekdays)
    sizes = source.recipient_shares()
    mean_size = sum(k * share for k, share in sizes.items()) / sum(sizes.values())
    first = replace(
        first,
        country=source.country,
        resend=source.resend,
        server_resend=source.server_resend,
        ends=to_us(source.ends) if source.ends else None,
        address=source.address,
        traffic=source,
    )
    bounds = quarter_bounds(begin, last - begin + 1, zone, source.hours, source.weekdays)
    for hour, weight in enumerate(weights.tolist(), start=begin):
        quarters = None if bounds is None else bounds[hour - begin].tolist()
        requests = weight * source.messages_a_day / 24 / mean_size
        requests = _as_demand_is(scenario, marks, source, hour * HOUR, zone, requests)
        table = count_table(requests)
        messages = []
        for k in range(poisson_count(table, marks.word(source.name, "count", hour, 0))):
            at = _time_of_request(marks, source, hour, k, quarters)
            word = marks.word(source.name, "size", hour, k)
            size = list(sizes)[share_table(tuple(sizes.values())).of(word)]
            request = hour * REQUESTS_AN_HOUR + k
            request_of = replace(first, submitted_at=at, request=request, size=size)
            messages += [replace(request_of, recipient=recipient) for recipient in range(size)]
        yield hour * HOUR, messages


def _as_demand_is(
    scenario: Scenario,
    marks: KeyedRandom,
    source: Traffic,
    hour_start: int,
    zone: str,
    requests: float,
) -> float:
    """The mean requests of an ordinary hour, times growth, swings and occasions of its day."""
    if source.growth_per_day:
        hours = (hour_start - scenario.start_us) / 3_600_000_000
        requests *= (1 + source.growth_per_day) ** ((hours + 0.5) / 24)
    local = datetime.fromtimestamp(hour_start // SECOND, ZoneInfo(zone)).date()
    day = (local - date(1970, 1, 1)).days
    sd_of = {swing.name: swing.sd for swing in scenario.swings}
    for name in source.swings:
        requests *= gamma_factor(marks.word(f"swing/{name}", "day", day, 0), sd_of[name])
    for occasion in scenario.occasions:
        everywhere = not occasion.countries
        if occasion.day.date() == local and (everywhere or source.country in occasion.countries):
            requests *= occasion.factor
    return requests


def _time_of_request(
    marks: KeyedRandom, source: Traffic, hour: int, k: int, bounds: list[int] | None
) -> int:
    word = marks.word(source.name, "time", hour, k)
    within = (word >> 32) * 3_600_000_000 >> 32
    if bounds is not None:
        quarter = max(q for q in range(4) if within >= bounds[q])
        low, high = bounds[quarter], bounds[quarter + 1]
        within = quarter * 900_000_000 + (within - low) * 900_000_000 // (high - low)
    at = hour * HOUR + within
    resolution = max(1, microseconds(source.resolution_s))
    return at // resolution * resolution


def _of_calls(source: Calls, first: Message) -> list[Message]:
    first = replace(first, country=source.country, resend=source.resend, address=source.address)
    first = replace(first, server_resend=source.server_resend)
    return [
        replace(
            first,
            submitted_at=to_us(call.at),
            request=to_us(call.at) // HOUR * REQUESTS_AN_HOUR + k,
            recipient=recipient,
            fixed=fixed,
        )
        for k, call in enumerate(source.calls)
        for recipient, fixed in enumerate(call.to)
    ]


def _of_group_task(scenario: Scenario, source: DatedTask, first: Message) -> list[Message]:
    at = to_us(source.at)
    first = replace(first, request=at // HOUR * REQUESTS_AN_HOUR, alone=True)
    per_s = source.pace_per_s
    return [
        replace(
            first,
            submitted_at=at + (int(i * 1e6 / per_s) if per_s else 0),
            recipient=i,
            country=country,
        )
        for i, country in enumerate(_countries_of(scenario, source))
    ]


def _countries_of(scenario: Scenario, source: DatedTask) -> list[str]:
    if source.file is None:
        return [country for country, n in source.countries.items() for _ in range(n)]
    try:
        recipients = read_recipients(scenario.find(source.file))
    except ValueError:
        return []  # The console refuses such a task.
    return [recipients.countries[place] for place in recipients.country_index.tolist()]
