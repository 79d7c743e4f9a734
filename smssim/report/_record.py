"""The groups a report has one row each for, and what a record cannot know."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache, wraps
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import DAY, month_start, next_day, next_month
from smssim.record.record import Record, require_record
from smssim.record.schema import PACKAGE_EVENTS, TABLES, microseconds_of
from smssim.record.tallies import NAMES, SLOT_US
from smssim.scenario import Scenario
from smssim.sms.reference import MAINLAND

__all__ = [
    "KEYS",
    "TimeInterval",
    "charges_known",
    "counted",
    "events_of",
    "instants",
    "keys_of",
    "knows",
    "months",
    "of_side",
    "periods",
    "priced",
    "recorded",
    "requirements",
    "requires",
    "scenario_of",
    "sent_until",
    "stops",
    "summed",
    "union_us",
]

KEYS = ("day", "country", "application", "type")


def keys_of(by: str | Sequence[str], allowed: Sequence[str] = KEYS) -> list[str]:
    """The columns to group by, from one name or several; none gives one row for everything.

    Raise a ValueError for a name that is not *known*, or that appears twice.
    """
    keys = [by] if isinstance(by, str) else list(by)
    unknown = [key for key in keys if key not in allowed]
    if unknown or len(set(keys)) < len(keys):
        raise ValueError(f"by(={by!r}) must be some of {', '.join(allowed)}, each once")
    return keys


def months(moments: pd.Series[Any]) -> NDArray[np.object_]:
    """The UTC month of each moment, as in `2026-07`."""
    texts: NDArray[np.object_] = moments.dt.strftime("%Y-%m").to_numpy(object)
    return texts


def recorded(record: Record) -> bool:
    """Whether the record was read from a log, rated or not: a simulation always has a ledger."""
    return record.ledger is None or record.provenance.get("rating", {}).get("of") == "log"


def priced(record: Record) -> bool:
    """Whether there is money in the record: it was simulated, or rated."""
    return record.ledger is not None


def charges_known(record: Record) -> bool:
    """Whether it is known what messages were charged: also in a log that gives each one's cost."""
    return priced(record) or bool((record.tallies.money["charge"] == "pay_per_use").any())


def events_of(record: Record, event: str) -> pd.DataFrame | None:
    """The events of one kind; None where the record cannot know of them, as a log knows none.

    A rated log tells of its packages.
    """
    events = record.events
    return events[events["event"] == event] if events is not None and knows(record, event) else None


def knows(record: Record, event: str) -> bool:
    """Whether the record has events of that kind if there were any."""
    return record.events is not None and (not recorded(record) or event in PACKAGE_EVENTS)


