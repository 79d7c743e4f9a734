"""How near the traffic came to its thresholds, by UTC day and month, and what a limit stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.calendars import HOUR
from smssim.record import Record
from smssim.report.needs import needs
from smssim.report.rules import counted, scenario_of
from smssim.report.spans import Span, instants, microseconds, periods, stops
from smssim.scenario import Scenario, Thresholds
from smssim.tables import TIME

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.8
"""The share of a limit from which on a period that did not trip it is a near miss."""
_NAMES = {"day": "daily", "month": "monthly"}
_TYPES = {
    "period": "str",
    "start": TIME,
    "used": "int64",
    "alarm": "Int64",
    "limit": "int64",
    "share_of_limit": "float64",
    "alarm_at": TIME,
    "limit_at": TIME,
    "suspended_h": "float64",
    "stopped": "int64",
    "near_miss": "bool",
}
Row = dict[str, Any]


@needs("money", "events")
def thresholds(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """What alarms and limits counted, one row a UTC day, then a UTC month, also if nothing was.

    `used` is in messages or segments, as the scenario counts; `alarm` and `limit` are the values
    in force at the end of the period. `alarm_at` and `limit_at` are when each first acted in it;
    `suspended_h` is how long the limit stopped sending, in hours; `stopped` counts the messages
    refused in the period with E000623, by the daily or the monthly limit. `near_miss` is at least
    80 % of a limit that did not act. With *by* country the rows are those of the countries that
    have limits of their own (no alarms; refused with E000630). A log tells neither the rules nor
    the values and has no rows.
    """
    import pandas as pd

    keys = [by] if isinstance(by, str) else list(by)
    if keys not in ([], ["country"]):
        raise ValueError(f"by(={by!r}) must be country or nothing")
    scenario = scenario_of(record)
    rows = [] if scenario is None else _all(record, scenario, bool(keys))
    types = {"country": "str", **_TYPES} if keys else _TYPES
    columns = {name: [row[name] for row in rows] for name in types}
    return pd.DataFrame(
        {
            name: pd.Series(instants(columns[name]) if t == TIME else columns[name], dtype=t)
            for name, t in types.items()
        }
    )


def _all(record: Record, scenario: Scenario, by_country: bool) -> list[Row]:
    countries = sorted(scenario.thresholds.countries) if by_country else [""]
    return [
        row
        for country in countries
        for period in _NAMES
        for row in _rows(record, scenario, period, country)
    ]


def _rows(record: Record, scenario: Scenario, period: str, country: str) -> Iterator[Row]:
    """The rows of one counter; *country* is empty for the account's."""
    rules, spans = scenario.thresholds, periods(record, period)
    if country and getattr(rules.countries[country], _NAMES[period]) is None:
        return
    subject = f"{country} {period}" if country else period
    trips = stops(record, "country_limit" if country else "limit", "recovered", subject)
    alarms = _alarms(record, subject)
    values = _values(record, rules, period, country, spans)
    sums = _sums(record, scenario, spans, country)
    for span, (used, stopped), (alarm, limit) in zip(spans, sums, values, strict=True):
        limit_at = _first([trip.start for trip in trips], span)
        yield {
            "country": country,
            "period": period,
            "start": span.start,
            "used": used,
            "alarm": alarm,
            "limit": limit,
            "share_of_limit": used / limit,
            "alarm_at": _first(alarms, span),
            "limit_at": limit_at,
            "suspended_h": sum(map(span.overlap, trips)) / HOUR,
            "stopped": stopped,
            "near_miss": limit_at is None and used >= NEAR * limit,
        }


def _sums(
    record: Record, scenario: Scenario, spans: list[Span], country: str
) -> list[tuple[int, int]]:
    """What was counted in each period, and the messages that the limit refused."""
    money = record.tallies.money
    own = money[money["country"] == country] if country else money
    code = "E000630" if country else "E000623"
    days, weights = microseconds(own["day"]), counted(scenario, own)
    refused = own["messages"].where(own["status"] == code, 0).to_numpy(np.int64)
    found = []
    for span in spans:
        within = (days >= span.start) & (days < span.end)
        found.append((int(weights[within].sum()), int(refused[within].sum())))
    return found


def _values(
    record: Record, rules: Thresholds, period: str, country: str, spans: list[Span]
) -> list[tuple[int | None, int]]:
    """Alarm and limit in force at the end of each period."""
    if country:
        return [(None, getattr(rules.countries[country], _NAMES[period]))] * len(spans)
    alarms, limits = (
        _in_force(record, f"{_NAMES[period]}_{kind}", rules, period, spans)
        for kind in ("alarm", "limit")
    )
    return list(zip(alarms, limits, strict=True))


def _in_force(
    record: Record, name: str, rules: Thresholds, period: str, spans: list[Span]
) -> list[int]:
    """One value at the end of each period."""
    events = record.events
    assert events is not None
    told = events[
        ((events["event"] == "thresholds_set") & (events["subject"] == name))
        | ((events["event"] == "alarm") & (events["subject"] == period))
    ]
    changes = list(
        zip(microseconds(told["at"]).tolist(), told["event"], told["value"], strict=True)
    )
    found, value = [], int(getattr(rules, name))
    for span in spans:
        in_force, fired = value, False
        for at, event, new in changes:
            if not span.start <= at < span.end:
                continue
            if event == "alarm":
                fired = True
                continue
            value = int(new)
            # A smaller alarm waits for the next period once one has fired.
            if not (fired and name.endswith("alarm") and value < in_force):
                in_force = value
        found.append(in_force)
    return found


def _alarms(record: Record, subject: str) -> list[int]:
    events = record.events
    if events is None:
        return []
    told = events[(events["event"] == "alarm") & (events["subject"] == subject)]
    alarms: list[int] = microseconds(told["at"]).tolist()
    return alarms


def _first(at: list[int], span: Span) -> int | None:
    return next((us for us in at if span.start <= us < span.end), None)
