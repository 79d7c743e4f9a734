"""Where the figures of `smssim.metrics` come from: the arrays of tallies and small tables.

They are those of the reports, whose tests hold them equal; frames would take most of the time that
an experiment spends on a small run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.calendars import DAY, HOUR
from smssim.record.record import Record
from smssim.report._record import knows, recorded
from smssim.report.delivery import place_of
from smssim.report.message_figures import Value, costs, latencies, messages, of_fraud, passwords
from smssim.report.part import Part
from smssim.report.review import rows_of
from smssim.report.spans import microseconds, stops, union_us
from smssim.report.thresholds import shares_of_limit
from smssim.stats.intervals import wilson
from smssim.stats.survival import UNKNOWN, by_bin, quantiles_s

Ints = NDArray[np.int64]


class Events(NamedTuple):
    """When, what and of what each event of a record is; none where they are not known."""

    at: Ints
    event: NDArray[Any]
    subject: NDArray[Any]


def figures_of(record: Record) -> Iterator[Value]:
    """Every metric of a record, in no order."""
    part, events = Part(record), events_of(record)
    yield from messages(part)
    yield from of_fraud(record)
    yield from latencies(part)
    yield from passwords(part)
    yield from costs(part)
    yield Value("first_message.day", _first_day(record))
    yield from packages(record, events)
    yield from run_outs(record, events)
    yield suspended_by_runout(record, events)
    yield from _account(record, events)
    yield from _callbacks(record)
    yield from reviews(record)


def _first_day(record: Record) -> int | None:
    money = record.tallies.money
    days = microseconds(money["day"])[place_of(money) == 0]
    return int(days.min()) // DAY - record.observed_from // DAY if len(days) else None


def packages(record: Record, events: Events) -> Iterator[Value]:
    """The metrics `package` of each package."""
    table, start = record.packages, record.observed_from
    at, event, subject = events
    if table is not None and record.events is not None:
        names = ("package", "segments", "used", "expired", "country")
        columns = (table[name].tolist() for name in names)
        since = microseconds(table["in_force_at"]).tolist()
        for package, segments, used, expired, country, in_force in zip(
            *columns, since, strict=True
        ):
            of = str(package)
            emptied = at[(event == "package_empty") & (subject == of)]
            ran = at[(event == "run_out") & (subject == country)]
            yield Value("package.empty", _days(emptied[:1], start), of=of)
            yield Value("package.run_out", _days(ran[ran >= in_force], start), of=of)
            yield Value("package.used_share", used / segments, of=of)
            yield Value("package.expired", expired, of=of)


def run_outs(record: Record, events: Events, country: str | None = None) -> Iterator[Value]:
    """The metrics `runout`, of one country or of all."""
    own = events.event == "run_out"
    if country is not None:
        own &= events.subject == country
    dry = events.at[own] if knows(record, "run_out") else None
    yield Value("runout.any", None if dry is None else int(bool(len(dry))))
    yield Value("runout.count", None if dry is None else len(dry))
    yield Value("runout.first", None if dry is None else _days(dry, record.observed_from))


def suspended_by_runout(record: Record, events: Events, country: str | None = None) -> Value:
    """`suspended.runout`, of one country or of any; a suspended account sends to none."""
    only = None if country is None else {country, ""}
    return _stopped(record, events, "suspended.runout", "suspended", "resumed", only)


def _account(record: Record, events: Events) -> Iterator[Value]:
    for name, event in (
        ("thresholds.alarms", "alarm"),
        ("thresholds.limits", "limit"),
        ("thresholds.country_limits", "country_limit"),
    ):
        times = _times(record, events, event)
        yield Value(name, None if times is None else len(times))
    yield _stopped(record, events, "suspended.limit", "limit", "recovered")
    yield _stopped(record, events, "suspended.arrears", "frozen", "thawed")
    shares = shares_of_limit(record)
    for period in ("day", "month"):
        yield Value(f"thresholds.{period}_share", shares.get(period))


def _callbacks(record: Record) -> Iterator[Value]:
    push = record.tallies.push
    state, reports = push["state"].to_numpy(), push["reports"].to_numpy(np.int64)
    arrived = state == "received"
    received, lost = int(reports[arrived].sum()), int(reports[state == "lost"].sum())
    # Reports that never came left no trace in a log.
    told = not recorded(record)
    yield Value("reports.made", int(reports.sum()) if told else None)
    decided = received + lost if told else 0
    share, low, high = wilson(received, decided) if decided else UNKNOWN
    yield Value("reports.received_share", share, low, high)
    yield Value("reports.lost_share", 1 - share, 1 - high, 1 - low)
    yield Value("reports.duplicates", int(push["copies"].to_numpy(np.int64).sum()) - received)
    timed = arrived & push["bin"].notna().to_numpy()
    delays = by_bin(push["bin"].to_numpy()[timed].astype(np.int64), reports[timed])
    yield Value("reports.delay_p95", quantiles_s(delays, 0 * delays, [0.95])[0])


def reviews(record: Record) -> Iterator[Value]:
    """The metrics `review` of each template that was handed in."""
    for row in rows_of(record):
        yield Value("review.hours", row["wall_h"], of=row["template"])
        yield Value("review.working_hours", row["working_h"], of=row["template"])
        usable = row["usable_at"]
        usable_h = None if usable is None else (usable - row["submitted_at"]) / HOUR
        yield Value("review.usable_hours", usable_h, of=row["template"])
        yield Value("review.rejections", row["rejected"], of=row["template"])


def _stopped(
    record: Record, events: Events, name: str, begin: str, end: str, only: set[str] | None = None
) -> Value:
    """The hours between two events of any subject, or of *only* some."""
    if not knows(record, begin):
        return Value(name, None)
    subjects = set(events.subject[events.event == begin].tolist())
    subjects &= subjects if only is None else only
    spans = [span for own in subjects for span in stops(record, begin, end, own)]
    return Value(name, union_us(spans) / HOUR)


def events_of(record: Record) -> Events:
    """The events of a record as arrays."""
    table = record.events
    if table is None:
        nothing = np.empty(0, object)
        return Events(np.empty(0, np.int64), nothing, nothing)
    return Events(microseconds(table["at"]), table["event"].to_numpy(), table["subject"].to_numpy())


def _times(record: Record, events: Events, event: str) -> Ints | None:
    """The instants of an event, None where events are not known."""
    return events.at[events.event == event] if knows(record, event) else None


def _days(times: Ints, start: int) -> float | None:
    """Days from the start to the first of some instants."""
    return (int(times.min()) - start) / DAY if len(times) else None
