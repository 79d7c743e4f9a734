"""How near the traffic came to its thresholds, by UTC day and month, and what a limit stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY, HOUR, month_start, next_day, next_month, to_timestamps
from smssim.record import Record
from smssim.report.needs import needs
from smssim.report.rules import scenario_of, thresholds_of
from smssim.scenario import Thresholds
from smssim.tables import TIME

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
NEAR = 0.8
"""The share of a limit from which on a period that did not trip it is a near miss."""
NAMES = {"day": "daily", "month": "monthly"}
_TYPES = {
    "period": "str",
    "start": TIME,
    "used": "int64",
    "alarm": "Int64",
    "limit": "Int64",
    "share_of_limit": "float64",
    "alarm_at": TIME,
    "limit_at": TIME,
    "suspended_h": "float64",
    "stopped": "int64",
    "near_miss": "boolean",
}


class Span(NamedTuple):
    """A time from an instant up to another, in microseconds since 1970 UTC."""

    start: int
    end: int

    def overlap(self, other: Span) -> int:
        """The microseconds that both share."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


@needs("money", "events")
def thresholds(record: Record, by: str | Sequence[str] = ()) -> pd.DataFrame:
    """What alarms and limits counted, one row a UTC day, then a UTC month, also if nothing was.

    `used` is in messages or segments, as the scenario counts; `alarm` and `limit` are the values
    in force at the end of the period. `alarm_at` and `limit_at` are when each first acted in it;
    `suspended_h` is how long the limit stopped sending, in hours; `stopped` counts the messages
    refused in the period with E000623, by the daily or the monthly limit. `near_miss` is at least
    80 % of a limit that did not act. With *by* country the rows are those of the countries that
    have limits of their own (no alarms; refused with E000630). A log is counted by the service's
    defaults, and what it cannot know of its account is NA.
    """
    import pandas as pd

    if by not in ("country", ["country"], (), [], ("country",)):
        raise ValueError(f"by(={by!r}) must be country or nothing")
    rules = thresholds_of(record)
    rows = [
        {"country": country, **row}
        for country in (sorted(rules.countries) if by else [""])
        for period in NAMES
        for row in _rows(record, rules, period, country)
    ]
    types = {"country": "str", **_TYPES} if by else _TYPES
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in rows], dtype=t) for name, t in types.items()}  # type: ignore[call-overload]
    )


