"""How near the traffic came to its thresholds, by UTC day and month, and what a limit stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import HOUR
from smssim.record.record import Record
from smssim.record.schema import TIME, microseconds_of
from smssim.record.tallies import SLOT_US
from smssim.report._record import (
    TimeInterval,
    counted,
    instants,
    of_side,
    periods,
    requires,
    scenario_of,
    stops,
)
from smssim.scenario import Scenario, Thresholds
from smssim.sms.reference import MAINLAND

__all__ = ["shares_of_limit", "threshold_usage", "thresholds"]

# Which value of a threshold was in force when: as the scenario sets it, and as it was changed.


class _Change(NamedTuple):
    """What happened to a threshold: it fired, was set to a value, or its period turned."""

    at: int
    event: str
    value: int = 0


def _values_in_force(
    record: Record, name: str, rules: Thresholds, before: Sequence[int] | Ints
) -> Ints:
    """The value of *name*, `daily_alarm` and so on, in force just before each instant (us).

    A smaller alarm waits for the next day or month once one has fired (docs/model.md, Thresholds).
    """
    at, values = [np.iinfo(np.int64).min], [int(getattr(rules, name))]
    waiting, fired = values[0], False
    for change in _changes(record, name):
        if change.event == "alarm":
            fired = True
            continue
        if change.event == "turn":
            fired = False
        else:
            waiting = change.value
        if not (fired and name.endswith("alarm") and waiting < values[-1]):
            at.append(change.at)
            values.append(waiting)
    return np.array(values, np.int64)[np.searchsorted(at, before) - 1]


def _changes(record: Record, name: str) -> Iterator[_Change]:
    """Everything that may change what is in force, in order; a turn comes first at its instant."""
    period = "day" if name.startswith("daily") else "month"
    changes = [_Change(span.start, "turn") for span in periods(record, period)]
    events = record.events
    if events is not None:
        event, subject = (events[column].to_numpy() for column in ("event", "subject"))
        mask = (event == "thresholds_set") & (subject == name)
        mask |= (event == "alarm") & (subject == period)
        # Selected before anything else: few events are, and every run of an experiment asks.
        rows = np.flatnonzero(mask)
        at = microseconds_of(events["at"])[rows].tolist()
        values = events["value"].to_numpy(np.int64, na_value=0)[rows].tolist()
        changes += map(_Change, at, event[rows], values)
    yield from sorted(changes, key=lambda change: change.at)


# How the counts of thresholds rose within each UTC day and month.

_SENT = ("delivered", "expired", "failed", "in_flight")


@requires("money", "clock")
def threshold_usage(record: Record) -> pd.DataFrame:
    """What thresholds have counted since the start of their day or month, every 15 minutes (UTC).

    A row holds the count `used` just before `at`, the end of a slot (or of the record), in the
    `period` that began at `start`, in messages or segments as in `thresholds`; those to mainland
    China count by themselves and are left out. A log has no rows.
    """
    scenario = scenario_of(record)
    first, until = record.observed_from // SLOT_US, record.observed_until
    starts = np.arange(first, -(-until // SLOT_US)) * SLOT_US
    if scenario is None:
        starts = starts[:0]
    ends = np.minimum(starts + SLOT_US, until)
    total = np.append(0, np.cumsum(_counted(record, scenario, starts))) if scenario else np.zeros(1)
    frames = []
    for period in ("day", "month"):
        begins = np.array([span.start for span in periods(record, period)])
        of_slot = np.searchsorted(begins, starts, "right") - 1
        before = total[np.searchsorted(starts, begins)]
        columns = {
            "at": instants(ends),
            "period": period,
            "start": instants(begins[of_slot]),
            "used": total[1:] - before[of_slot],
        }
        frames.append(pd.DataFrame(columns))
    types = {"at": TIME, "period": "str", "start": TIME, "used": "int64"}
    return pd.concat(frames, ignore_index=True).astype(types)


def _counted(record: Record, scenario: Scenario, starts: Ints) -> Ints:
    """What was counted in each slot."""
    clock = of_side(record.tallies.clock, mainland=False)
    slots = np.searchsorted(starts, microseconds_of(clock["slot"]))
    values = clock["segments" if scenario.thresholds.unit == "segment" else "messages"]

    def summed(outcomes: tuple[str, ...]) -> Ints:
        sums = np.zeros(len(starts), np.int64)
        mask = clock["outcome"].isin(outcomes).to_numpy()
        np.add.at(sums, slots[mask], values.to_numpy(np.int64)[mask])
        return sums

    sent, refused = summed(_SENT), summed(("refused_platform",))
    money = of_side(record.tallies.money, mainland=False)
    money = money[money["charge"] == "refused_3"]
    days, weights = microseconds_of(money["day"]), counted(scenario, money)
    for span in periods(record, "day"):
        slots_of_day = (starts >= span.start) & (starts < span.end)
        # The clock does not tell codes apart: a day's refusals that count are spread over all.
        share = int(weights[days == span.start].sum()) / max(1, int(refused[slots_of_day].sum()))
        refused[slots_of_day] = np.diff(
            np.round(np.cumsum(refused[slots_of_day]) * share), prepend=0
        )
    return sent + refused


_NEAR = 0.8
"""The share of a limit from which on a period that did not trip it is a near miss."""
_MAINLAND_SIDE = "mainland"
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
_Row = dict[str, Any]


@requires("money", "events")
def thresholds(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """What alarms and limits counted, one row per UTC day, then a UTC month, also if nothing was.

    `used` is in messages or segments, as the scenario counts; `alarm` and `limit` are the values
    in force at the end of the period. `alarm_at` and `limit_at` are when each first acted in it;
    `suspended_h` is how long the limit stopped sending, in hours; `stopped` counts the messages
    refused in the period with E000623, by the daily or the monthly limit. `near_miss` is at least
    80% of a limit that did not act. Messages to mainland China are left out: they have thresholds
    of their own, the rows `mainland` of *by* side. With *by* country the rows are those of the
    countries that have limits of their own (no alarms; refused with E000630). A log shows neither
    the rules nor the values and has no rows.
    """
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
    largest: dict[str, float] = {}
    for row in [] if scenario is None else _all(record, scenario, []):
        largest[row["period"]] = max(largest.get(row["period"], 0), row["share_of_limit"])
    return largest


def _all(record: Record, scenario: Scenario, keys: list[str]) -> list[_Row]:
    subjects = sorted(scenario.thresholds.countries) if keys == ["country"] else [""]
    if keys == ["side"]:
        subjects = ["", _MAINLAND_SIDE]
    return [
        row
        for subject in subjects
        for period in _NAMES
        for row in _rows(record, scenario, period, subject)
    ]


def _rows(record: Record, scenario: Scenario, period: str, whose: str) -> Iterator[_Row]:
    """The rows of one counter: of a country, of mainland China's side, or "" of the account."""
    rules, spans = scenario.thresholds, periods(record, period)
    country = "" if whose == _MAINLAND_SIDE else whose
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
            "near_miss": limit_at is None and used >= _NEAR * limit,
        }