def summed(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The frame's numbers summed by *keys*, which become the index; NA is a group too, the last.

    Without keys there is one row, indexed 0, also for an empty frame.
    """
    if keys:
        return frame.groupby(keys, dropna=False, sort=True).sum()
    return pd.DataFrame([frame.sum()]) if len(frame) else pd.DataFrame(0, [0], frame.columns)


# What a report declares it needs of a record, so that it can say what is missing.

_P = ParamSpec("_P")
_R = TypeVar("_R")
_KNOWN = (*NAMES, *TABLES)


def requires(
    *names: str,
) -> Callable[[Callable[Concatenate[Record, _P], _R]], Callable[Concatenate[Record, _P], _R]]:
    """Declare the tallies and tables that a report is computed from; its `requirements`.

    A log knows no small tables and gets NA for what they would tell. A simulated record that was
    stripped of one is refused with a ValueError that names it, what is no record with a TypeError.
    """
    unknown = set(names) - set(_KNOWN)
    if unknown:
        raise ValueError(f"requires(={sorted(unknown)}) must be some of {', '.join(_KNOWN)}")

    def declare(
        report: Callable[Concatenate[Record, _P], _R],
    ) -> Callable[Concatenate[Record, _P], _R]:
        @wraps(report)
        def checked(record: Record, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
            require_record(record)
            missing = [name for name in names if name in TABLES and getattr(record, name) is None]
            if missing and not recorded(record):
                raise ValueError(
                    f"report.{report.__name__} needs {', '.join(missing)}, "
                    f"which the record {record.name!r} was stripped of"
                )
            return report(record, *args, **kwargs)

        checked.requirements = names  # type: ignore[attr-defined]
        return checked

    return declare


def requirements(report: Callable[..., Any]) -> tuple[str, ...]:
    """The tallies and tables that a report is computed from; none if it does not say."""
    names: tuple[str, ...] = getattr(report, "requirements", ())
    return names


# Stretches of time in reports: UTC days and months, and how long something lasted.


class TimeInterval(NamedTuple):
    """A time from an instant up to another, in microseconds since 1970 UTC."""

    start: int
    end: int

    def overlap(self, other: TimeInterval) -> int:
        """The microseconds that both share."""
        return max(0, min(self.end, other.end) - max(self.start, other.start))


def periods(record: Record, period: str) -> list[TimeInterval]:
    """The UTC days or months ("day" or "month") that a record covers, if only in part."""
    first = record.observed_from
    at, following = (
        (first // DAY * DAY, next_day) if period == "day" else (month_start(first), next_month)
    )
    spans = []
    while at < record.observed_until:
        spans.append(TimeInterval(at, following(at)))
        at = spans[-1].end
    return spans


def sent_until(record: Record) -> int:
    """Until when a record shows what was submitted, in microseconds since 1970.

    A simulated month tells it to its end. A log goes on to its last status, which may come days
    after its last message: those days are not in the export, rather than quiet, so where a UTC day
    or more follows without a message it is the end of the 15 minutes of the last one.
    """
    until = record.observed_until
    slots = microseconds_of(record.tallies.clock["slot"]) if recorded(record) else None
    if slots is None or not len(slots):
        return until
    last = int(slots.max())
    return until if (until - 1) // DAY <= last // DAY else last + SLOT_US


def stops(record: Record, begin: str, end: str, subject: str) -> list[TimeInterval]:
    """The times from each event *begin* of a subject to its next *end*, or the record's end."""
    events = record.events
    if events is None:
        return []
    mask = events["subject"].to_numpy() == subject
    times, names = microseconds_of(events["at"])[mask], events["event"].to_numpy()[mask]
    spans: list[TimeInterval] = []
    since = None
    # In the order of events, as an end and the next begin may share their instant.
    for at, event in zip(times.tolist(), names.tolist(), strict=True):
        if event == begin and since is None:
            since = at
        elif event == end and since is not None:
            spans.append(TimeInterval(since, at))
            since = None
    return spans if since is None else [*spans, TimeInterval(since, record.observed_until)]


def union_us(spans: Sequence[TimeInterval]) -> int:
    """The microseconds that at least one of the spans covers."""
    total, reached = 0, 0
    for start, end in sorted(spans):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def instants(us: Sequence[int | None] | Ints) -> pd.DatetimeIndex:
    """Microseconds since 1970 as UTC times; None is NaT."""
    nat = np.iinfo(np.int64).min
    values = np.array([nat if at is None else at for at in us], np.int64)
    return pd.DatetimeIndex(values.view("datetime64[us]")).tz_localize("UTC")


# The scenario of a record, and the rule of its thresholds that several reports follow.


def scenario_of(record: Record) -> Scenario | None:
    """The scenario a record was simulated from; None for a log."""
    text = None if recorded(record) else record.provenance.get("scenario")
    return None if text is None else _parsed(text)


def counted(scenario: Scenario, money: pd.DataFrame) -> NDArray[np.int64]:
    """What thresholds counted in each cell of the money tally, in messages or segments.

    Sent messages count; those that the platform refused do if the scenario says so. A message
    that failed with a freeze was sent by then, and stays counted.
    """
    rules = scenario.thresholds
    charge = money["charge"].to_numpy()
    counts = (charge != "refused_1") & (charge != "refused_2")
    if not rules.counts_refused:
        frozen = money["status"].to_numpy() == scenario.account.frozen_status
        counts &= (charge != "refused_3") | frozen
    weights = money["segments" if rules.unit == "segment" else "messages"].to_numpy(np.int64)
    return np.where(counts, weights, 0)


def of_side(frame: pd.DataFrame, mainland: bool) -> pd.DataFrame:
    """The cells of messages to mainland China, which count by themselves, or all others."""
    return frame[(frame["country"] == MAINLAND) == mainland]


@lru_cache(maxsize=8)
def _parsed(text: str) -> Scenario:
    # A run's text is JSON: reading it as YAML would take longer than most reports.
    with suppress(json.JSONDecodeError):
        return Scenario.model_validate(json.loads(text))
    return Scenario.parse(text)
