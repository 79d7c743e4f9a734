"""How near the traffic came to its thresholds, by UTC day and month, and what a limit stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import HOUR
from smssim.record.record import Record
from smssim.record.schema import TIME
from smssim.report.in_force import values_in_force
from smssim.report.needs import needs
from smssim.report.rules import counted, scenario_of
from smssim.report.spans import Span, instants, microseconds, periods, stops
from smssim.scenario import Scenario, Thresholds
from smssim.sms.reference import MAINLAND

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.8
"""The share of a limit from which on a period that did not trip it is a near miss."""
MAINLAND_SIDE = "mainland"
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
Ints = NDArray[np.int64]
Row = dict[str, Any]


@needs("money", "events")
def thresholds(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """What alarms and limits counted, one row a UTC day, then a UTC month, also if nothing was.

    `used` is in messages or segments, as the scenario counts; `alarm` and `limit` are the values
    in force at the end of the period. `alarm_at` and `limit_at` are when each first acted in it;
    `suspended_h` is how long the limit stopped sending, in hours; `stopped` counts the messages
    refused in the period with E000623, by the daily or the monthly limit. `near_miss` is at least
    80 % of a limit that did not act. Messages to mainland China are left out: they have thresholds
    of their own, the rows `mainland` of *by* side. With *by* country the rows are those of the
    countries that have limits of their own (no alarms; refused with E000630). A log tells neither
    the rules nor the values and has no rows.
    """
    import pandas as pd

    keys = [by] if isinstance(by, str) else list(by)
    if keys not in ([], ["country"], ["side"]):
        raise ValueError(f"by(={by!r}) must be country, side or nothing")
    scenario = scenario_of(record)
    rows = [] if scenario is None else _all(record, scenario, keys)
    types = {**dict.fromkeys(keys, "str"), **_TYPES}
    columns = {name: [row[name] for row in rows] for name in types}
    return pd.DataFrame(
        {
            name: pd.Series(instants(columns[name]) if t == TIME else columns[name], dtype=t)
            for name, t in types.items()
        }
    )


def shares_of_limit(record: Record) -> dict[str, float]:
    """The largest share of the account's own limit in a day and in a month; empty for a log."""
    scenario = scenario_of(record)
    found: dict[str, float] = {}
    for row in [] if scenario is None else _all(record, scenario, []):
        found[row["period"]] = max(found.get(row["period"], 0), row["share_of_limit"])
    return found


def _all(record: Record, scenario: Scenario, keys: list[str]) -> list[Row]:
    subjects = sorted(scenario.thresholds.countries) if keys == ["country"] else [""]
    if keys == ["side"]:
        subjects = ["", MAINLAND_SIDE]
    return [
        row
        for subject in subjects
        for period in _NAMES
        for row in _rows(record, scenario, period, subject)
    ]


def _rows(record: Record, scenario: Scenario, period: str, whose: str) -> Iterator[Row]:
    """The rows of one counter: of a country, of mainland China's side, or "" of the account."""
    rules, spans = scenario.thresholds, periods(record, period)
    country = "" if whose == MAINLAND_SIDE else whose
    if country and getattr(rules.countries[country], _NAMES[period]) is None:
        return
    subject = f"{whose} {period}".strip()
    trips = stops(record, "country_limit" if country else "limit", "recovered", subject)
    alarms = _alarms(record, subject)
    values = _values(record, rules, period, whose, spans)
    sums = _sums(record, scenario, spans, whose)
    for span, (used, stopped), (alarm, limit) in zip(spans, sums, values, strict=True):
        limit_at = _first([trip.start for trip in trips], span)
        yield {
            "country": country,
            "side": whose or "international",
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
    record: Record, scenario: Scenario, spans: list[Span], whose: str
) -> list[tuple[int, int]]:
    """What was counted in each period, and the messages that the limit refused."""
    money = record.tallies.money
    country, code = money["country"].to_numpy(), "E000623"
    if whose in ("", MAINLAND_SIDE):
        own = (country == MAINLAND) == (whose == MAINLAND_SIDE)
    else:
        own, code = country == whose, "E000630"
    days, weights = microseconds(money["day"])[own], counted(scenario, money)[own]
    stopped = money["status"].to_numpy() == code
    refused = np.where(stopped, money["messages"].to_numpy(np.int64), 0)[own]
    found = []
    for span in spans:
        within = (days >= span.start) & (days < span.end)
        found.append((int(weights[within].sum()), int(refused[within].sum())))
    return found


def _values(
    record: Record, rules: Thresholds, period: str, whose: str, spans: list[Span]
) -> list[tuple[int | None, int]]:
    """Alarm and limit in force at the end of each period."""
    name = _NAMES[period]
    if whose == MAINLAND_SIDE:
        own = rules.mainland
        return [(getattr(own, f"{name}_alarm"), getattr(own, f"{name}_limit"))] * len(spans)
    if whose:
        return [(None, getattr(rules.countries[whose], name))] * len(spans)
    ends = [span.end for span in spans]
    alarms, limits = (
        values_in_force(record, f"{name}_{kind}", rules, ends).tolist()
        for kind in ("alarm", "limit")
    )
    return list(zip(alarms, limits, strict=True))


def _alarms(record: Record, subject: str) -> list[int]:
    events = record.events
    if events is None:
        return []
    at, event, own = _told(events)
    alarms: list[int] = at[(event == "alarm") & (own == subject)].tolist()
    return alarms


def _told(events: pd.DataFrame) -> tuple[Ints, NDArray[Any], NDArray[Any]]:
    """When, what and of what each event is."""
    return microseconds(events["at"]), events["event"].to_numpy(), events["subject"].to_numpy()


def _first(at: list[int], span: Span) -> int | None:
    return next((us for us in at if span.start <= us < span.end), None)