def _sums(
    record: Record, scenario: Scenario, spans: list[TimeInterval], whose: str
) -> list[tuple[int, int]]:
    """What was counted in each period, and the messages that the limit refused."""
    money = record.tallies.money
    country, code = money["country"].to_numpy(), "E000623"
    if whose in ("", _MAINLAND_SIDE):
        mask = (country == MAINLAND) == (whose == _MAINLAND_SIDE)
    else:
        mask, code = country == whose, "E000630"
    days, weights = microseconds_of(money["day"])[mask], counted(scenario, money)[mask]
    stopped = money["status"].to_numpy() == code
    refused = np.where(stopped, money["messages"].to_numpy(np.int64), 0)[mask]
    sums = []
    for span in spans:
        within = (days >= span.start) & (days < span.end)
        sums.append((int(weights[within].sum()), int(refused[within].sum())))
    return sums


def _values(
    record: Record, rules: Thresholds, period: str, whose: str, spans: list[TimeInterval]
) -> list[tuple[int | None, int]]:
    """Alarm and limit in force at the end of each period."""
    name = _NAMES[period]
    if whose == _MAINLAND_SIDE:
        mainland = rules.mainland
        return [(getattr(mainland, f"{name}_alarm"), getattr(mainland, f"{name}_limit"))] * len(
            spans
        )
    if whose:
        return [(None, getattr(rules.countries[whose], name))] * len(spans)
    ends = [span.end for span in spans]
    alarms, limits = (
        _values_in_force(record, f"{name}_{value}", rules, ends).tolist()
        for value in ("alarm", "limit")
    )
    return list(zip(alarms, limits, strict=True))


def _alarms(record: Record, subject: str) -> list[int]:
    events = record.events
    if events is None:
        return []
    at, event, subjects = _event_columns(events)
    alarms: list[int] = at[(event == "alarm") & (subjects == subject)].tolist()
    return alarms


def _event_columns(events: pd.DataFrame) -> tuple[Ints, NDArray[Any], NDArray[Any]]:
    """When, what and of what each event is."""
    return microseconds_of(events["at"]), events["event"].to_numpy(), events["subject"].to_numpy()


def _first(at: list[int], span: TimeInterval) -> int | None:
    return next((us for us in at if span.start <= us < span.end), None)
