"""The metrics of the account: packages, run-outs, stops, thresholds, callbacks, reviews."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints
from smssim.calendars import DAY, HOUR
from smssim.record.record import Record
from smssim.record.schema import microseconds_of
from smssim.report._record import knows, recorded, stops, union_us
from smssim.report.delivery import stage_of
from smssim.report.message_kpis import Figure
from smssim.report.review import rows_of
from smssim.report.thresholds import shares_of_limit
from smssim.stats.competing_risks import UNKNOWN
from smssim.stats.delay_bins import by_bin, quantile_s
from smssim.stats.intervals import wilson_with_pending

__all__ = [
    "Events",
    "account",
    "callbacks",
    "events_of",
    "first_day",
    "packages",
    "reviews",
    "run_outs",
    "suspended_by_runout",
]


class Events(NamedTuple):
    """When, what and of what each event of a record is; none where they are not known."""

    at_us: Ints
    event: NDArray[Any]
    subject: NDArray[Any]


def first_day(record: Record) -> int | None:
    """The day of the record, from 0, on which the first message was sent; None without any."""
    money = record.tallies.money
    days = microseconds_of(money["day"])[stage_of(money) == 0]
    return int(days.min()) // DAY - record.observed_from // DAY if len(days) else None


def packages(record: Record, events: Events) -> Iterator[Figure]:
    """The metrics `package` of each package."""
    table, start = record.packages, record.observed_from
    at, event, subject = events
    if table is not None and record.events is not None:
        names = ("package", "segments", "used", "expired", "country")
        columns = (table[name].tolist() for name in names)
        since = microseconds_of(table["in_force_at"]).tolist()
        for package, segments, used, expired, country, in_force in zip(
            *columns, since, strict=True
        ):
            of = str(package)
            emptied = at[(event == "package_empty") & (subject == of)]
            ran = at[(event == "run_out") & (subject == country)]
            yield Figure("package.empty", _days(emptied[:1], start), of=of)
            yield Figure("package.run_out", _days(ran[ran >= in_force], start), of=of)
            yield Figure("package.used_share", used / segments if segments else None, of=of)
            yield Figure("package.expired", expired, of=of)


def run_outs(record: Record, events: Events, country: str | None = None) -> Iterator[Figure]:
    """The metrics `runout`, of one country or of all."""
    mask = events.event == "run_out"
    if country is not None:
        mask &= events.subject == country
    dry = events.at_us[mask] if knows(record, "run_out") else None
    yield Figure("runout.any", None if dry is None else int(bool(len(dry))))
    yield Figure("runout.count", None if dry is None else len(dry))
    yield Figure("runout.first", None if dry is None else _days(dry, record.observed_from))


def suspended_by_runout(record: Record, events: Events, country: str | None = None) -> Figure:
    """`suspended.runout`, of one country or of any; a suspended account sends to none."""
    only = None if country is None else {country, ""}
    return _stopped(record, events, "suspended.runout", "suspended", "resumed", only)


def account(record: Record, events: Events) -> Iterator[Figure]:
    """The metrics `thresholds`, and `suspended` of the whole account."""
    for name, event in (
        ("thresholds.alarms", "alarm"),
        ("thresholds.limits", "limit"),
        ("thresholds.country_limits", "country_limit"),
    ):
        times = _times(record, events, event)
        yield Figure(name, None if times is None else len(times))
    yield _stopped(record, events, "suspended.limit", "limit", "recovered")
    yield _stopped(record, events, "suspended.arrears", "frozen", "thawed")
    shares = shares_of_limit(record)
    for period in ("day", "month"):
        yield Figure(f"thresholds.{period}_share", shares.get(period))


def callbacks(record: Record) -> Iterator[Figure]:
    """The metrics `reports`."""
    push = record.tallies.push
    state, reports = push["state"].to_numpy(), push["reports"].to_numpy(np.int64)
    arrived = state == "received"
    received, lost = int(reports[arrived].sum()), int(reports[state == "lost"].sum())
    # Reports that never came left no trace in a log.
    complete = not recorded(record)
    yield Figure("reports.made", int(reports.sum()) if complete else None)
    decided, pending = received + lost if complete else 0, int(reports.sum()) - received - lost
    share, low, high = wilson_with_pending(received, decided, pending) if decided else UNKNOWN
    yield Figure("reports.received_share", share, low, high)
    yield Figure("reports.lost_share", 1 - share, 1 - high, 1 - low)
    duplicates = int(push["deliveries"].to_numpy(np.int64).sum()) - received
    yield Figure("reports.duplicates", duplicates if complete or received else None)
    timed = arrived & push["bin"].notna().to_numpy()
    delays = by_bin(push["bin"].to_numpy()[timed].astype(np.int64), reports[timed])
    yield Figure("reports.delay_p95", quantile_s(delays, 0.95))


def reviews(record: Record) -> Iterator[Figure]:
    """The metrics `review` of each template that was handed in."""
    for row in rows_of(record):
        yield Figure("review.hours", row["wall_h"], of=row["template"])
        yield Figure("review.working_hours", row["working_h"], of=row["template"])
        usable = row["usable_at"]
        usable_h = None if usable is None else (usable - row["submitted_at"]) / HOUR
        yield Figure("review.usable_hours", usable_h, of=row["template"])
        yield Figure("review.rejections", row["rejected"], of=row["template"])


def _stopped(
    record: Record, events: Events, name: str, begin: str, end: str, only: set[str] | None = None
) -> Figure:
    """The hours between two events of any subject, or of *only* some."""
    if not knows(record, begin):
        return Figure(name, None)
    subjects = set(events.subject[events.event == begin].tolist())
    subjects &= subjects if only is None else only
    spans = [span for subject in subjects for span in stops(record, begin, end, subject)]
    return Figure(name, union_us(spans) / HOUR)


def events_of(record: Record) -> Events:
    """The events of a record as arrays."""
    table = record.events
    if table is None:
        nothing = np.empty(0, object)
        return Events(np.empty(0, np.int64), nothing, nothing)
    return Events(
        microseconds_of(table["at"]), table["event"].to_numpy(), table["subject"].to_numpy()
    )


def _times(record: Record, events: Events, event: str) -> Ints | None:
    """The instants of an event, None where events are not known."""
    return events.at_us[events.event == event] if knows(record, event) else None


def _days(times: Ints, start: int) -> float | None:
    """Days from the start to the first of some instants."""
    return (int(times.min()) - start) / DAY if len(times) else None