def periods(record: Record, period: str) -> list[Span]:
    """The UTC days or months that a record covers, if only in part."""
    first = record.observed_from
    at, following = (
        (first // DAY * DAY, next_day) if period == "day" else (month_start(first), next_month)
    )
    found = []
    while at < record.observed_until:
        found.append(Span(at, following(at)))
        at = found[-1].end
    return found


def counted_share(money: pd.DataFrame, record: Record) -> NDArray[Any]:
    """Whether thresholds counted each cell of the money tally: 1 or 0.

    Sent messages count; those that the platform refused count if the scenario says so. A message
    that failed with a freeze was counted when it was accepted.
    """
    scenario = scenario_of(record)
    refused = money["charge"] == "refused_3"
    counts = ~money["charge"].isin(["refused_1", "refused_2"])
    if scenario is not None and not scenario.thresholds.counts_refused:
        counts &= ~refused | (money["status"] == scenario.account.frozen_status)
    return counts.to_numpy(np.int64)


def weight(rules: Thresholds) -> str:
    """The column that thresholds add up."""
    return "segments" if rules.unit == "segment" else "messages"


def microseconds(times: pd.Series[Any]) -> Ints:
    """UTC times as microseconds since 1970."""
    naive = times.dt.tz_localize(None) if times.dt.tz is not None else times
    return naive.to_numpy().astype("datetime64[us]").view(np.int64)


def _rows(
    record: Record, rules: Thresholds, period: str, country: str
) -> Iterator[dict[str, Any]]:
    """The rows of one counter; *country* is empty for the account's."""
    if country and getattr(rules.countries[country], NAMES[period]) is None:
        return
    spans = periods(record, period)
    subject = f"{country} {period}" if country else period
    trip, code = ("country_limit", "E000630") if country else ("limit", "E000623")
    used, stopped = _sums(record, rules, spans, country, code)
    known = record.events is not None
    values = _values(record, rules, period, country, spans)
    trips = _stops(record, trip, subject)
    alarms = [Span(at, at) for at in _instants(record, "alarm", subject)]
    for place, span in enumerate(spans):
        alarm, limit = values[place]
        tripped = _first(trips, span)
        yield {
            "period": period,
            "start": _time(span.start),
            "used": used[place],
            "alarm": alarm,
            "limit": limit,
            "share_of_limit": float("nan") if limit is None else used[place] / limit,
            "alarm_at": _time(_first(alarms, span)),
            "limit_at": _time(tripped),
            "suspended_h": sum(map(span.overlap, trips)) / HOUR if known else float("nan"),
            "stopped": stopped[place],
            "near_miss": None
            if limit is None
            else tripped is None and used[place] >= NEAR * limit,
        }


def _sums(
    record: Record, rules: Thresholds, spans: list[Span], country: str, code: str
) -> tuple[list[int], list[int]]:
    """What was counted in each period, and the messages that *code* refused."""
    money = record.tallies.money
    own = money[money["country"] == country] if country else money
    days = microseconds(own["day"])
    counted = own[weight(rules)].to_numpy(np.int64) * counted_share(own, record)
    refused = own["messages"].where(own["status"] == code, 0).to_numpy(np.int64)
    return _within(days, counted, spans), _within(days, refused, spans)


def _within(days: Ints, values: Ints, spans: list[Span]) -> list[int]:
    """The sum of *values* in each span; cells of a tally stand in the order of their days."""
    total = np.append(0, np.cumsum(values))
    starts, ends = (np.searchsorted(days, [span[i] for span in spans]) for i in (0, 1))
    sums: list[int] = (total[ends] - total[starts]).tolist()
    return sums


def _values(
    record: Record, rules: Thresholds, period: str, country: str, spans: list[Span]
) -> list[tuple[int | None, int | None]]:
    """Alarm and limit in force at the end of each period."""
    if record.events is None:
        return [(None, None)] * len(spans)
    if country:
        return [(None, getattr(rules.countries[country], NAMES[period]))] * len(spans)
    alarms, limits = (
        _in_force(record, f"{NAMES[period]}_{kind}", rules, period, spans)
        for kind in ("alarm", "limit")
    )
    return list(zip(alarms, limits, strict=True))


def _in_force(
    record: Record, name: str, rules: Thresholds, period: str, spans: list[Span]
) -> list[int]:
    """One value at the end of each period: a smaller alarm waits for the next one's start."""
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
            if not (fired and name.endswith("alarm") and value < in_force):
                in_force = value
        found.append(in_force)
    return found


def _stops(record: Record, trip: str, subject: str) -> list[Span]:
    """The times from each trip of a limit to its recovery."""
    ends = _instants(record, "recovered", subject)
    found = []
    for at in _instants(record, trip, subject):
        end = next((end for end in ends if end >= at), record.observed_until)
        found.append(Span(at, end))
    return found


def _instants(record: Record, event: str, subject: str) -> list[int]:
    events = record.events
    if events is None:
        return []
    own = events[(events["event"] == event) & (events["subject"] == subject)]
    instants: list[int] = microseconds(own["at"]).tolist()
    return instants


def _first(spans: list[Span], period: Span) -> int | None:
    return next((span.start for span in spans if period.start <= span.start < period.end), None)


def _time(us: int | None) -> Any:
    import pandas as pd

    return pd.NaT if us is None else pd.Timestamp(to_timestamps(np.array(us))[()], tz="UTC")
